"""Bad input: a clear error with its place, exit code 1, a complete object with -o json, and nothing written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HEAD = "apiVersion: agentic.stigmer.ai/v1\nkind: Agent\nmetadata: {name: bot}\n"
GOOD = HEAD + "spec: {instructions: Do as you are told.}\n"
SECRET = """\
apiVersion: agentic.stigmer.ai/v1
kind: Environment
metadata: {name: e}
spec: {data: {KEY: {value: hunter2, isSecret: true}}}
"""
DEFAULT_SLUG = f"""\
{GOOD}---
apiVersion: agentic.stigmer.ai/v1
kind: AgentInstance
metadata: {{name: bot-default}}
spec: {{agent: bot}}
"""
CYCLE = """\
apiVersion: agentic.stigmer.ai/v1
kind: Workflow
metadata: {name: loop}
spec:
  tasks:
    - {name: a, agent: bot, dependsOn: [b]}
    - {name: b, agent: bot, dependsOn: [a]}
"""

LOADED: dict[str, tuple[str | bytes, str]] = {
    "duplicate-key": (HEAD + "spec:\n  instructions: Do as you are told.\n  instructions: Again.\n", ":6:3"),
    "unknown-kind": (GOOD.replace("Agent", "Agnet"), 'did you mean "Agent"?'),
    "unknown-api-version": (GOOD.replace("/v1", "/v9"), ":1"),
    "unknown-field": (GOOD.replace("instructions", "instrctions"), 'did you mean "instructions"?'),
    "wrong-type": (HEAD + "spec: {instructions: [a, list]}\n", ":4"),
    "no-name": ("apiVersion: agentic.stigmer.ai/v1\nkind: Agent\nspec: {instructions: Do as told.}\n", "metadata"),
    "cycle-of-tasks": (CYCLE, "tasks"),
    "secret-value": (
        SECRET,
        "secret",
    ),
    "alias-bomb": ("a: &a [x,x]\n" + "".join(f"k{n}: &a [*a,*a]\n" for n in range(40)), ":"),
    "merge-key": ("a: &a {x: 1}\nb:\n  <<: *a\n", ":3"),
    "deep-flow": ("spec: " + "[" * 100_000, ":1"),
    "deep-blocks": ("- " * 50_000 + "x", ":1"),
    "deep-maps": ("? " * 50_000 + "x", ":1"),
    "nul": (GOOD.replace("told", "t\0ld"), ":4"),
    "invalid-utf-8": (GOOD.encode().replace(b"told", b"t\xffld"), ":4"),
    "tab-indentation": (HEAD + "spec:\n\tinstructions: Do as you are told.\n", ":5"),
    "no-yaml": ("{unclosed: [", ":1"),
    "a-list": ("- a\n- b\n", ":1"),
    "over-the-limit": ("# " + "x" * 17 * 1024 * 1024, "16"),
}
"""File name -> content and what the diagnostic must say. All of them are applied in one run."""

CHECKED: dict[str, tuple[str, str]] = {
    "duplicate resource": (f"{GOOD}---\n{GOOD}", ":6:1"),
    "short instructions": (HEAD + "spec: {instructions: short}\n", "spec.instructions"),
    "dangling reference": (HEAD + "spec: {instructions: Do as you are told., skills: [none]}\n", ":4"),
    "slug of a default instance": (
        DEFAULT_SLUG,
        "bot-default",
    ),
    "empty file": ("", "bad.yaml"),
    "comments only": ("# nothing here\n", "bad.yaml"),
}
"""What is found once every document can be read, so that each needs a run of its own."""


@pytest.fixture(scope="module")
def refused(daemon_home: Path, tmp_path_factory: pytest.TempPathFactory, run_cli) -> dict[str, str]:
    """What one run says of each bad file."""
    cli = run_cli(daemon_home, "bad-input", tmp_path_factory.mktemp("bad"))
    for name, (content, _) in LOADED.items():
        (cli.folder / f"{name}.yaml").write_bytes(content.encode() if isinstance(content, str) else content)
    (cli.folder / "good.yaml").write_text(GOOD)
    report = cli.json("apply", "-f", ".", code=1)
    assert {"changes", "summary", "revision", "diagnostics"} <= report.keys()
    assert cli.slugs("agents") == set()
    said: dict[str, str] = {}
    for item in report["diagnostics"]:
        if item["severity"] == "error":
            file = Path(item["source"]["file"]).stem
            said[file] = said.get(file, "") + _text(item)
    return said


@pytest.mark.parametrize("name", LOADED)
def test_a_bad_file_is_a_clear_error_and_takes_none_of_the_others_with_it(name: str, refused: dict[str, str]) -> None:
    assert LOADED[name][1] in refused[name]


def test_a_good_file_beside_bad_ones_has_no_error(refused: dict[str, str]) -> None:
    assert set(refused) == set(LOADED)


@pytest.mark.parametrize("case", CHECKED)
def test_a_bad_set_is_a_clear_error(case: str, cli) -> None:
    content, told = CHECKED[case]
    (cli.folder / "bad.yaml").write_text(content)
    report = cli.json("apply", "-f", "bad.yaml", code=1)
    assert told in " ".join(_text(item) for item in report["diagnostics"])
    assert cli.slugs("agents") == set()


def _text(item) -> str:
    source = item["source"] or {}
    places = [source, *(note["source"] for note in item["related"])]
    shown = [":".join(str(place[key]) for key in ("file", "line", "column") if key in place) for place in places]
    return f"{' '.join(shown)} {item['message']} {item['hint']}"


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
    assert cli.slugs("agents") == set()


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
    assert cli.slugs("agents") == set()


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
    assert cli.slugs("agents") == {"bot"}


@pytest.mark.parametrize("text", ["[", "backend: 3", "backend: {type: moon}", "nonsense: 1"])
def test_a_malformed_configuration_is_an_error_with_its_place(text: str, own_cli) -> None:
    own_cli.home.mkdir()
    (own_cli.home / "config.yaml").write_text(text)
    result = own_cli("get", "agents")
    assert result.code == 1
    assert "config.yaml:1" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("get", "agent", "\udcff"),
        ("get", "agents", "--org", "\udcff"),
        ("export", "agents", "-l", "a=\udcff"),
        ("env", "set", "prod", "A=\udcff"),
        ("agent", "create", "b", "--instructions", "Do as you are told.\udcff"),
        ("get", "agents", "--data-dir", "\udcff"),
    ],
    ids=["name", "org", "selector", "variable", "text", "data-dir"],
)
def test_an_argument_that_is_not_utf_8_is_a_clear_error(arguments: tuple[str, ...], cli) -> None:
    cli.ok("env", "create", "prod")
    result = cli(*arguments)
    assert (result.code, "not valid UTF-8" in result.err) == (1, True), result.err
    assert "unexpected" not in result.err


def test_an_empty_data_directory_is_not_the_current_folder(cli) -> None:
    result = cli("get", "agents", "--data-dir", "")
    assert (result.code, "the path is empty" in result.err) == (1, True)
