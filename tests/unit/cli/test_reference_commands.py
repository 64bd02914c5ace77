"""`explain`, `schema` and `completion` answer from the registry alone. Some tests run child processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stigmer.cli.main import main
from stigmer.contract import default_contract

ROOT = Path(__file__).parents[3]
KINDS = list(default_contract().kinds.values())


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STIGMER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path / "home"


def out(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(list(arguments)) == code
    return capsys.readouterr().out


def test_a_field_is_explained_with_the_fields_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "explain", "agent.spec.mcp_servers")
    assert text.startswith("KIND      Agent\nVERSION   agentic.stigmer.ai/v1\nFIELD     spec.mcpServers\n")
    for line in ("TYPE      []McpServerUse", "  at most 256 items", "  server <string> reference to McpServer"):
        assert f"{line}\n" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_kind_is_explained_by_every_word_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    for kind in KINDS:
        texts = {out(capsys, "explain", word) for word in (kind.name, *kind.words)}
        assert len(texts) == 1


def test_recursive_lists_all_levels_and_ends_in_types_that_hold_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    lines = out(capsys, "explain", "workflow.spec", "--recursive").splitlines()
    assert "      each <string>" in lines
    assert len(lines) < 200


def test_the_object_has_the_fields_below_under_fields(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(out(capsys, "explain", "agent.spec", "--recursive", "-o", "json"))
    assert (found["kind"], found["path"], found["type"], found["required"]) == ("Agent", "spec", "AgentSpec", True)
    by_name = {field["name"]: field for field in found["fields"]}
    assert by_name["skills"]["reference"] == {"kind": "Skill", "required": True}
    below = {field["path"] for field in by_name["mcpServers"]["fields"]}
    assert "spec.mcpServers[].stdio" in below
    flat = json.loads(out(capsys, "explain", "agent.spec", "-o", "json"))
    assert all(field["fields"] == [] for field in flat["fields"])


def test_without_a_kind_the_kinds_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(out(capsys, "explain").splitlines()) == len(KINDS) + 1
    items = json.loads(out(capsys, "explain", "-o", "json"))["items"]
    assert [item["kind"] for item in items] == [kind.name for kind in KINDS]
    assert all(item["description"] for item in items)


@pytest.mark.parametrize(
    ("path", "message"),
    [("agnt", 'did you mean "agent"?'), ("agent.spek", 'did you mean "spec"?'), ("agent.spec.x", "the fields are")],
)
def test_an_unknown_path_is_an_error_with_what_was_meant(
    path: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", path]) == 1
    assert message in capsys.readouterr().err


def test_the_schema_of_all_kinds_and_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    whole = json.loads(out(capsys, "schema"))
    assert whole["properties"]["kind"]["enum"] == [kind.name for kind in KINDS]
    one = json.loads(out(capsys, "schema", "agents", "-o", "json"))
    assert one["properties"]["kind"]["const"] == "Agent"
    assert "WorkflowSpec" not in one["$defs"]
    assert out(capsys, "schema") == out(capsys, "schema")
    assert main(["schema", "agnt"]) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_names_the_program_and_hides_its_errors(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "completion", shell)
    assert "_STIGMER_COMPLETE=" + shell + "_complete" in text
    assert "2>/dev/null" in text
    assert "%(" not in text


@pytest.mark.parametrize("arguments", [["explain", "agent.spec"], ["schema"], ["completion", "bash"]], ids=str)
def test_nothing_is_started_or_loaded_that_talks_to_a_backend(arguments: list[str], home: Path) -> None:
    program = (
        f"import sys\nfrom stigmer.cli.main import main\ncode = main({arguments})\n"
        "sys.stderr.write('\\n'.join(sys.modules))\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert {"grpc", "yaml", "protovalidate", "stigmer.backend.client"}.isdisjoint(done.stderr.split())
    assert not home.exists()
