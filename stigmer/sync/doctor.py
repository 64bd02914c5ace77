"""The doctor: every check of the local backend, from the configuration to the last page of the store, in the order in
which one thing rests on another. It changes nothing and starts no daemon."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from manifests.cachefile import filesystem_time
from stigmer.backend.config import Config
from stigmer.backend.health import Check, check_configuration, check_folders, check_logs
from stigmer.backend.health_daemon import Backend, check_daemon, check_store
from stigmer.backend.maintenance import Say
from stigmer.sync.memory import look_back

CLOCK_SLACK_S = 5.0
"""How far a file's time may be from this machine's clock."""

UNUSABLE = {("error", "home"), ("error", "data directory")}
"""After these findings there is nothing else to look at."""

_NS = 1_000_000_000


@dataclass(slots=True)
class Diagnosis:
    """All findings, and the facts of the store if it could be read."""

    checks: list[Check] = field(default_factory=list)
    store: dict[str, Any] | None = None

    @property
    def status(self) -> str:
        """The worst of the findings."""
        found = {check.status for check in self.checks}
        return "error" if "error" in found else "warning" if "warning" in found else "ok"


def examine(config: Config, *, verify: bool, say: Say) -> Diagnosis:
    """Looks at everything; with `verify` every page, checksum and index entry of the store is read. What is wrong is in
    the answer, and nothing is raised for it."""
    found = Backend()
    diagnosis = Diagnosis()
    for check in _checks(config, found, verify=verify, say=say):
        diagnosis.checks.append(check)
    diagnosis.store = found.store
    return diagnosis


def _checks(config: Config, found: Backend, *, verify: bool, say: Say) -> Iterator[Check]:
    say("looking at the surroundings")
    yield from check_configuration(config)
    usable = True
    for check in check_folders(config):
        usable = usable and (check.status, check.name) not in UNUSABLE
        yield check
    if not usable:
        return
    say("asking the daemon")
    yield from check_daemon(config, found)
    yield from check_store(config, found, verify=verify, say=say)
    yield from check_logs(config)
    yield from _cache(config.home / "cache", found.store)


def _cache(folder: Path, store: dict[str, Any] | None) -> Iterator[Check]:
    """The manifest cache, what it has seen of the store, and the clock of its file system."""
    if not folder.exists():
        yield Check("manifest cache", "ok", "empty")
        return
    try:
        memory = look_back(folder)
    except OSError as error:
        yield Check(
            "manifest cache", "warning", f"{folder} cannot be read: {error.strerror}", f"chmod -R u+rwX {folder}"
        )
        return
    if memory.damaged:
        names = tuple(map(str, memory.damaged))
        text = f"{len(names)} of {memory.files} caches in {folder} are damaged and not used"
        yield Check("manifest cache", "warning", text, f"rm {names[0]}", names)
    else:
        yield Check("manifest cache", "ok", f"{memory.files} caches, {memory.size / 1e6:,.1f} MB")
    yield from _file_clock(folder)
    if store is not None and memory.seen.get(store["epoch"], 0) > store["revision"]:
        yield Check(
            "history",
            "error",
            f"a run of stigmer has seen revision {memory.seen[store['epoch']]} of this store, which is at "
            f"{store['revision']}: older data were put in its place by hand",
            "stigmer local backup FILE, then stigmer local restore FILE: that gives it a history of its own",
        )


def _file_clock(folder: Path) -> Iterator[Check]:
    stamped = filesystem_time(folder)
    if stamped is None:
        yield Check(
            "manifest cache",
            "warning",
            f"{folder} is not writable: every run reads every file",
            f"chmod -R u+rwX {folder}",
        )
    elif abs(stamped - time.time_ns()) > CLOCK_SLACK_S * _NS:
        away = (stamped - time.time_ns()) / _NS
        yield Check(
            "clock",
            "warning",
            f"files in {folder} get times that are {away:,.0f} s away from the clock's",
            "set the clock",
        )
