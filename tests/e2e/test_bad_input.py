"""Bad input: a clear error with its place, exit code 1, a complete object with -o json, and nothing written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HEAD = "apiVersion: agentic.stigmer.ai/v1\nkind: Agent\nmetadata: {name: bot}\n"
GOOD = HEAD + "spec: {instructions: Do as you are told.}\n"
CYCLE = """\
apiVersion: agentic.stigmer.ai/v1
kind: Workflow
metadata: {name: loop}
spec:
  tasks:
    - {name: a, agent: bot, dependsOn: [b]}
    - {name: b, agent: bot, dependsOn: [a]}
"""

CASES: dict[str, tuple[str | bytes, str]] = {
    "duplicate key": (HEAD + "spec:\n  instructions: Do as you are told.\n  instructions: Again.\n", "bad.yaml:6:3"),
    "duplicate resource": (f"{GOOD}---\n{GOOD}", "bad.yaml"),
    "unknown kind": (GOOD.replace("Agent", "Agnet"), "Agent"),
    "unknown apiVersion": (GOOD.replace("/v1", "/v9"), "bad.yaml:1"),
    "unknown field": (GOOD.replace("instructions", "instrctions"), "instructions"),
    "wrong type": (HEAD + "spec: {instructions: [a, list]}\n", "bad.yaml:4"),
    "short instructions": (HEAD + "spec: {instructions: short}\n", "spec.instructions"),
    "no name": ("apiVersion: agentic.stigmer.ai/v1\nkind: Agent\nspec: {instructions: Do as told.}\n", "metadata"),
    "cycle of tasks": (f"{GOOD}---\n{CYCLE}", "a"),
    "dangling reference": (HEAD + "spec: {instructions: Do as you are told., skills: [none]}\n", "bad.yaml:4"),
    "slug of a default instance": (
        f"{GOOD}---\n"
        + GOOD.replace("kind: Agent", "kind: AgentInstance").replace("name: bot", "name: bot-default").replace(
            "instructions: Do as you are told.", "agent: bot"
        ),
        "bot-default",
    ),
    "secret value": (
        "apiVersion: agentic.stigmer.ai/v1\nkind: Environment\nmetadata: {name: e}\n"
        "spec: {data: {KEY: {value: hunter2, isSecret: true}}}\n",
        "secret",
    ),
    "alias bomb": ("a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n" * 1, "bad.yaml"),
    "deep nesting": ("spec: " + "[" * 100_000, "bad.yaml"),
    "deep blocks": ("- " * 50_000 + "x", "bad.yaml"),
    "NUL": (GOOD.replace("told", "t\0ld"), "bad.yaml:4"),
    "invalid UTF-8": (GOOD.encode().replace(b"told", b"t\xffld"), "bad.yaml:4"),
    "tab indentation": (HEAD + "spec:\n\tinstructions: Do as you are told.\n", "bad.yaml:5"),
    "no YAML": ("{unclosed: [", "bad.yaml"),
    "a list": ("- a\n- b\n", "bad.yaml:1"),
    "empty file": ("", "bad.yaml"),
    "comments only": ("# nothing here\n", "bad.yaml"),
    "over the limit": ("# " + "x" * 17 * 1024 * 1024, "bad.yaml"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_manifest_is_one_clear_error(case: str, cli) -> None:
    content, place = CASES[case]
    (cli.folder / "bad.yaml").write_bytes(content.encode() if isinstance(content, str) else content)
    result = cli("apply", "-f", "bad.yaml", "-o", "json")
    assert result.code == 1
    report = result.json
    assert {"changes", "summary", "revision", "diagnostics"} <= report.keys()
    errors = [item for item in report["diagnostics"] if item["severity"] == "error"]
    assert errors
    told = " ".join(_text(item) for item in report["diagnostics"])
    assert place in told
    assert "hunter2" not in result.out + result.err
    assert cli.names("agents,environments,workflows") == set()


def _text(item) -> str:
    source = item["source"] or {}
    place = ":".join(str(source[key]) for key in ("file", "line", "column") if key in source)
    return f"{place} {item['message']} {item['hint']}"


def test_all_mistakes_of_all_files_come_in_one_run(cli) -> None:
    (cli.folder / "a.yaml").write_text(GOOD.replace("instructions", "instrctions"))
    (cli.folder / "b.yaml").write_text(GOOD.replace("Agent", "Agnet"))
    (cli.folder / "c.yaml").write_text(GOOD.replace("name: bot", "name: c"))
    result = cli("apply", "-f", ".")
    assert result.code == 1
    assert "a.yaml:4:8: error:" in result.err
    assert "b.yaml:2:7: error:" in result.err
    assert 'did you mean "instructions"?' in result.err
    assert result.out == ""
    assert cli.names("agents") == set()


def test_both_places_of_a_duplicate_are_shown(cli) -> None:
    (cli.folder / "a.yaml").write_text(GOOD)
    (cli.folder / "b.yaml").write_text("\n" + GOOD)
    result = cli("apply", "-f", ".")
    assert result.code == 1
    assert "a.yaml:1:1" in result.err
    assert "b.yaml:2:1" in result.err


@pytest.mark.parametrize(
    ("path", "told"),
    [("missing.yaml", "missing.yaml"), ("missing/", "missing"), ("none-*.yaml", "none-"), ("empty", "empty")],
)
def test_a_source_that_is_not_there_is_an_error_and_never_empty(path: str, told: str, cli) -> None:
    (cli.folder / "empty").mkdir()
    result = cli("delete", "-f", path, "--yes")
    assert result.code == 1
    assert told in result.err
    assert cli.json("apply", "-f", path, code=1)["diagnostics"]


def test_what_is_no_plain_file_is_refused(cli) -> None:
    outside = cli.folder.parent / f"{cli.org}-outside.yaml"
    outside.write_text(GOOD)
    (cli.folder / "set").mkdir()
    (cli.folder / "set" / "link.yaml").symlink_to(outside)
    os.mkfifo(cli.folder / "set" / "fifo.yaml")
    result = cli("apply", "-f", "set")
    assert result.code == 1
    assert "link.yaml" in result.err
    assert cli.names("agents") == set()


def test_an_unreadable_file_is_named(cli) -> None:
    path: Path = cli.folder / "locked.yaml"
    path.write_text(GOOD)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    result = cli("apply", "-f", "locked.yaml")
    assert (result.code, "locked.yaml" in result.err) == (1, True)


def test_the_last_good_state_survives_a_broken_edit(cli) -> None:
    (cli.folder / "bot.yaml").write_text(GOOD)
    cli.ok("apply", "-f", "bot.yaml")
    before = cli.revision()
    (cli.folder / "bot.yaml").write_text(GOOD + "broken: [")
    assert cli("apply", "-f", "bot.yaml").code == 1
    assert cli("delete", "-f", "bot.yaml", "--yes").code == 1
    assert cli.revision() == before
    assert cli.names("agents") == {"agent/bot"}


@pytest.mark.parametrize("text", ["[", "backend: 3", "backend: {type: moon}", "nonsense: 1"])
def test_a_malformed_configuration_is_an_error_with_its_place(text: str, own_cli) -> None:
    own_cli.home.mkdir()
    (own_cli.home / "config.yaml").write_text(text)
    result = own_cli("get", "agents")
    assert result.code == 1
    assert "config.yaml:1" in result.err
