"""What is offered where, without a shell: `tests/e2e/test_completion.py` asks through one. No daemon runs here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stigmer.cli.application import Invocation, application
from stigmer.cli.catalog import COMMANDS
from stigmer.cli.completion.scripts import answer, unbroken
from stigmer.cli.console import Console
from stigmer.cli.plaintext import clean
from stigmer.contract import default_contract

KINDS = list(default_contract().kinds.values())
PLURALS = [kind.plural for kind in KINDS]

Ask = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STIGMER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> Ask:
    def ask(line: str, shell: str = "bash") -> list[str]:
        """The candidates for a line that ends where the cursor is, as the shell is answered."""
        words = line.split(" ")
        monkeypatch.setenv("COMP_WORDS", "\n".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1) if shell != "fish" else words[-1])
        settings = Invocation(console=Console.standard([], {}))
        return answer(application(), f"{shell}_complete", settings).splitlines()

    return ask


def values(found: list[str]) -> list[str]:
    return [line.partition(",")[2] for line in found]


def test_commands_and_their_options_are_offered(complete: Ask) -> None:
    assert values(complete("stigmer ")) == list(COMMANDS)
    assert values(complete("stigmer ex")) == [name for name in COMMANDS if name.startswith("ex")]
    assert "--field-manager" in values(complete("stigmer apply --"))
    assert {"--org", "--output", "--selector"} <= set(values(complete("stigmer get --")))
    assert {"create", "delete", "list"} <= set(values(complete("stigmer agent ")))


@pytest.mark.parametrize("command", ["get", "describe", "delete", "schema", "explain"])
def test_kinds_are_offered_by_their_plural_and_completed_from_every_word(command: str, complete: Ask) -> None:
    assert values(complete(f"stigmer {command} ")) == PLURALS
    assert "agent" in values(complete(f"stigmer {command} ag"))
    assert "agent-instance" in values(complete(f"stigmer {command} agent-"))
    assert complete(f"stigmer {command} x") == []


def test_several_kinds_stand_behind_commas(complete: Ask) -> None:
    assert values(complete("stigmer get agents,sk")) == ["agents,skill", "agents,skills"]


def test_formats_are_those_of_the_command(complete: Ask) -> None:
    assert values(complete("stigmer get agents -o ")) == ["table", "wide", "yaml", "json", "name", "jsonpath="]
    assert complete("stigmer get agents -o jsonp") == ["nospace,jsonpath="]
    assert values(complete("stigmer schema -o ")) == ["json"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_a_value_behind_an_equals_sign_is_completed_with_its_option(shell: str, complete: Ask) -> None:
    assert any("--output=json" in line for line in complete("stigmer get agents --output=js", shell))


def test_bash_which_breaks_words_at_the_equals_sign_gets_the_value(complete: Ask) -> None:
    assert values(complete("stigmer get agents --output = js")) == ["json", "jsonpath="]
    assert "json" in values(complete("stigmer get agents --output ="))


def test_paths_of_fields_are_completed_one_level_at_a_time(complete: Ask) -> None:
    assert "nospace,agent.spec" in complete("stigmer explain agent.")
    assert complete("stigmer explain agent.spec.mc") == ["nospace,agent.spec.mcpServers"]
    assert "plain,agents.spec.mcpServers[0].server" in complete("stigmer explain agents.spec.mcpServers[0].")
    assert "nospace,agent" in complete("stigmer explain agent")


def test_settings_and_their_values_are_offered(complete: Ask) -> None:
    assert "backend.local.data_dir" in values(complete("stigmer config get backend.local"))
    assert values(complete("stigmer config set backend.type ")) == ["local", "cloud"]
    assert values(complete("stigmer backend switch ")) == ["local", "cloud"]


def test_files_and_folders_are_left_to_the_shell(complete: Ask) -> None:
    assert complete("stigmer apply -f exam") == ["file,exam"]
    assert complete("stigmer plan exam") == ["file,exam"]
    assert complete("stigmer init ") == ["dir,"]
    assert complete("stigmer --data-dir x") == ["dir,x"]
    assert complete("stigmer --config x") == ["file,x"]


@pytest.mark.parametrize(
    "line",
    ["stigmer get agents ", "stigmer get agent/", "stigmer agent get ", "stigmer get nope ", "stigmer get nope/",
     "stigmer explain nope.", "stigmer get agents -l ", "stigmer get agent a/b ", "stigmer get agents *"],
)  # fmt: skip
def test_nothing_is_offered_where_nothing_is_known_and_no_daemon_starts(line: str, complete: Ask, home: Path) -> None:
    assert complete(line) == []
    assert not home.exists()


def test_a_broken_configuration_offers_nothing_and_says_nothing(
    complete: Ask, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    (home / "config.yaml").write_text("backend: [")
    assert complete("stigmer get agents ") == []
    assert capsys.readouterr() == ("", "")


def test_an_unknown_shell_gets_no_answer() -> None:
    assert answer(application(), "tcsh_complete", Invocation(console=Console.standard([], {}))) == ""


@pytest.mark.parametrize(
    ("words", "incomplete", "whole", "left"),
    [
        (["get", "--org", "=", "a"], "x", ["get", "--org=a"], "x"),
        (["get", "--org", "="], "a", ["get", "--org"], "a"),
        (["get", "--org"], "=", ["get", "--org"], ""),
        (["env", "set", "A", "="], "b", ["env", "set"], "A=b"),
        (["x", "A", "=", "b", "="], "c", ["x"], "A=b=c"),
        (["="], "", [], "="),
        ([], "", [], ""),
    ],
)
def test_words_that_were_broken_are_put_together(
    words: list[str], incomplete: str, whole: list[str], left: str
) -> None:
    assert unbroken(words, incomplete) == (whole, left)


def test_candidates_are_fit_for_a_terminal(complete: Ask) -> None:
    for line in ("stigmer ", "stigmer get ", "stigmer explain agent.spec."):
        for found in complete(line, "zsh"):
            assert clean(found) == found
            assert len(found) < 90
