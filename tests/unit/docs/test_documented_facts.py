"""Figures and claims in prose: what `docs/concepts.md` and `docs/comparison.md` say is what the code says. That their
commands run is shown by `tests/e2e/test_docs.py`.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import click
import pytest

from manifests import DEFAULT_LIMITS
from stigmer.cli.catalog import COMMANDS
from stigmer.cli.exit_codes import PRECEDENCE, ExitCode
from stigmer.contract import default_contract
from stigmer.contract.limits import MAX_APPLY_BYTES, MAX_CHANGES
from stigmer.contract.slug import MAX_SLUG_LENGTH
from stigmer.version import VERSION

ROOT = Path(__file__).resolve().parents[3]
CONCEPTS = (ROOT / "docs" / "concepts.md").read_text(encoding="utf-8")
COMPARISON = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
PROTO = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "proto").rglob("*.proto"))

EVIDENCE, _, MISSING = COMPARISON.partition("## What our rows rest on")[2].partition("Not there yet")
RESERVED = {ExitCode.STALE, ExitCode.DRIFT, ExitCode.CANCELLED, ExitCode.TIMED_OUT}
"""Codes that this version defines and never returns."""

MIB = 1 << 20


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, headings included."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def claims() -> set[str]:
    """The headings of the columns in which our row has a tick."""
    found, heading = set(), [""]
    for row in rows(COMPARISON.partition("## What our rows rest on")[0]):
        if row[0] == "tool":
            heading = row
        elif row[0] == "**stigmer**":
            found |= {name for name, cell in zip(heading, row, strict=True) if cell.startswith("✓")}
    return found


def parameters(words: list[str]) -> set[str]:
    """The options of a command such as ["local", "start"]; KeyError if there is none."""
    command: click.Command = import_module(COMMANDS[words[0]].module).command
    for word in words[1:]:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


def split_command(text: str) -> tuple[list[str], list[str]]:
    """`stigmer apply --yes` -> its words and its options."""
    program, *rest = text.split()
    assert program == "stigmer"
    return [word for word in rest if not word.startswith("-")], [word for word in rest if word.startswith("-")]


def test_the_concepts_list_the_exit_codes_of_the_program() -> None:
    listed = {int(row[0]) for row in rows(CONCEPTS) if row[0].isdigit()}
    assert listed == {code.value for code in set(ExitCode) - RESERVED}
    assert {code.value for code in RESERVED} == {6, 7, 8, 9}
    shown = [code.value for code in PRECEDENCE if code.value in {1, 2, 3, 4, 5}]
    assert shown == [1, 5, 3, 4, 2]


@pytest.mark.parametrize(
    "fact",
    [
        f"{DEFAULT_LIMITS.document_bytes // MIB} MiB, {DEFAULT_LIMITS.nodes:,} nodes, {DEFAULT_LIMITS.depth} levels",
        f"{DEFAULT_LIMITS.file_bytes // MIB} MiB, {DEFAULT_LIMITS.documents:,} documents",
        f"{MAX_CHANGES:,} changes, {MAX_APPLY_BYTES // MIB} MiB",
        f"| uses of aliases in one document | {DEFAULT_LIMITS.aliases:,} |",
        f"{MAX_SLUG_LENGTH} characters; agents and workflows {default_contract().kinds['Agent'].max_slug_length}",
    ],
)
def test_the_concepts_state_the_limits_of_the_code(fact: str) -> None:
    assert fact in CONCEPTS


@pytest.mark.parametrize(
    ("field", "limit"),
    [
        (r"map<string, string> labels", "max_pairs: 256"),
        (r"map<string, string> annotations", "max_pairs: 256"),
        (r"repeated string tags", "max_items: 256"),
        (r"map<string, EnvironmentValue> data", "max_pairs: 1000"),
        (r"optional string value", "max_len = 262144"),
        (r"string instructions", "max_len = 262144"),
        (r"string skill_md", "max_len = 1048576"),
        (r"repeated WorkflowTask tasks", "max_items = 1000"),
    ],
)
def test_the_contract_has_the_limits_that_the_concepts_state(field: str, limit: str) -> None:
    declared = re.search(rf"{re.escape(field)} = \d+ \[.*?\];", PROTO, flags=re.DOTALL)
    assert declared is not None
    assert limit in declared[0]


def test_every_kind_is_among_the_concepts() -> None:
    assert all(f"`{kind}`" in CONCEPTS for kind in default_contract().kinds)


def test_the_comparison_is_about_this_version() -> None:
    assert f"| stigmer | {'.'.join(VERSION.split('.')[:2])} |" in COMPARISON


def test_each_of_our_ticks_has_a_command_and_a_test_behind_it() -> None:
    evidence = {row[0]: row[1:] for row in rows(EVIDENCE)[1:]}
    assert claims() == evidence.keys()
    for command, shown in evidence.values():
        words, options = split_command(command.strip("`"))
        assert set(options) <= parameters(words), command
        tests = re.findall(r"\[`(\w+)`\]\(\.\./([\w/.]+)\)", shown)
        assert tests
        for name, path in tests:
            assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), name


def test_what_is_said_to_be_missing_is_missing() -> None:
    commands = re.findall(r"`(stigmer [^`]+)`", MISSING)
    assert len(commands) > 5
    for command in commands:
        words, options = split_command(command)
        if options:
            assert not set(options) & parameters(words), f"{command} exists: move it into the tables"
        else:
            assert words[0] not in COMMANDS, f"{command} exists: move it into the tables"


def test_every_entry_about_another_tool_has_a_source() -> None:
    """A link, or the mark of something tried with the program; what has to be there needs none."""
    heading: list[str] = []
    for row in rows(COMPARISON.partition("## What our rows rest on")[0]):
        if row[0] == "tool":
            heading = row
        elif row[0] != "**stigmer**" and heading[1] != "version":
            for name, cell in zip(heading[1:], row[1:], strict=True):
                sourced = cell == "·" or "](https://" in cell or "▶" in cell
                assert sourced or name == "what has to be there", (row[0], name, cell)
