"""`convert`: the store of a data directory, made anew in another engine and put in its own place.

The caller is asked once it is known what there is to convert. Then the directory is taken, because nothing may change
while the store is copied. The copy is made in a folder of its own, verified and compared; until it takes the place of
the old store in one step, that one is left as it is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stigmer.errors import ResourceExhausted
from stigmer.server.maintenance.events import progress
from stigmer.server.maintenance.workplace import kept_folder, owned, settle, uninterrupted, workplace
from stigmer.store.convert import Tally, copy_into
from stigmer.store.copies import Survey, damage_of, survey
from stigmer.store.engines import open_store
from stigmer.store.files import ENGINE_FILES, STORE_FILES
from stigmer.store.marker import cannot_use
from stigmer.store.swap import swap

KEPT_PREFIX = "before-convert-"

ROOM_SHARE = 1.5
"""How much of its size a store may take up in another engine; between LMDB and SQLite it was 0.9 to 1.1."""

SPARE_BYTES = 8 << 20
"""Room that converting needs however small the store is."""


def convert(data_dir: Path, engine: str, confirm: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Convert the store in `data_dir` to `engine`. `confirm` is told what is there, and must see to it that no daemon
    runs there when it agrees. The result has `converted` false when there was nothing to do or no agreement: `engine`
    is then what the store is of, empty when there is none.

    DataLoss for a store that is damaged, FailedPrecondition for a directory that a daemon owns, ResourceExhausted
    without room: nothing has changed."""
    started = time.monotonic()
    settle(data_dir)
    if not any((data_dir / name).exists() for name in STORE_FILES):
        return {"converted": False, "engine": ""}
    progress("looking at the store")
    found = survey(data_dir)
    if found.engine == engine or not confirm(_summary(found)):
        return {"converted": False, "engine": found.engine}
    with owned(data_dir), workplace(data_dir, "convert") as staged:
        _check_room(staged, found)
        tally = _copy(data_dir, found.engine, staged, engine)
        kept = kept_folder(data_dir, f"{KEPT_PREFIX}{found.engine}-")
        with uninterrupted():
            swap(data_dir, staged, kept)
    return {
        "converted": True,
        "engine": engine,
        "before": _summary(found),
        **{name: count for name, count in asdict(tally).items() if name != "digest"},
        "bytes": (data_dir / ENGINE_FILES[engine].data).stat().st_size,
        "kept_in": str(kept),
        "seconds": round(time.monotonic() - started, 3),
    }


def _copy(data_dir: Path, engine: str, staged: Path, wanted: str) -> Tally:
    """The store in `staged`, in the wanted engine, whole, durable and verified."""
    source = open_store(data_dir, engine)
    try:
        progress("verifying the store")
        problems = source.verify()
        if problems:
            raise damage_of(problems)
        return copy_into(source, staged, wanted, progress)
    finally:
        source.close()


def _summary(found: Survey) -> dict[str, Any]:
    return {
        "engine": found.engine,
        "store_id": found.store_id,
        "revision": found.revision,
        "bytes": found.size,
    }


def _check_room(staged: Path, found: Survey) -> None:
    needed = int(found.size * ROOM_SHARE) + SPARE_BYTES
    try:
        disk = os.statvfs(staged)
    except OSError as error:
        raise cannot_use(staged, error) from error
    if needed > disk.f_bavail * disk.f_frsize:
        raise ResourceExhausted(
            f"the converted store may need {needed:,} bytes, and {staged.parent} has no room for them",
            hint="free disk space; nothing was changed",
            reason="DISK_FULL",
        )
