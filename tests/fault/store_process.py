"""Starts `store_writer.py`, with or without strace around it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from . import store_writer

REPOSITORY = Path(store_writer.__file__).resolve().parents[2]
ENVIRONMENT = {"PYTHONPATH": str(REPOSITORY), "PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1"}


def start(
    folder: Path, engine: str, first: int, count: int, threads: int, around: Sequence[str] = (), mode: str = "durable"
) -> subprocess.Popen[str]:
    """`around` is a command that the writer is started by; for `mode` see `store_writer`."""
    command = [sys.executable, store_writer.__file__, str(folder), engine, *map(str, (first, count, threads)), mode]
    return subprocess.Popen(
        [*around, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )


def acks(lines: Sequence[str]) -> list[int]:
    """The jobs that were confirmed, by lines with their ends; a last line without its end was not said."""
    return [int(line.split()[1]) for line in lines if line.startswith("ack ") and line.endswith("\n")]
