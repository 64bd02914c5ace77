"""The names of the files that make up a store, by engine. Whoever moves, copies or weighs a store asks here; nothing
of an engine is loaded for it."""

from __future__ import annotations

from dataclasses import dataclass

from stigmer.store.marker import MARKER_NAME


@dataclass(frozen=True, slots=True)
class EngineFiles:
    """`data` is what a copy consists of, beside the marker. `own` are files that the engine makes anew when they are
    missing and nobody has the store open."""

    data: str
    own: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return (self.data, *self.own, MARKER_NAME)


ENGINE_FILES: dict[str, EngineFiles] = {
    "lmdb": EngineFiles("data.mdb", ("lock.mdb",)),
    "sqlite": EngineFiles("data.sqlite", ("data.mark", "data.sqlite-wal", "data.sqlite-shm", "data.sqlite-journal")),
}

STORE_FILES: tuple[str, ...] = (
    *(name for files in ENGINE_FILES.values() for name in (files.data, *files.own)),
    MARKER_NAME,
)
"""Every name that a store of any engine may use; the marker is the last."""
