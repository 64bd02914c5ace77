"""docs/extending.md, carried out: every step of the page is done in a copy of the tree, as the page says it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text()
PARTS = ("proto", "stigmer", "reconciler", "manifests", "tools", "tests", "docs", "examples", "pyproject.toml")
STEP = re.compile(r"<!-- (?P<step>[^\n]*) -->\n```\w+\n(?P<text>.*?)```", re.DOTALL)
FENCE = re.compile(r"^```\w+$", re.MULTILINE)
STEP_SECONDS = 240


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what a clone holds."""
    ignored = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info")
    for part in PARTS:
        source, target = ROOT / part, tmp_path / "tree" / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=ignored)
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy(source, target)
    return tmp_path / "tree"


@pytest.fixture
def shell(tree: Path, tmp_path: Path) -> Callable[[str], str]:
    """Runs commands in the copy, with its own stigmer on the PATH; its output if it succeeds."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, module in (("stigmer", "-m stigmer.cli"), ("python", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        program.chmod(0o755)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("STIGMER_", "PYTEST_"))},
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(tree),
        "STIGMER_HOME": str(tmp_path / "home"),
    }

    def run(commands: str) -> str:
        done = subprocess.run(
            ["sh", "-ec", commands],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def test_every_step_of_the_page_works_in_the_order_of_the_page(tree: Path, shell: Callable[[str], str]) -> None:
    steps = list(STEP.finditer(PAGE))
    assert len(steps) == len(FENCE.findall(PAGE)), "a block without a comment that says what to do with it"
    output = ""
    try:
        for step in steps:
            output += _do(tree, step["step"], step["text"], shell)
    finally:
        shell("stigmer local stop")
    assert "weekly-report" in output
    suites = [int(count) for count in re.findall(r"(\d+) passed", output)]
    assert len(suites) == 2, "the page runs the compliance suite once for the kind and once for the operation"
    assert min(suites) >= 3


def _do(tree: Path, step: str, text: str, shell: Callable[[str], str]) -> str:
    verb, _, rest = step.partition(" ")
    if verb == "run":
        return shell(text)
    if verb == "write":
        (tree / rest).write_text(text)
    elif verb == "append":
        path = tree / rest.removeprefix("to ")
        path.write_text(path.read_text() + text)
    elif verb == "insert":
        _insert(tree, rest, text)
    else:
        assert verb == "text", f"the page asks for {step!r}, which this test does not know"
    return ""


def _insert(tree: Path, where: str, text: str) -> None:
    """`into PATH before: LINE` or `into PATH after: LINE`; the line is named by how it starts."""
    asked = re.fullmatch(r"into (?P<path>\S+) (?P<side>before|after): (?P<line>.*)", where)
    assert asked, where
    path = tree / asked["path"]
    lines = path.read_text().splitlines(keepends=True)
    (at,) = [number for number, line in enumerate(lines) if line.startswith(asked["line"])]
    lines.insert(at + (asked["side"] == "after"), text)
    path.write_text("".join(lines))
