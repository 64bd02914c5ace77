"""The one place that knows engines by name. Each is imported only when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stigmer.errors import InvalidArgument
from stigmer.store.swap import finish_swap

if TYPE_CHECKING:
    from stigmer.store.base import Store

ENGINES = ("lmdb", "sqlite", "memory")
"""`lmdb` and `sqlite` keep the data in files; `memory` forgets it with the process and serves tests."""


def open_store(data_dir: Path, engine: str = "lmdb", **options: Any) -> Store:
    """Open the store in `data_dir`, making it if the folder holds none. `options` go to the engine's constructor. A
    replacement of the store that was interrupted there is finished first.

    InvalidArgument for an unknown engine, FailedPrecondition when another engine or a newer version made the folder,
    DataLoss when the data is damaged or is not what belongs there, Unavailable when the folder cannot be used."""
    finish_swap(data_dir)
    if engine == "lmdb":
        from stigmer.store.lmdb import LmdbStore

        return LmdbStore(data_dir, **options)
    if engine == "sqlite":
        from stigmer.store.sqlite import SqliteStore

        return SqliteStore(data_dir, **options)
    if engine == "memory":
        from stigmer.store.marker import read_marker
        from stigmer.store.memory import MemoryStore

        read_marker(data_dir, "memory")
        return MemoryStore(**options)
    raise InvalidArgument(
        f"unknown store engine {engine!r}; valid engines: {', '.join(ENGINES)}",
        hint="set backend.local.engine to one of them",
    )
