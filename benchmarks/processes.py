"""Running programs: ours and peers', whole processes from start to end, output to files."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import WrongOutcomeError

ROOT = Path(__file__).parent.parent
"""The clone, from which child processes import."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that has ended."""

    code: int
    output: str
    errors: str


def run(command: Sequence[str], environ: Mapping[str, str], cwd: Path | None = None, *, code: int = 0) -> Finished:
    """Run to the end. WrongOutcomeError unless it exits with `code`, quoting the end of what it said."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        status = subprocess.call(
            command, env=dict(environ), cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )
        done = Finished(status, _text(output.fileno()), _text(errors.fileno()))
    if done.code != code:
        raise WrongOutcomeError(f"{' '.join(command)[:200]} exited with {done.code}: {done.errors[-500:].strip()}")
    return done


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what leads ours, git or Python off their ways (an interpreter that may not
    keep what it has compiled starts several times slower); imports come from the clone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STIGMER_", "GIT_", "PYTHON"))}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return {**kept, "PYTHONPATH": path, "NO_COLOR": "1", **more}


def console_script() -> Path | None:
    """The installed `stigmer` of this interpreter, if there is one."""
    script = Path(sys.executable).with_name("stigmer")
    return script if script.is_file() else None


def _text(handle: int) -> str:
    size = os.fstat(handle).st_size
    return os.pread(handle, size, 0).decode(errors="replace")
