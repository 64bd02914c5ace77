"""The README's commands: the two one-liners are what the checks run, and the first minute runs as it is written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)


def test_the_first_two_commands_are_one_line_each_and_the_checks_run_them() -> None:
    install, test = (block.strip() for block in BLOCKS[:2])
    assert "\n" not in install + test
    assert "apply -f examples/quickstart" in install
    checks = (ROOT / ".ci" / "run").read_text()
    assert test in checks


def test_the_first_minute_runs_as_written(tmp_path: Path) -> None:
    """Every command after the PATH line, in order, in a copy of the examples' folder."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    program = tmp_path / "bin" / "stigmer"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m stigmer.cli "$@"\n')
    program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "STIGMER_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
    }
    lines = [line for line in BLOCKS[2].splitlines() if line.startswith("stigmer ")]
    assert len(lines) >= 8
    try:
        for line in ["stigmer apply -f examples/quickstart", *lines]:
            done = subprocess.run(
                ["sh", "-c", line],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, (line, done.stderr)
    finally:
        subprocess.run([program, "local", "stop"], env=environment, capture_output=True, timeout=60, check=False)
