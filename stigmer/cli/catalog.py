"""The table of commands and of the options they share, and the help page made from it.

`stigmer --help` is printed from here without loading any command, nor the library that parses options: the main help
must be there at once. Loading a command is the parser's business (`stigmer.cli.application`).
"""

from __future__ import annotations

from typing import NamedTuple

PROGRAM = "stigmer"


class Entry(NamedTuple):
    """One command: `module` holds it under the name `command`; `summary` is also the first line of its own help."""

    name: str
    module: str
    summary: str


class GlobalOption(NamedTuple):
    """One option that every command takes."""

    flags: tuple[str, ...]
    metavar: str
    help: str


SECTIONS: dict[str, tuple[Entry, ...]] = {
    "Manifests": (
        Entry("apply", "stigmer.cli.commands.apply", "Make the backend say what the manifests say."),
        Entry("plan", "stigmer.cli.commands.plan", "Show what apply would change, and change nothing."),
        Entry("diff", "stigmer.cli.commands.diff", "Show, field by field, how manifests differ from the backend."),
        Entry("validate", "stigmer.cli.commands.validate", "Check manifests and report everything that is wrong."),
        Entry("delete", "stigmer.cli.commands.delete", "Delete resources, by manifest or by name."),
        Entry("export", "stigmer.cli.commands.export", "Print or save what the backend holds, as manifests."),
        Entry("import", "stigmer.cli.commands.import_", "Apply what an export printed or saved."),
        Entry("init", "stigmer.cli.commands.init", "Write a small folder of manifests to start from."),
    ),
    "Resources": (
        Entry("get", "stigmer.cli.commands.get", "List resources, or print them."),
        Entry("describe", "stigmer.cli.commands.describe", "Show one resource in full, for reading."),
        Entry("agent", "stigmer.cli.commands.agent", "Create, change and delete agents without a manifest."),
        Entry("env", "stigmer.cli.commands.env", "Create, change and delete environments without a manifest."),
        Entry("workflow", "stigmer.cli.commands.workflow", "Create, change and delete workflows without a manifest."),
        Entry("skill", "stigmer.cli.commands.skill", "Get the files of skills."),
    ),
    "Reference": (
        Entry("explain", "stigmer.cli.commands.explain", "Explain a kind or one of its fields."),
        Entry("schema", "stigmer.cli.commands.schema", "Print the JSON Schema of manifests, for editors."),
        Entry("completion", "stigmer.cli.commands.completion", "Print the script that completes stigmer in a shell."),
    ),
    "Backend": (
        Entry("local", "stigmer.cli.commands.local", "Start, stop and look at the local daemon."),
        Entry("backend", "stigmer.cli.commands.backend", "Show or choose the backend that commands talk to."),
        Entry("config", "stigmer.cli.commands.config", "Read and write the configuration file."),
        Entry("version", "stigmer.cli.commands.version", "Show the versions of this program and of the daemon."),
    ),
}

COMMANDS: dict[str, Entry] = {entry.name: entry for entries in SECTIONS.values() for entry in entries}

GLOBAL_OPTIONS: dict[str, GlobalOption] = {
    "org": GlobalOption(("--org",), "NAME", "Work in this org instead of the backend's own."),
    "data_dir": GlobalOption(("--data-dir",), "DIR", "Data directory of the local backend."),
    "config": GlobalOption(("--config",), "FILE", "Read this configuration file."),
    "output": GlobalOption(("-o", "--output"), "FORMAT", "Print the result in this format."),
    "no_color": GlobalOption(("--no-color",), "", "Never use colour."),
    "verbose": GlobalOption(("-v", "--verbose"), "", "Say more."),
}

INTRODUCTION = "Keep AI agents, environments and workflows in git and in step with reality."

EXAMPLES = """\
  stigmer init demo && stigmer apply -f demo    Start with a working example
  stigmer plan -f demo                          See what an apply would do
  stigmer get agents                            List what is there"""


def main_help() -> str:
    """The text of `stigmer --help`, without a final newline."""
    lines = [f"Usage: {PROGRAM} COMMAND [OPTIONS] [ARGS]...", "", f"  {INTRODUCTION}"]
    for title, entries in SECTIONS.items():
        lines += ["", f"{title}:"]
        lines += [f"  {entry.name:<12}{entry.summary}" for entry in entries]
    lines += ["", "Options of every command:"]
    lines += [f"  {_flags(option):<22}{option.help}" for option in GLOBAL_OPTIONS.values()]
    lines += [f"  {'-h, --help':<22}Explain a command: {PROGRAM} COMMAND --help."]
    lines += ["", "Examples:", EXAMPLES]
    return "\n".join(lines)


def _flags(option: GlobalOption) -> str:
    flags = ", ".join(option.flags)
    return f"{flags} {option.metavar}" if option.metavar else flags
