"""Backups of the local backend's data, and their return: what `stigmer local backup` and `restore` do.

A backup needs no daemon and disturbs none. A restore looks at everything before it asks, then keeps other programs from
starting the daemon until the store has been replaced.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stigmer.backend.config import Config
from stigmer.backend.engine_setting import adopt_engine
from stigmer.backend.maintenance import GO, Maintenance, Say, maintenance
from stigmer.backend.standstill import no_daemon
from stigmer.errors import FailedPrecondition

STANDARD = "-"
"""In the place of a file's name: standard input or output."""

STANDARD_INPUT, STANDARD_OUTPUT = 0, 1


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made and verified. `file` is its path, or "-"; `kinds` counts `resources` by kind; `created`
    is RFC 3339."""

    file: str
    bytes: int
    revision: int
    resources: int
    seconds: float
    engine: str
    store_id: str
    epoch: str
    created: str
    kinds: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StoreSummary:
    """A store that takes part in a restore. `state` is sound, unreadable (then `problem` says why) or empty; the rest
    is filled when it is sound. `committed_at` is RFC 3339, empty without a commit."""

    state: str = "sound"
    problem: str = ""
    engine: str = ""
    store_id: str = ""
    revision: int = 0
    resources: int = 0
    committed_at: str = ""
    bytes: int = 0
    kinds: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. Without agreement `restored` is false. `kept_in` is the folder of the replaced store, empty
    when there was none; `engine_set` says that the configuration was changed to the engine of the backup, and
    `engine_advice` is what has to be done to it otherwise."""

    restored: bool
    file: str
    backup: StoreSummary
    replaced: StoreSummary
    epoch: str = ""
    kept_in: str = ""
    seconds: float = 0.0
    engine_set: bool = False
    engine_advice: str = ""


Agree = Callable[[StoreSummary, StoreSummary], bool]
"""(what comes, what is there) -> whether the store is to be replaced."""


def backup(config: Config, file: str = "", *, force: bool = False, say: Say) -> Backup:
    """Copies the store of the configured data folder into a file, 0600, and verifies it. `file` may be a folder, empty
    for the working directory, or "-". The errors are those of `stigmer.server.maintenance.backup`."""
    forced = ["--force"] if force else []
    if file == STANDARD:
        with (
            _inherited(STANDARD_OUTPUT) as descriptor,
            maintenance(config, "backup", "--to-descriptor", str(descriptor), say=say, descriptors=[descriptor]) as job,
        ):
            return Backup(**job.result())
    with maintenance(config, "backup", "--to", str(Path(file or ".").absolute()), *forced, say=say) as job:
        return Backup(**job.result())


def restore(config: Config, file: str, *, agree: Agree, say: Say) -> Restored:
    """Puts the store of a backup, or that of another data folder, in the place of the configured one's, once it has
    been checked and `agree` has said so. Stops the daemon. `file` may be "-". The errors are those of
    `stigmer.server.maintenance.restore`; Unavailable when the daemon does not stop."""
    if file == STANDARD:
        with (
            _inherited(STANDARD_INPUT) as descriptor,
            maintenance(
                config, "restore", "--source-descriptor", str(descriptor), say=say, descriptors=[descriptor]
            ) as job,
        ):
            return _conducted(config, job, agree, say)
    with maintenance(config, "restore", "--source", str(Path(file).absolute()), say=say) as job:
        return _conducted(config, job, agree, say)


def _conducted(config: Config, job: Maintenance, agree: Agree, say: Say) -> Restored:
    ready = next(event.fields for event in job.events() if event.name == "ready")
    incoming, current = StoreSummary(**ready["backup"]), StoreSummary(**ready["current"])
    if not agree(incoming, current):
        job.answer("no")
        return Restored(False, job.result()["file"], incoming, current)
    with no_daemon(config, say):
        say("replacing the store")
        job.answer(GO)
        fields = _outcome(job)
        engine_set, advice = adopt_engine(config, incoming.engine)  # before others start the daemon that they wait for
    done = {name: fields[name] for name in ("file", "epoch", "kept_in", "seconds")}
    return Restored(True, backup=incoming, replaced=current, engine_set=engine_set, engine_advice=advice, **done)


def _outcome(job: Maintenance) -> dict[str, Any]:
    """Ctrl-C comes too late by now: the store is being replaced, which takes milliseconds."""
    try:
        return job.result()
    except KeyboardInterrupt:
        return job.result()


@contextmanager
def _inherited(descriptor: int) -> Iterator[int]:
    """A copy of one of our standard streams that a child can have beside its own. A stream that was closed when we
    started has no object; its number may belong to anything by now."""
    stream = sys.stdout if descriptor == STANDARD_OUTPUT else sys.stdin
    if stream is None:
        raise FailedPrecondition(f"there is no stream to use for {STANDARD}: it is closed")
    if descriptor == STANDARD_OUTPUT:
        stream.flush()
    copy = os.dup(descriptor)
    try:
        yield copy
    finally:
        os.close(copy)
