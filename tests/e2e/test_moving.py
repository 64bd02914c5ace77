"""Export and import as a user runs them: between backends, through files, folders and pipes."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def filled(own_cli: Any) -> Any:
    """A home of its own with resources in two orgs, and the examples' estate."""
    cli = own_cli
    cli.write(
        "in/all.json",
        cli.manifest("Environment", "prod", {"data": {"A": "no", "B": {"value": "0777", "description": "x"}}}),
        cli.manifest("Skill", "triage", {"skillMd": "# Triage\n\n  sorted  \n\tby hand\u2028😀\n"}, org="acme"),
        cli.agent("Support Bot", labels={"a.b/c": "1e3"}),
        cli.manifest("Agent", "Renamed since", {"instructions": "Do as told.", "skills": ["acme/triage"]}, slug="old"),
        cli.manifest("AgentInstance", "bot-eu", {"agent": "support-bot", "environments": ["prod"]}),
    )
    cli.ok("apply", "-f", "in", "-f", ROOT / "examples/quickstart")
    return cli


def test_a_backend_that_was_emptied_is_what_it_was_after_an_import(filled: Any) -> None:
    first = filled.ok("export", "--all")
    revision = filled.revision()
    assert first.err == f"✓ exported 12 resources at revision {revision}\n"
    again = filled.ok("import", stdin=first.out)
    assert again.out == "12 unchanged\n"
    assert filled.revision() == revision
    filled.ok("local", "stop")
    shutil.rmtree(filled.home / "data")
    filled.ok("import", stdin=first.out)
    assert filled.ok("export", "--all").out == first.out


def test_what_was_deleted_comes_back_from_any_form_of_an_export(filled: Any) -> None:
    first = filled.ok("export", "--all").out
    as_json = filled.ok("export", "--all", "-o", "json").out
    assert [json.loads(line)["kind"] for line in as_json.splitlines()][:3] == ["Skill", "Environment", "Environment"]
    filled.ok("export", "--all", "--dir", "saved")
    for source in (("-f", "saved"), ()):
        filled.ok("delete", "-f", "saved", "--yes")
        filled.ok("import", *source, stdin=as_json)
        assert filled.ok("export", "--all").out == first


def test_a_pipe_moves_a_backend_into_another_one(filled: Any, tmp_path: Path, run_cli: Any) -> None:
    other = run_cli(tmp_path / "other", folder=filled.folder)
    try:
        exporting = filled.start("export", "--all", stdin=subprocess.DEVNULL)
        importing = other.start("import", stdin=exporting.stdout)
        assert importing.wait(60) == 0, importing.stderr.read()
        assert exporting.wait(60) == 0
        assert other.ok("export", "--all").out == filled.ok("export", "--all").out
        for process in (exporting, importing):
            for stream in (process.stdout, process.stderr):
                stream.close()
    finally:
        other("local", "stop")


def test_a_folder_in_a_repository_changes_only_where_the_backend_did(filled: Any) -> None:
    said = filled.ok("export", "--all", "--dir", "saved").err
    assert "to saved: 12 files written, 0 unchanged" in said
    saved = filled.folder / "saved"
    assert (saved / "orgs/acme/skills/triage.yaml").is_file()
    assert (saved / "agents/old.yaml").read_text().startswith("apiVersion: agentic.stigmer.ai/v1\nkind: Agent\n")
    before = (saved / "agents/old.yaml").stat().st_mtime_ns
    filled.ok("delete", "agentinstance/bot-eu", "--yes")
    result = filled.ok("export", "--all", "--dir", "saved")
    assert "1 file in saved is not of this export: agentinstances/bot-eu.yaml; --prune removes" in result.err
    assert "0 files written, 11 unchanged" in result.err
    assert "11 unchanged, 1 removed" in filled.ok("export", "--all", "--dir", "saved", "--prune").err
    assert (saved / "agents/old.yaml").stat().st_mtime_ns == before
    assert not (saved / "agentinstances/bot-eu.yaml").exists()


def test_kinds_names_selectors_and_orgs_narrow_an_export(filled: Any) -> None:
    def names(*arguments: str) -> list[str]:
        lines = filled.ok("export", *arguments, "-o", "json").out.splitlines()
        return [json.loads(line)["metadata"]["name"] for line in lines]

    assert names("env,agents") == ["prod", "staging", "Renamed since", "researcher", "Support Bot", "writer"]
    assert names("agents", "-l", "a.b/c=1e3") == ["Support Bot"]
    assert names("agent", "support-bot", "old") == ["Renamed since", "Support Bot"]
    assert names("--all", "--org", "acme") == ["triage"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Say what to export"),
        (("agents", "--prune"), "--prune is about the files in a folder"),
        (("agent/x", "-l", "a=b"), "are about whole kinds"),
        (("agents", "-o", "table"), "-o takes yaml, json"),
        (("agents", "-l", "a=("), "not a label selector"),
        (("agents", "--org", "No Org"), '"No Org" is not an org'),
        (("agents", "--dir", "/proc/nowhere"), "/proc/nowhere"),
        (("agents", "--dir", ""), "the path is empty"),
    ],
)
def test_a_mistaken_export_says_what_is_wrong_and_prints_nothing(cli: Any, arguments: Any, said: str) -> None:
    result = cli("export", *arguments)
    assert (result.code, result.out) == (1, "")
    assert said in result.err


def test_an_export_that_fails_is_an_object_for_programs(cli: Any) -> None:
    found = cli.json("export", "agent/nobody", code=1)
    assert found["error"]["message"] == "agent not found: nobody"


def test_an_empty_backend_exports_nothing_and_nothing_is_no_import(own_cli: Any) -> None:
    result = own_cli.ok("export", "--all")
    assert (result.out, result.err) == ("", "✓ exported 0 resources at revision 0\n")
    refused = own_cli("import", stdin="")
    assert refused.code == 1
    assert "no manifest in standard input" in refused.err


def test_an_import_is_an_apply_with_its_options(cli: Any) -> None:
    text = json.dumps(cli.agent("a"))
    assert cli.json("import", "--dry-run", stdin=text)["summary"]["created"] == 1
    assert cli.json("import", stdin=text)["committed"] is True
    bad = cli.json("import", stdin=text.replace("instructions", "instruction"), code=1)
    assert bad["status"] == "invalid"
    assert bad["diagnostics"][0]["source"]["file"] == "<stdin>"
    assert cli.json("import", "-f", "nowhere", code=1)["status"] == "invalid"
    path = cli.write("b.yaml", cli.agent("b"))
    cli.ok("import", path)
    assert cli.slugs("agents") == {"a", "b"}


def test_an_import_with_nobody_to_feed_it_says_so(cli: Any) -> None:
    controller, terminal = pty.openpty()
    try:
        process = cli.start("import", stdin=terminal)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (1, b"")
        assert b"Say what to import" in err
    finally:
        os.close(controller)
        os.close(terminal)


@pytest.fixture
def exporting(cli: Any) -> Any:
    """An export that has begun to print more than a pipe holds."""
    cli.write("all.json", *[cli.agent(f"a{number}", "word " * 10_000) for number in range(20)])
    cli.ok("apply", "-f", "all.json")
    process = cli.start("export", "--all", stdin=subprocess.DEVNULL)
    assert process.stdout.read(10) == b"apiVersion"
    yield process
    process.stdout.close()
    process.stderr.close()


def test_a_reader_that_goes_away_ends_an_export_quietly(exporting: Any) -> None:
    exporting.stdout.close()
    assert exporting.wait(30) == 141
    assert exporting.stderr.read() == b""


def test_an_export_that_nobody_reads_on_can_be_interrupted(exporting: Any) -> None:
    exporting.send_signal(signal.SIGINT)
    assert exporting.wait(30) == 130
    assert exporting.stderr.read() == "✗ interrupted\n".encode()


@pytest.mark.slow
def test_more_than_one_file_may_hold_is_moved_through_a_pipe_and_a_file(own_cli: Any) -> None:
    text = "---\n".join(
        json.dumps(own_cli.agent(f"bot-{number}", "Be kind. " * 200)) + "\n" for number in range(12_000)
    )
    assert len(text) > 17 << 20
    own_cli.ok("import", stdin=text)
    first = own_cli.ok("export", "--all").out
    assert len(first) > 17 << 20
    (own_cli.folder / "all.yaml").write_text(first, encoding="utf-8")
    assert own_cli.ok("import", "-f", "all.yaml").out == "12,000 unchanged\n"
    own_cli.ok("local", "stop")
    shutil.rmtree(own_cli.home / "data")
    own_cli.ok("import", stdin=first)
    assert own_cli.ok("export", "--all").out == first
