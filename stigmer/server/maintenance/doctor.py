"""`doctor`: what can be said of the store in a data directory, in use or not, whole or not.

Each finding is told as soon as it is known, because looking at damaged data may be the last thing that this process
does; whoever started it knows what it had got to.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from stigmer.errors import DataLoss, StigmerError, Unavailable
from stigmer.server.maintenance.events import emit, progress
from stigmer.server.maintenance.workplace import KEPT_PATTERN, leftovers
from stigmer.store.copies import Survey, examine, survey
from stigmer.store.files import STORE_FILES
from stigmer.store.integrity import LAST_BACKUP
from stigmer.store.marker import MARKER_NAME, Marker, find_marker
from stigmer.store.swap import pending_swap

Status = Literal["ok", "warning", "error"]

CLOCK_SLACK_S = 60.0
"""A commit may be so far ahead of the clock before that is worth a word."""

KEPT_DAYS = 7
"""A store that a restore or a conversion has replaced is worth a word when it is older."""

MEGABYTE = 1_000_000

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `hint` says what to do; `details` are further sentences."""

    name: str
    status: Status
    message: str
    hint: str = ""
    details: tuple[str, ...] = field(default=())


def diagnose(data_dir: Path, *, verify: bool) -> dict[str, Any]:
    """Tell all findings, and then the facts of the store if it can be read. Raises nothing that a store may cause."""
    for check in _around(data_dir):
        emit("check", **asdict(check))
    if not any((data_dir / name).exists() for name in STORE_FILES):
        emit("check", **asdict(Check("store", "ok", "there is none yet: the first start makes it")))
        return {"store": None}
    found = None
    for item in _store(data_dir, verify=verify):
        if isinstance(item, Survey):
            found = item
        else:
            emit("check", **asdict(item))
    return {"store": _facts(found, counted=verify) if found else None}


def _around(data_dir: Path) -> Iterator[Check]:
    """What interrupted or finished work has left."""
    try:
        journal = pending_swap(data_dir)
    except StigmerError as error:
        yield Check("interrupted work", "error", error.message, error.hint)
        return
    if journal is not None:
        yield Check(
            "interrupted work",
            "warning",
            f"a new store was about to replace the old one, which is kept in {data_dir / journal.kept}",
            "stigmer local start finishes it",
        )
    left = leftovers(data_dir)
    if left:
        yield Check(
            "interrupted work",
            "warning",
            f"{_counted(left)} left behind by work that was killed: {_size(left)}",
            "the next backup or restore removes them",
            tuple(map(str, left)),
        )
    if not left and journal is None:
        yield Check("interrupted work", "ok", "none")
    yield from _kept(data_dir)


def _kept(data_dir: Path) -> Iterator[Check]:
    kept = [folder for folder in sorted(data_dir.glob(KEPT_PATTERN)) if folder.is_dir()]
    if not kept:
        return
    old = [folder for folder in kept if time.time() - folder.stat().st_mtime > KEPT_DAYS * _DAY_S]
    yield Check(
        "replaced stores",
        "warning" if old else "ok",
        f"{_counted(kept)} of stores that were replaced: {_size(kept)}",
        f"remove those that are no longer needed: rm -r {old[0]}" if old else "",
        tuple(map(str, kept)),
    )


def _store(data_dir: Path, *, verify: bool) -> Iterator[Check | Survey]:
    try:
        marker = _marker(data_dir)
        progress("looking at the store")
        found = survey(data_dir)
    except DataLoss as error:
        yield Check("store", "error", error.message, error.hint, _details(error))
        if verify and error.reason == "DATA_FILE_DAMAGED":
            yield _verification(examine(data_dir).problems)
        return
    except StigmerError as error:
        passes = isinstance(error, Unavailable) and error.reason != "STORE_UNREACHABLE"
        yield Check("store", "warning" if passes else "error", error.message, error.hint)
        return
    yield Check(
        "store", "ok", f"{found.engine}, format {marker.format}, revision {found.revision}, {_bytes(found.size)}"
    )
    yield from _history(found)
    if verify:
        progress("verifying the store")
        examined = examine(data_dir)
        yield _verification(examined.problems)
        found = examined.survey or found
    yield found


def _marker(data_dir: Path) -> Marker:
    marker = find_marker(data_dir)
    if marker is None:
        there = ", ".join(name for name in STORE_FILES if (data_dir / name).exists())
        raise DataLoss(
            f"{data_dir} holds {there} but no {MARKER_NAME} that says which store it is",
            hint=LAST_BACKUP,
            reason="MARKER_MISSING",
        )
    return marker


def _history(found: Survey) -> Iterator[Check]:
    for doubt in found.doubts:
        yield Check(
            "history", "warning", doubt, "compare with your manifests: stigmer plan; the next change clears this"
        )
    if found.freed_readers:
        yield Check("readers", "ok", f"{found.freed_readers} places of readers that had died were given back")
    ahead = found.committed_at / 1e9 - time.time()
    if ahead > CLOCK_SLACK_S:
        at = datetime.fromtimestamp(found.committed_at / 1e9, UTC).isoformat(timespec="seconds")
        yield Check(
            "clock",
            "warning",
            f"the newest commit was made at {at}, which is {ahead:,.0f} s ahead of this machine's clock",
            "set the clock; times of new commits stay at that of the newest until it has been reached",
        )
    else:
        yield Check("clock", "ok", "not behind the newest commit")


def _verification(problems: tuple[str, ...]) -> Check:
    if not problems:
        return Check("verification", "ok", "every page, checksum and index entry agrees")
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Check("verification", "error", f"{problems[0]}{more}", LAST_BACKUP, problems)


def _facts(found: Survey, *, counted: bool) -> dict[str, Any]:
    """`resources` is null where nobody has counted."""
    facts = asdict(found)
    facts["resources"] = sum(found.resources.values()) if counted else None
    facts["kinds"] = dict(found.resources)
    return facts


def _details(error: StigmerError) -> tuple[str, ...]:
    return tuple(violation.description for violation in error.violations)


def _counted(folders: list[Path]) -> str:
    return f"{len(folders)} folder{'s' if len(folders) > 1 else ''}"


def _size(folders: list[Path]) -> str:
    total = 0
    for folder in folders:
        for path in folder.rglob("*"):
            try:
                total += path.lstat().st_size
            except OSError:
                continue
    return _bytes(total)


def _bytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= MEGABYTE else f"{count / 1e3:,.0f} kB"
