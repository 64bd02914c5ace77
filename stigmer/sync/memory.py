"""What clients of this user remember of backends, looked at as a whole: for the doctor, not for a run.

Memory is only ever a shortcut. But it also bears witness: a store whose history is behind what a client has seen of it
was put back by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from manifests.cachefile import find_summary, is_whole
from stigmer.sync.index import CACHE_FOLDER, decode_verified

IMAGE_PATTERN = "*.cache"
SUMMARY_SUFFIX = ".summary"


@dataclass(frozen=True, slots=True)
class Memory:
    """`files` caches of `size` bytes, of which `damaged` are useless. `seen` maps each epoch to the newest revision of
    it that some run has verified its manifests at."""

    files: int
    size: int
    damaged: tuple[Path, ...]
    seen: dict[str, int]


def look_back(cache_dir: Path) -> Memory:
    """What is in the cache folder; OSError when it cannot be listed."""
    folder = cache_dir / CACHE_FOLDER
    files = sorted(folder.glob(IMAGE_PATTERN)) if folder.exists() else []
    seen: dict[str, int] = {}
    for epoch, revision in filter(None, map(_remembered, files)):
        seen[epoch] = max(revision, seen.get(epoch, 0))
    size = sum(path.stat().st_size for path in _all(folder))
    return Memory(len(files), size, tuple(file for file in files if not is_whole(file)), seen)


def _all(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_file()) if folder.exists() else iter(())


def _remembered(file: Path) -> tuple[str, int] | None:
    summary = find_summary(file.with_name(file.name + SUMMARY_SUFFIX))
    try:
        verified = decode_verified(summary or b"")
    except (ValueError, TypeError, AttributeError):
        return None
    return (verified.epoch, verified.revision) if verified is not None else None
