"""Completion through real shells and, for names, a real daemon. The candidates themselves are tested in
`tests/unit/cli/test_completion.py`. Shells that are not there are skipped."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

SLOWER = 1.5
"""How many times as long as listing the resources completing their names may take."""

ASK = r"""
source "$SCRIPT"
while IFS= read -r line; do
    IFS=$'\t' read -r -a COMP_WORDS <<< "$line"
    [[ $line == *$'\t' ]] && COMP_WORDS+=("")
    COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 )) COMPREPLY=()
    _stigmer_completion stigmer
    IFS=$'\t'; echo "${COMPREPLY[*]}"
done
"""


@pytest.fixture
def program(cli: Any, tmp_path: Path) -> Path:
    """A folder with a program `stigmer`, as an installation has it on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "stigmer"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m stigmer.cli "$@"\n')
    script.chmod(0o755)
    return folder


@pytest.fixture
def environment(cli: Any, program: Path) -> dict[str, str]:
    environ: dict[str, str] = cli.environment({"PATH": f"{program}{os.pathsep}{os.environ['PATH']}"})
    return environ


def run(command: Sequence[object], environment: dict[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)), input=stdin, env=environment, capture_output=True, text=True, timeout=60, check=True
    )


def bash(lines: Sequence[str], cli: Any, environment: dict[str, str]) -> list[list[str]]:
    """What bash replies for each line; its words are separated by one blank, and the last one is completed."""
    script = cli.folder / "stigmer.bash"
    script.write_text(cli.ok("completion", "bash").out)
    asked = "\n".join(line.replace(" ", "\t") for line in lines) + "\n"
    done = run(["bash", "--norc", "-c", ASK], environment | {"SCRIPT": str(script)}, asked)
    assert len(done.stdout.splitlines()) == len(lines)
    return [reply.split("\t") if reply else [] for reply in done.stdout.splitlines()]


@pytest.fixture
def filled(cli: Any) -> Any:
    """The program over a daemon that holds a few resources in the test's org."""
    agents = [cli.agent(name) for name in ("Support Bot", "support-desk", "triage")]
    skill = cli.manifest("Skill", "refunds", {"skillMd": "# x"})
    cli.ok("apply", "-f", cli.write("all.yaml", *agents, skill))
    return cli


def test_bash_completes_names_of_live_resources(filled: Any, environment: dict[str, str]) -> None:
    org = filled.org
    expected = {
        f"stigmer --org {org} get agents ": ["support-bot", "support-desk", "triage"],
        f"stigmer get agents --org {org} supp": ["support-bot", "support-desk"],
        f"stigmer --org = {org} get agent support-bot ": ["support-desk", "triage"],
        f"stigmer --org {org} get agent/t": ["agent/triage"],
        f"stigmer --org {org} delete agent/support-bot agent/tr": ["agent/triage"],
        f"stigmer --org {org} agent create x --skill ": ["refunds"],
        "stigmer --org nobody get agents ": [],
        f"stigmer --org {org} --data-dir {filled.folder} get agents ": [],
        "stigmer explain agent.spec.mcp": ["agent.spec.mcpServers"],
    }
    replies = bash(list(expected), filled, environment)
    assert dict(zip(expected, replies, strict=True)) == expected


def test_a_line_that_makes_no_sense_gets_no_reply_and_no_error(filled: Any, environment: dict[str, str]) -> None:
    lines = ["stigmer get ' ", 'stigmer get "$(x ', "stigmer get agents *"]
    script = filled.folder / "stigmer.bash"
    script.write_text(filled.ok("completion", "bash").out)
    asked = "\n".join(line.replace(" ", "\t") for line in lines) + "\n"
    done = run(["bash", "--norc", "-c", ASK], environment | {"SCRIPT": str(script)}, asked)
    assert done.stderr == ""


def test_no_daemon_is_started_to_complete(cli: Any, environment: dict[str, str], tmp_path: Path) -> None:
    home = tmp_path / "nobody"
    assert bash(["stigmer get agents ", "stigmer get agent/"], cli, environment | {"STIGMER_HOME": str(home)}) == [
        [],
        [],
    ]
    assert not home.exists()


def test_a_daemon_that_hangs_is_not_waited_for(own_cli: Any, environment: dict[str, str]) -> None:
    own_cli.ok("local", "start")
    pid = own_cli.pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        before = time.monotonic()
        assert bash(["stigmer get agents "], own_cli, environment | {"STIGMER_HOME": str(own_cli.home)}) == [[]]
        assert time.monotonic() - before < 10
    finally:
        os.kill(pid, signal.SIGCONT)


def test_candidates_come_as_quickly_as_the_list_they_are_from(filled: Any, environment: dict[str, str]) -> None:
    line = ["--org", filled.org, "get", "agents"]
    words = {"COMP_WORDS": " ".join(["stigmer", *line, ""]), "COMP_CWORD": "5"}
    asking = environment | {"_STIGMER_COMPLETE": "bash_complete", **words}
    completed, listed = [], []
    for _ in range(4):
        before = time.monotonic()
        assert "plain,triage" in run([sys.executable, "-m", "stigmer.cli"], asking).stdout
        between = time.monotonic()
        run([sys.executable, "-m", "stigmer.cli", *line, "-o", "name"], environment)
        completed.append(between - before)
        listed.append(time.monotonic() - between)
    assert min(completed) < SLOWER * min(listed)


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_names_and_kinds(filled: Any, environment: dict[str, str]) -> None:
    script = filled.folder / "stigmer.fish"
    script.write_text(filled.ok("completion", "fish").out)
    ask = f"source {script}; complete -C 'stigmer --org {filled.org} get agents tr'; complete -C 'stigmer get ag'"
    found = run(["fish", "-N", "-c", ask], environment).stdout
    assert "triage\n" in found
    assert "agents\tA model with instructions, tools and skills\n" in found


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_the_script_for_zsh_is_sound(filled: Any, environment: dict[str, str]) -> None:
    script = filled.folder / "_stigmer"
    script.write_text(filled.ok("completion", "zsh").out)
    run(["zsh", "-f", "-n", script], environment)
