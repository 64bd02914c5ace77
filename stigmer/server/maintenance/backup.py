"""`backup`: a consistent copy of a store in one file, checked before it is said to be one.

The store may be in use. What is copied is one commit, and so one revision: nobody is held up, and no apply is in it in
part. The copy is opened and verified, written under another name, read back, and only then given its name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from stigmer.errors import AlreadyExists, Cancelled, FailedPrecondition
from stigmer.server.maintenance.archive import FILE_MODE, member_of, nowhere, read_archive, write_archive
from stigmer.server.maintenance.events import progress
from stigmer.server.maintenance.manifest import BACKUP_FORMAT, Manifest
from stigmer.server.maintenance.workplace import settle, stamp, workplace
from stigmer.store.copies import Survey, check_copy, copy_data, engine_of
from stigmer.store.files import ENGINE_FILES
from stigmer.store.marker import MARKER_NAME, cannot_use, sync_folder
from stigmer.version import VERSION

DRAFT_PREFIX = ".stigmer-backup-"
DRAFT_SUFFIX = ".part"
"""Of the file while it is written; nothing else is called so."""

DRAFT_AGE_S = 60.0
"""A draft that nobody holds is a leftover when it is older."""

SHORT_ID = 8
"""How much of a store's id is in the name of a backup."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a backup goes: to `descriptor` if that is not None, else to `path`, which may be a folder. `force` lets it
    replace a file."""

    path: Path
    descriptor: int | None = None
    force: bool = False


def backup(data_dir: Path, target: Target) -> dict[str, Any]:
    """Make a backup; the result names the file and what is in it. AlreadyExists for a file that is there;
    FailedPrecondition when there is no store, or no folder for the file; DataLoss for a damaged store, of which there
    is no backup; ResourceExhausted without room. Nothing is left behind by one that fails."""
    started = time.monotonic()
    if target.descriptor is None:
        _check_target(target)
    settle(data_dir)
    engine_of(data_dir)
    with workplace(data_dir, "backup") as folder:
        progress("copying the store")
        copy_data(data_dir, folder)
        progress("verifying the copy")
        found = check_copy(folder)
        manifest = _manifest(folder, found)
        progress("writing the backup")
        file, size = _write(target, manifest, folder)
    return {
        "file": file,
        "bytes": size,
        "resources": manifest.total,
        "kinds": dict(manifest.resources),
        "seconds": round(time.monotonic() - started, 3),
        **{name: getattr(manifest, name) for name in ("engine", "store_id", "epoch", "revision", "created")},
    }


def _manifest(folder: Path, found: Survey) -> Manifest:
    names = (MARKER_NAME, ENGINE_FILES[found.engine].data)
    return Manifest(
        BACKUP_FORMAT,
        VERSION,
        found.engine,
        found.store_id,
        found.epoch,
        found.revision,
        datetime.now(UTC).isoformat(timespec="seconds"),
        found.resources,
        tuple(member_of(folder / name) for name in names),
    )


def _write(target: Target, manifest: Manifest, folder: Path) -> tuple[str, int]:
    """The name of the file, "-" for a descriptor, and its size."""
    if target.descriptor is not None:
        try:
            with os.fdopen(target.descriptor, "wb") as out:
                return "-", write_archive(out, manifest, folder)
        except BrokenPipeError as error:
            raise Cancelled("whoever read the backup went away", reason="CLOSED_PIPE") from error
        except OSError as error:
            raise cannot_use(Path("standard output"), error) from error
    path = target.path / default_name(manifest) if target.path.is_dir() else target.path
    with _draft(path, force=target.force) as out:
        size = write_archive(out, manifest, folder)
        out.flush()
        os.fsync(out.fileno())
        out.seek(0)
        read_archive(out, str(path), nowhere, lambda _: None)
    return str(path), size


def default_name(manifest: Manifest) -> str:
    created = stamp(datetime.fromisoformat(manifest.created))
    return f"stigmer-backup-{manifest.store_id[:SHORT_ID]}-r{manifest.revision}-{created}.tar"


@contextmanager
def _draft(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """A private file that gets its name, durably, when the block ends well; it is gone otherwise."""
    _remove_old_drafts(path.parent)
    draft = path.with_name(f"{DRAFT_PREFIX}{secrets.token_hex(4)}{DRAFT_SUFFIX}")
    try:
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
        try:
            with os.fdopen(descriptor, "w+b") as out:
                fcntl.flock(out, fcntl.LOCK_EX)
                yield out
            _give_name(draft, path, force=force)
            sync_folder(path.parent)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_use(path, error) from error


def _remove_old_drafts(folder: Path) -> None:
    """What killed backups have left. One that is being written is locked, or as young as its lock is missing."""
    for draft in folder.glob(f"{DRAFT_PREFIX}*{DRAFT_SUFFIX}"):
        with contextlib.suppress(OSError), draft.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - os.fstat(file.fileno()).st_mtime > DRAFT_AGE_S:
                draft.unlink()


def _give_name(draft: Path, path: Path, *, force: bool) -> None:
    """Unless it is forced, a link rather than a rename: it fails where a file is, whenever that came."""
    if force:
        draft.replace(path)
        return
    try:
        os.link(draft, path)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError:  # a file system without links
        if path.exists():
            raise _exists(path) from None
        draft.rename(path)


def _check_target(target: Target) -> None:
    """Before any work: whether the file may have its name."""
    path = target.path
    if path.is_dir():
        return
    if not path.parent.is_dir():
        raise FailedPrecondition(
            f"there is no folder {path.parent}", hint="make it, or choose another place for the backup"
        )
    if not path.exists() and not path.is_symlink():
        return
    if not path.is_file():
        raise FailedPrecondition(f"{path} is not a regular file", hint="write to standard output with - instead")
    if not target.force:
        raise _exists(path)


def _exists(path: Path) -> AlreadyExists:
    return AlreadyExists(f"{path} exists", hint="choose another name, or replace it with --force")
