"""`restore`: a backup, or the store of another folder, in the place of the store of a data directory.

Everything is read, checked and opened in a folder of its own first. Only then is the caller asked, and only then is the
directory taken and the store in it replaced. Why the old one is replaced does not matter: it may be damaged or gone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stigmer.errors import DataLoss, FailedPrecondition, NotFound, ResourceExhausted, StigmerError
from stigmer.server.maintenance.archive import into, read_archive
from stigmer.server.maintenance.events import progress
from stigmer.server.maintenance.manifest import Manifest
from stigmer.server.maintenance.workplace import FOLDER_MODE, kept_folder, owned, settle, uninterrupted, workplace
from stigmer.store.copies import Survey, check_copy, copy_data, examine, renew_epoch
from stigmer.store.files import STORE_FILES
from stigmer.store.marker import cannot_use, sync_folder
from stigmer.store.swap import swap

SPARE_BYTES = 1 << 20
"""Room that unpacking leaves on the disk."""

KEPT_PREFIX = "before-restore-"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the store comes from: the backup in `descriptor` if that is not None, else `path`, which is a backup, or a
    folder that holds a store."""

    path: Path
    descriptor: int | None = None

    @property
    def name(self) -> str:
        return str(self.path) if self.descriptor is None else "the backup on standard input"


def restore(
    data_dir: Path, source: Source, confirm: Callable[[dict[str, Any], dict[str, Any]], bool]
) -> dict[str, Any]:
    """Replace the store in `data_dir`. `confirm` is told what comes and what is there, and must see to it that no
    daemon runs there when it agrees. The result has `restored` false when it does not.

    InvalidArgument for what is no backup, FailedPrecondition for one that this version cannot read and for a directory
    that a daemon owns, DataLoss for a backup that is damaged, ResourceExhausted without room: nothing has changed."""
    started = time.monotonic()
    _make(data_dir)
    with suppress(DataLoss):  # what cannot be finished is replaced as a whole
        settle(data_dir)
    with workplace(data_dir, "restore") as staged:
        found = _stage(source, staged)
        current = _current(data_dir)
        incoming = _summary(found)
        if not confirm(incoming, current):
            return {"restored": False, "file": source.name, "backup": incoming, "current": current}
        with uninterrupted():
            kept, epoch = _replace(data_dir, staged)
    return {
        "restored": True,
        "file": source.name,
        **incoming,
        "epoch": epoch,
        "replaced": current,
        "kept_in": str(kept) if kept else "",
        "seconds": round(time.monotonic() - started, 3),
    }


def _stage(source: Source, staged: Path) -> Survey:
    """Put the store that comes into `staged`, whole, durable and verified."""
    if source.descriptor is None and source.path.is_dir():
        progress("copying the store")
        copy_data(source.path, staged)
        progress("verifying the copy")
        return check_copy(staged)
    progress("reading the backup")
    manifest = _unpack(source, staged)
    progress("verifying the store in it")
    found = check_copy(staged)
    said = (manifest.engine, manifest.store_id, manifest.epoch, manifest.revision, dict(manifest.resources))
    if said != (found.engine, found.store_id, found.epoch, found.revision, dict(found.resources)):
        raise DataLoss(
            f"{source.name} is damaged: the store in it is not the one that its manifest describes",
            hint="nothing was changed; use another backup",
            reason="BACKUP_DAMAGED",
        )
    return found


def _unpack(source: Source, staged: Path) -> Manifest:
    def accept(manifest: Manifest) -> None:
        needed = sum(member.size for member in manifest.members) + SPARE_BYTES
        disk = os.statvfs(staged)
        if needed > disk.f_bavail * disk.f_frsize:
            raise ResourceExhausted(
                f"the store in {source.name} needs {needed:,} bytes, and {staged.parent} has no room for them",
                hint="free disk space, or restore into another data directory with --data-dir; nothing was changed",
                reason="DISK_FULL",
            )

    try:
        file = os.fdopen(source.descriptor, "rb") if source.descriptor is not None else source.path.open("rb")
    except FileNotFoundError as error:
        raise NotFound(f"there is no backup {source.name}") from error
    except OSError as error:
        raise FailedPrecondition(f"cannot read {source.name}: {error.strerror}", reason="BACKUP_UNREADABLE") from error
    with file:
        try:
            manifest = read_archive(file, source.name, into(staged), accept)
            sync_folder(staged)
        except OSError as error:
            raise cannot_use(staged, error) from error
    return manifest


def _current(data_dir: Path) -> dict[str, Any]:
    """What is there: a summary, or under `state` why there is none."""
    progress("looking at the store that is there")
    if not any((data_dir / name).exists() for name in STORE_FILES):
        return {"state": "empty"}
    try:
        found = examine(data_dir)
    except StigmerError as error:
        return {"state": "unreadable", "problem": error.message}
    if found.problems or found.survey is None:
        return {"state": "unreadable", "problem": found.problems[0]}
    return {"state": "sound", **_summary(found.survey)}


def _summary(found: Survey) -> dict[str, Any]:
    at = datetime.fromtimestamp(found.committed_at / 1e9, UTC).isoformat(timespec="seconds")
    return {
        "engine": found.engine,
        "store_id": found.store_id,
        "revision": found.revision,
        "resources": sum(found.resources.values()),
        "kinds": dict(found.resources),
        "committed_at": at if found.committed_at else "",
        "bytes": found.size,
    }


def _replace(data_dir: Path, staged: Path) -> tuple[Path | None, str]:
    """Where the old store is, None if there was none, and the new one's epoch."""
    epoch = renew_epoch(staged)
    sync_folder(staged)
    kept = kept_folder(data_dir, KEPT_PREFIX)
    with owned(data_dir):
        return (kept if swap(data_dir, staged, kept) else None), epoch


def _make(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_use(data_dir, error) from error
