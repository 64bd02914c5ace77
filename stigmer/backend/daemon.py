"""What can be told of a daemon from outside, without gRPC: its record, whether its socket is answered and by whom,
whether its process lives, and whether its lock is held.

The daemon of a data folder holds an exclusive flock on `daemon.lock` as long as it lives, listens on a unix socket, and
then writes `daemon.json`. The record may outlive its process; the lock and the socket's peer cannot.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

RECORD_NAME = "daemon.json"
LOCK_NAME = "daemon.lock"
LOG_FOLDER = "logs"
LOG_NAME = "daemon.log"
OUTPUT_NAME = "daemon.out"
"""The daemon's standard output and error: what it says before its log is open, or as it dies."""

MODULE = "stigmer.server"

MAX_RECORD_BYTES = 64 * 1024

PROBE_S = 1.0
"""How long a socket may take to accept. The kernel answers for a busy daemon too."""

POLL_S = 0.01
"""First pause while something is waited for; pauses grow to ten times this."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a daemon wrote of itself. `socket` and `tcp` are addresses without a scheme; `tcp` may be empty."""

    pid: int
    version: str
    contract_hash: str
    socket: str
    tcp: str
    started_at: str
    start_id: str

    @property
    def address(self) -> str:
        return f"unix:{self.socket}"


def read_record(data_dir: Path) -> Record | None:
    """The record, or None when there is none or what is there is not one: a daemon replaces it whole."""
    try:
        with (data_dir / RECORD_NAME).open("rb") as file:
            fields = json.loads(file.read(MAX_RECORD_BYTES))
        return Record(
            pid=int(fields["pid"]),
            version=str(fields["version"]),
            contract_hash=str(fields["contract_hash"]),
            socket=str(fields["socket"]),
            tcp=str(fields.get("tcp") or ""),
            started_at=str(fields.get("started_at") or ""),
            start_id=str(fields.get("start_id") or ""),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def log_path(data_dir: Path) -> Path:
    return data_dir / LOG_FOLDER / LOG_NAME


def listener(record: Record) -> int | None:
    """The pid of the process that answers the record's socket; None when nobody does. Where the system does not tell,
    the pid of the record."""
    try:
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
            probe.settimeout(PROBE_S)
            probe.connect(record.socket)
            return _peer_pid(probe) or record.pid
    except (OSError, ValueError):
        return None


def _peer_pid(connection: socket.socket) -> int:
    if hasattr(socket, "SO_PEERCRED"):
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[0])
    if sys.platform == "darwin":
        sol_local, local_peerpid = 0, 2
        return int(struct.unpack("i", connection.getsockopt(sol_local, local_peerpid, struct.calcsize("i")))[0])
    return 0


def serving(data_dir: Path) -> Record | None:
    """The record of the daemon that answers its socket right now."""
    record = read_record(data_dir)
    return record if record is not None and listener(record) == record.pid else None


def owner(data_dir: Path) -> int | None:
    """The pid of this folder's daemon, proven: it answers the socket, or its command line names the module while the
    lock is held. None when there is no daemon, whatever stale files say."""
    record = read_record(data_dir)
    if record is None:
        return None
    if listener(record) == record.pid:
        return record.pid
    return record.pid if is_alive(record.pid) and lock_is_held(data_dir) and _runs_daemon(record.pid) else None


def is_alive(pid: int) -> bool:
    """Whether the process exists and has not ended; a zombie has."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether all threads of the process have ended, so that its files and locks are released. While some still end,
    the first one may be a zombie already. False where there is no /proc."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return False
    return text.rpartition(")")[2].split()[:1] == ["Z"] and len(threads) == 1


def _runs_daemon(pid: int) -> bool:
    """Whether the process's command line names the daemon's module; True where command lines cannot be read."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return not Path("/proc/self/cmdline").exists()
    return MODULE.encode() in arguments


def lock_is_held(data_dir: Path) -> bool:
    """Whether a daemon lives, starting or stopping ones included. The probe takes the lock for an instant, shared, if
    nobody holds it."""
    try:
        with (data_dir / LOCK_NAME).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def terminate(pid: int, seconds: float) -> bool:
    """Asks the process to stop, finishing what it writes, and waits. False when it still lives after `seconds`.
    PermissionError when it belongs to somebody else."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return True
    deadline = time.monotonic() + seconds
    for pause in pauses():
        if not is_alive(pid):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
    return False


def pauses() -> Iterator[float]:
    """Growing pauses for polling, without end."""
    pause = POLL_S
    while True:
        yield pause
        pause = min(pause * 1.5, POLL_S * 10)
