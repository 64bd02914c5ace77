"""Pages of the command line, from the parser's tree: one page per command of the table."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import click

from reference.markdown import code, fenced, link, page, prose, table
from stigmer.cli.application import application
from stigmer.cli.catalog import EXAMPLES, GLOBAL_OPTIONS, INTRODUCTION, PROGRAM, SECTIONS

EXAMPLES_HEADING = "Examples:"
VERBATIM = "\b"
"""What click puts before a paragraph whose lines stay as they are."""


def pages() -> dict[str, str]:
    """Every page by its path below the reference."""
    root = application()
    context = click.Context(root, info_name=PROGRAM)
    assert isinstance(root, click.Group)
    found = {"cli/README.md": _index(root)}
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        if command is not None and not command.hidden:
            found[f"cli/{name}.md"] = page(f"{PROGRAM} {name}", *_blocks(command, name, context))
    return found


def _index(root: click.Command) -> str:
    blocks = [prose(INTRODUCTION)]
    for title, entries in SECTIONS.items():
        rows = [[link(code(f"{PROGRAM} {entry.name}"), f"{entry.name}.md"), prose(entry.summary)] for entry in entries]
        blocks += [f"## {title}", table(["Command", ""], rows)]
    shared = [parameter for parameter in root.params if parameter.name in GLOBAL_OPTIONS]
    blocks += ["## Options of every command", "They may stand before the command or after it; the last one counts."]
    blocks += [_options(shared), f"`-h`, `--help` explains a command, `{PROGRAM} --version` prints the version."]
    blocks += ["## Examples", fenced(inspect.cleandoc(EXAMPLES), "text")]
    return page("Commands", *blocks)


def _blocks(command: click.Command, name: str, parent: click.Context, level: int = 2) -> Iterator[str]:
    """What is said of a command and of those below it."""
    context = click.Context(command, info_name=name, parent=parent)
    text, _, examples = inspect.cleandoc(command.help or "").partition(EXAMPLES_HEADING)
    yield from _paragraphs(text)
    yield fenced(" ".join([context.command_path, *command.collect_usage_pieces(context)]), "text")
    yield from _parameters(command)
    if examples.strip():
        yield fenced(inspect.cleandoc(examples), "text")
    if isinstance(command, click.Group):
        yield from _below(command, context, level)


def _below(group: click.Group, context: click.Context, level: int) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield f"{'#' * level} {context.command_path} {name}"
        if command.name != name:
            yield f"Another name of {code(f'{context.command_path} {command.name}')}."
        else:
            yield from _blocks(command, name, context, level + 1)


def _paragraphs(text: str) -> Iterator[str]:
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.strip() and line.strip() != VERBATIM]
        if VERBATIM in block and lines:
            yield fenced("\n".join(lines), "text")
        elif lines:
            yield prose(" ".join(line.strip() for line in lines))


def _parameters(command: click.Command) -> Iterator[str]:
    arguments = [each for each in command.params if isinstance(each, click.Argument)]
    yield table(["Argument", ""], [[code(_metavar(each)), _need(each)] for each in arguments])
    own = [each for each in command.params if each.name not in GLOBAL_OPTIONS or _says_formats(each)]
    yield _options(own)
    said = {each.name for each in own}
    shared = [code("/".join(each.flags)) for key, each in GLOBAL_OPTIONS.items() if key not in said]
    if not isinstance(command, click.Group):
        yield f"And {link('the options of every command', 'README.md#options-of-every-command')}: {', '.join(shared)}."


def _says_formats(parameter: click.Parameter) -> bool:
    """Whether this is -o of a command that has formats of its own."""
    return parameter.name == "output" and parameter.metavar != GLOBAL_OPTIONS["output"].metavar


def _options(parameters: list[click.Parameter]) -> str:
    options = [each for each in parameters if isinstance(each, click.Option) and not each.hidden]
    return table(["Option", ""], [[_flags(each), _description(each)] for each in options])


def _flags(option: click.Option) -> str:
    value = "" if option.is_flag or option.count else f" {_metavar(option)}"
    text = ", ".join(option.opts) + value
    return code(f"{text} / {', '.join(option.secondary_opts)}" if option.secondary_opts else text)


def _description(option: click.Option) -> str:
    parts = [prose(option.help or "")]
    if option.required:
        parts.append("Required.")
    if isinstance(option.type, click.Choice):
        parts.append(f"One of {', '.join(code(str(each)) for each in option.type.choices)}.")
    if (
        isinstance(option.default, str | int | float)
        and not option.is_flag
        and not option.count
        and option.default != ""
    ):
        parts.append(f"Default: {code(str(option.default))}.")
    return " ".join(parts)


def _metavar(parameter: click.Parameter) -> str:
    if parameter.metavar:
        return parameter.metavar
    name = (parameter.name or "").upper() if isinstance(parameter, click.Argument) else parameter.type.name.upper()
    return f"{name}..." if parameter.nargs == -1 else name


def _need(argument: Any) -> str:
    return "Required." if argument.required else "Optional."
