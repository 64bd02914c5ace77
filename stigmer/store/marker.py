"""`store.json`, the marker beside the data: which store belongs in this folder, and which engine made it.

An engine's file that is missing, empty or replaced would open as a new, empty store, and an empty store in front of a
pruning apply deletes everything. So the marker carries the id that the data carries too, is durable before the data is
first used, and every engine refuses a folder in which the two disagree. While a store is being made the marker says so:
a crash then leaves a folder that the next start simply makes again.
"""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from stigmer.errors import DataLoss, FailedPrecondition, ResourceExhausted, StigmerError, Unavailable
from stigmer.store.base import FORMAT_VERSION
from stigmer.store.integrity import LAST_BACKUP

MARKER_NAME = "store.json"

CONVERTIBLE = frozenset({"lmdb", "sqlite"})
"""Engines whose stores `stigmer local convert` makes into each other."""

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors of a disk, a quota or a file that is full."""


@dataclass(frozen=True, slots=True)
class Marker:
    """`store_id` is in the data too. `creating` is true until the data behind a new store is durable."""

    store_id: str
    engine: str
    format: int = FORMAT_VERSION
    creating: bool = False


def find_marker(data_dir: Path) -> Marker | None:
    """The folder's marker, whatever engine it names, or None when it has none. FailedPrecondition for a newer format,
    DataLoss when it cannot be understood, Unavailable when it cannot be read."""
    path = data_dir / MARKER_NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot_use(path, error) from error
    marker = _parse(path, text)
    check_format(marker.format, str(path))
    return marker


def read_marker(data_dir: Path, engine: str) -> Marker | None:
    """The same for a folder that may hold a store of `engine` only: FailedPrecondition for that of another one."""
    marker = find_marker(data_dir)
    if marker is not None and marker.engine != engine:
        raise FailedPrecondition(
            f"{data_dir} holds a store of the engine {marker.engine}, not {engine}",
            hint=_engine_hint(marker.engine, engine),
            reason="ENGINE_MISMATCH",
        )
    return marker


def _engine_hint(found: str, wanted: str) -> str:
    keep = f"to use it as it is: stigmer config set backend.local.engine {found}"
    if {found, wanted} <= CONVERTIBLE:
        return f"to convert it: stigmer local convert --to {wanted}; {keep}"
    return f"{keep}; or choose another data directory"


def write_marker(data_dir: Path, marker: Marker) -> None:
    """Put the marker in place, durably."""
    fields = {name: value for name, value in asdict(marker).items() if name != "creating" or value}
    write_durably(data_dir / MARKER_NAME, json.dumps(fields, indent=1).encode() + b"\n")


def write_durably(path: Path, data: bytes) -> None:
    """Replace a small file at once: it is synced before it gets its name, the folder after. ResourceExhausted without
    room, Unavailable when it cannot be written."""
    draft = path.with_name(f"{path.name}.new")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_use(path, error) from error


def check_format(version: int, where: str) -> None:
    """FailedPrecondition for a layout newer than this program writes."""
    if version > FORMAT_VERSION:
        raise FailedPrecondition(
            f"{where} was written in format {version}; this version of stigmer reads up to format {FORMAT_VERSION}",
            hint="upgrade stigmer",
            reason="STORE_FORMAT_NEWER",
        )


def make_folder(data_dir: Path) -> None:
    """The data directory, private to its user, made durable with its name in the parent."""
    try:
        if not data_dir.is_dir():
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(data_dir.parent)
    except OSError as error:
        raise cannot_use(data_dir, error) from error


def sync_folder(folder: Path) -> None:
    """Make names that were created, replaced or removed in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cannot_use(path: Path, error: OSError) -> StigmerError:
    """A fault of the file system at `path`, with the thing to do: ResourceExhausted without room, else Unavailable."""
    if error.errno in NO_ROOM:
        return no_room(path, str(error.strerror))
    return Unavailable(
        f"cannot use {path}: {error.strerror or error}",
        hint=f"make {path.parent} a writable directory of your user on a working disk, or choose another one",
        reason="STORE_UNREACHABLE",
    )


def no_room(path: Path, cause: str) -> ResourceExhausted:
    return ResourceExhausted(
        f"cannot write to {path}: no space left ({cause})",
        hint="free disk space or raise the quota; nothing was lost, and writing resumes by itself",
        reason="DISK_FULL",
    )


def _parse(path: Path, text: bytes) -> Marker:
    try:
        fields = json.loads(text)
        marker = Marker(**fields)
    except (ValueError, TypeError) as error:
        raise _not_understood(path) from error
    well_formed = (
        isinstance(marker.store_id, str)
        and isinstance(marker.engine, str)
        and type(marker.format) is int
        and marker.format >= 1
        and isinstance(marker.creating, bool)
    )
    if not well_formed:
        raise _not_understood(path)
    return marker


def _not_understood(path: Path) -> DataLoss:
    return DataLoss(
        f"{path} is damaged: it does not say which store lives in this folder",
        hint=LAST_BACKUP,
        reason="MARKER_DAMAGED",
    )
