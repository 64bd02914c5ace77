"""The row of memory: what an apply of 100,000 unchanged files takes, in the command line and in the daemon."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.backend import MODULE, Backend
from benchmarks.figures import Figure, Spread, below
from benchmarks.harness import BlockedError, ProfiledError, Session, WrongOutcomeError, expect
from benchmarks.processes import run
from benchmarks.rows import Row
from benchmarks.trees import Estate, large

MOST_CLI_MIB = 400
MOST_DAEMON_MIB = 300

_MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({"code": done.returncode, "peak": peak, "last": done.stdout.rstrip().rpartition("\\n")[2]}))
"""
"""Runs a command in a small process of its own: a child's peak counts from that of the process which starts it."""


def noop_memory(session: Session) -> Iterator[Figure]:
    """Peak of the command line, and what the daemon holds: the one that took the whole set itself, and a new one."""
    if session.profiler is not None:
        raise ProfiledError("memory has no profile of time; see tracemalloc and /proc/PID/smaps")
    if not Path("/proc/self/status").exists():
        raise BlockedError("memory is read from /proc, which this system does not have")
    estate = large(session)
    backend, what = estate.backend, f"apply of {estate.count:,} unchanged files"
    rounds = session.size(3, 1)
    peaks = [_peak(estate) for _ in range(rounds)]
    after_apply = anonymous_memory(backend)
    backend.restart()
    peaks += [_peak(estate) for _ in range(rounds)]
    yield _figure(f"{what}: peak memory of the command line", peaks, MOST_CLI_MIB)
    yield _figure(f"{what}: daemon, which took all of them before", [after_apply], MOST_DAEMON_MIB)
    yield _figure(f"{what}: daemon, started since", [anonymous_memory(backend)], MOST_DAEMON_MIB)


def anonymous_memory(backend: Backend) -> float:
    """MiB of the daemon that are its own: neither files nor shared."""
    for line in Path(f"/proc/{backend.pid()}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise BlockedError("this kernel does not tell anonymous memory apart")


def _peak(estate: Estate) -> float:
    command = [sys.executable, "-S", "-c", _MEASURE, *MODULE, "apply", "-f", str(estate.tree), "--yes"]
    done = json.loads(run(command, estate.backend.environ).output)
    expect(done["code"], 0, "the exit code of the apply")
    if done["last"] != f"{estate.count:,} unchanged":
        raise WrongOutcomeError(f"the apply said {done['last']!r}")
    return float(done["peak"]) / 1024


def _figure(what: str, values: list[float], bound: float) -> Figure:
    return Figure("memory", what, "MiB", Spread.of(values), goal=below(bound))


ROWS = (Row("memory", "memory of the apply of 100,000 unchanged files", noop_memory),)
