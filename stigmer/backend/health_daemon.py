"""What can be said of a local backend's daemon, and of its store, which a maintenance process looks at.

Both are compared: a daemon that works on other files than those in its folder loses what it is given.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stigmer.backend import daemon
from stigmer.backend.config import Config
from stigmer.backend.daemon import Record
from stigmer.backend.engine_setting import to_make_fit
from stigmer.backend.health import Check
from stigmer.backend.local import INFO_S
from stigmer.backend.maintenance import Say, maintenance
from stigmer.errors import StigmerError
from stigmer.version import VERSION

if TYPE_CHECKING:
    from stigmer.backend.client import ServerInfo

_NAME = "daemon"


@dataclass(slots=True)
class Backend:
    """What the checks have found out: `info` is the answer of a running daemon, `store` the facts of the store."""

    info: ServerInfo | None = None
    store: dict[str, Any] | None = None


def check_daemon(config: Config, found: Backend) -> Iterator[Check]:
    """Whether a daemon runs, answers, and is of this version; and what one has left that does not run."""
    record = daemon.serving(config.data_dir)
    if record is None:
        yield from _absent(config)
        return
    try:
        found.info = _ask(record)
    except StigmerError as error:
        yield Check(_NAME, "error", f"it runs (pid {record.pid}) and does not answer: {error.message}", _RESTART)
        return
    yield _version(record, found.info)
    mode = stat.S_IMODE(Path(record.socket).stat().st_mode)
    if mode & 0o077:
        text = f"{record.socket} has mode {mode:04o}: other users may connect"
        yield Check("socket", "error", text, f"chmod 600 {record.socket}")
    else:
        yield Check("socket", "ok", f"{record.socket}, mode {mode:04o}")


def check_store(config: Config, found: Backend, *, verify: bool, say: Say) -> Iterator[Check]:
    """What a process of its own says of the store; that process may die of damaged data, and that is a finding."""
    arguments = ["--verify"] if verify else []
    try:
        with maintenance(config, "doctor", *arguments, say=say) as job:
            for event in job.events():
                if event.name == "check":
                    yield Check(**{**event.fields, "details": tuple(event.fields["details"])})
            found.store = job.result()["store"]
    except StigmerError as error:
        yield Check("store", "error", error.message, error.hint)
        return
    if found.store is not None:
        yield from _agreement(config, found, found.store)


_RESTART = "stigmer local restart; its log: stigmer local logs"


def _absent(config: Config) -> Iterator[Check]:
    pid = daemon.owner(config.data_dir)
    if pid is not None:
        yield Check(_NAME, "error", f"it runs (pid {pid}) and nobody answers its socket", _RESTART)
        return
    if daemon.lock_is_held(config.data_dir):
        yield Check(_NAME, "warning", "its lock is held, but nobody serves: it is starting or stopping", "look again")
        return
    yield Check(_NAME, "ok", "not running: the next command starts it")
    record = daemon.read_record(config.data_dir)
    left = [path for path in (config.data_dir / daemon.RECORD_NAME, *_socket(record)) if path.exists()]
    if left:
        names = ", ".join(map(str, left))
        yield Check(_NAME, "warning", f"left behind by one that was killed: {names}", "the next start removes them")


def _socket(record: Record | None) -> tuple[Path, ...]:
    return (Path(record.socket),) if record is not None and record.socket else ()


def _ask(record: Record) -> ServerInfo:
    from stigmer.backend.client import GrpcBackend
    from stigmer.contract import default_contract

    with GrpcBackend(record.address, default_contract(), timeout=INFO_S) as backend:
        return backend.server_info()


def _version(record: Record, info: ServerInfo) -> Check:
    from stigmer.contract import default_contract

    text = f"it runs (pid {record.pid}), version {info.version}, revision {info.revision}"
    if info.version != VERSION:
        return Check(_NAME, "warning", f"{text}; this program is version {VERSION}", "stigmer local restart")
    if info.contract_hash != default_contract().hash:
        return Check(_NAME, "warning", f"{text}, with another contract than this program", "stigmer local restart")
    return Check(_NAME, "ok", text)


def _agreement(config: Config, found: Backend, store: dict[str, Any]) -> Iterator[Check]:
    """The store against the configuration, and against the daemon that is said to serve it."""
    if store["engine"] != config.engine:
        yield Check(
            "engine",
            "error",
            f"the data are of the engine {store['engine']}, the configuration says {config.engine}: no daemon starts",
            to_make_fit(config, store["engine"]),
        )
    info = found.info
    if info is None:
        return
    replaced = (info.store_id, info.epoch) != (store["store_id"], store["epoch"]) or info.revision > store["revision"]
    if replaced:
        yield Check(
            "data files",
            "error",
            f"the daemon (pid {info.pid}) is at revision {info.revision} of its store, the files in {config.data_dir} "
            f"are at {store['revision']}: they were replaced while it ran",
            "what it has accepted since will be gone: export what you need, then stigmer local restart",
        )
