"""What a run was measured on: figures mean nothing without it."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from stigmer.version import VERSION

SYNCS = 200
SYNC_BYTES = 4096
"""A sync is measured as so many writes of one page, each made durable."""

_PACKAGES = ("lmdb", "grpcio", "protobuf", "PyYAML", "click")


def describe(scratch: Path) -> dict[str, str]:
    """Facts by name, for the head of the table."""
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "stigmer": VERSION,
        "commit": _commit(),
        "processors": f"{os.cpu_count()} ({_processor()})",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') >> 30} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "file system": _file_system(scratch),
        "one fdatasync": f"{sync_cost(scratch) * 1e6:.0f} us",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "SQLite": sqlite3.sqlite_version,
        "git": _first_line("git", "--version").removeprefix("git version "),
        **{name: _version(name) for name in _PACKAGES},
    }


def sync_cost(scratch: Path) -> float:
    """Median seconds that one small durable write takes where the stores of this run lie."""
    taken = []
    path = scratch / "sync"
    with path.open("wb", buffering=0) as file:
        file.write(bytes(SYNC_BYTES))
        for number in range(SYNCS):
            os.pwrite(file.fileno(), bytes([number % 256]) * SYNC_BYTES, 0)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    path.unlink()
    return statistics.median(taken)


def _commit() -> str:
    root = Path(__file__).parent.parent
    commit = _first_line("git", "-C", str(root), "rev-parse", "--short", "HEAD")
    changed = _first_line("git", "-C", str(root), "status", "--porcelain", "--untracked-files=no")
    return f"{commit} with changes" if commit and changed else commit or "unknown"


def _processor() -> str:
    for line in _read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(path: Path) -> str:
    """The type of the mount that holds `path`."""
    whole, best = str(path.resolve()), ("", "unknown")
    for line in _read("/proc/self/mounts").splitlines():
        _, mount, kind, *_ = line.split()
        if (whole + "/").startswith(mount.rstrip("/") + "/") and len(mount) >= len(best[0]):
            best = (mount, kind)
    return best[1]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.partition("\n")[0].strip() if done.returncode == 0 else ""
