"""`daemon.json`: where the data directory's daemon is to be found, for clients. Written once it listens, whole or not
at all; what it says is a hint, the lock is the truth."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

RECORD_NAME = "daemon.json"
FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class DaemonRecord:
    """`socket` is a path and `tcp` host:port, empty when not listening there; `started_at` is RFC 3339; `start_id`
    tells two starts apart even if they have the same pid."""

    pid: int
    version: str
    contract_hash: str
    socket: str
    tcp: str
    started_at: str
    start_id: str


def write(data_dir: Path, record: DaemonRecord) -> None:
    replace_file(data_dir / RECORD_NAME, json.dumps(asdict(record), indent=1).encode() + b"\n")


def exists(data_dir: Path) -> bool:
    return (data_dir / RECORD_NAME).exists()


def remove(data_dir: Path) -> None:
    (data_dir / RECORD_NAME).unlink(missing_ok=True)


def replace_file(path: Path, data: bytes) -> None:
    """Readers see the old file or the new one, and only their owner can read either."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
