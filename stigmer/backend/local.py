"""The local backend: the daemon of a data folder, found or started on demand, and its life in commands.

Daemon and client recognise each other by version and contract hash. A daemon of another version makes way when nothing
is under way in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stigmer.backend import daemon, log_tail
from stigmer.backend.config import Config
from stigmer.backend.daemon import Record, log_path
from stigmer.backend.link import Endpoint
from stigmer.backend.marker import engine_of
from stigmer.backend.start import ensure
from stigmer.errors import FailedPrecondition, StigmerError, Unavailable
from stigmer.version import VERSION

if TYPE_CHECKING:
    from stigmer.backend.client import GrpcBackend, ServerInfo
    from stigmer.contract import Contract

STOP_S = 30.0
"""How long a daemon may take to finish what it writes."""

INFO_S = 5.0
"""How long a daemon may take to say who it is."""


@dataclass(frozen=True, slots=True)
class LocalStatus:
    """The daemon of a data folder. Without one, only `data_dir`, `engine` and `log` are filled; `engine` is then that
    of the store, or of the one that would be made. `uptime` is in seconds; `started_at` in RFC 3339; `socket` and `log`
    are paths; `tcp` is host:port, empty when it does not listen."""

    running: bool
    data_dir: str
    engine: str
    log: str
    pid: int = 0
    version: str = ""
    revision: int = 0
    store_id: str = ""
    contract_hash: str = ""
    socket: str = ""
    tcp: str = ""
    started_at: str = ""
    uptime: float = 0.0
    active_requests: int = 0


def connect_local(config: Config, contract: Contract | None = None, *, timeout: float | None = None) -> GrpcBackend:
    """A client of the configured data folder's daemon, which is started unless it runs, and started again should it
    die while the client is in use. FailedPrecondition when the folder cannot be used or a daemon of another version is
    busy; Unavailable, with the daemon's last words, when it does not start."""
    ensure(config)  # before the imports below: the daemon starts up while they are made
    from stigmer.backend.client import GrpcBackend
    from stigmer.contract import default_contract

    contract = contract or default_contract()
    backend = GrpcBackend(lambda: _endpoint(config, contract), contract, timeout=timeout)
    backend.connect()
    return backend


def start(config: Config) -> LocalStatus:
    """Starts the daemon unless it runs; one of another version is replaced as on connecting."""
    with connect_local(config) as backend:
        return _running_status(config, backend.server_info(timeout=INFO_S))


def stop(config: Config) -> int | None:
    """Stops the daemon and returns the pid it had, or None when there was none. Unavailable when it does not stop
    within `STOP_S`."""
    pid = daemon.owner(config.data_dir)
    if pid is not None:
        _terminate(config, pid)
    return pid


def restart(config: Config) -> LocalStatus:
    stop(config)
    return start(config)


def status(config: Config) -> LocalStatus:
    """What can be said of the daemon without starting one. Unavailable when it lives and does not answer."""
    record = daemon.serving(config.data_dir)
    if record is None:
        pid = daemon.owner(config.data_dir)
        if pid is not None:
            raise Unavailable(
                f"the daemon of {config.data_dir} (pid {pid}) runs and does not answer",
                hint="run stigmer local restart; its log: stigmer local logs",
                reason="DAEMON_SILENT",
            )
        engine = engine_of(config.data_dir) or config.engine
        return LocalStatus(
            running=False, data_dir=str(config.data_dir), engine=engine, log=str(log_path(config.data_dir))
        )
    return _running_status(config, _ask(record))


def logs(config: Config, lines: int = 100, *, follow: bool = False) -> Iterator[str]:
    """The last lines of the daemon's log, without line ends; then, with `follow`, new ones as they come, without end.
    NotFound when there is no log yet."""
    return log_tail.tail(log_path(config.data_dir), lines, follow=follow)


def _endpoint(config: Config, contract: Contract) -> Endpoint:
    record = ensure(config)
    if not _matches(record, contract):
        _dismiss(config, record)
        record = ensure(config)
        if not _matches(record, contract):
            raise _mismatch(config, record, "and was started by another program just now")
    return Endpoint(record.address)


def _matches(record: Record, contract: Contract) -> bool:
    return (record.version, record.contract_hash) == (VERSION, contract.hash)


def _dismiss(config: Config, record: Record) -> None:
    """Stops a daemon of another version if nothing is under way in it."""
    try:
        active = _ask(record).active_requests
    except StigmerError as error:
        raise _mismatch(config, record, f"and does not say whether it is busy: {error.message}") from error
    if active:
        raise _mismatch(config, record, "and busy")
    _terminate(config, record.pid)


def _mismatch(config: Config, record: Record, state: str) -> FailedPrecondition:
    theirs = f"version {record.version}"
    if record.version == VERSION:
        theirs += f" with another contract ({record.contract_hash[:12]})"
    return FailedPrecondition(
        f"the daemon of {config.data_dir} (pid {record.pid}) is of {theirs}, this program of version {VERSION}; "
        f"it is running {state}",
        hint="when its work is done, run stigmer local restart",
        reason="VERSION_MISMATCH",
    )


def _terminate(config: Config, pid: int) -> None:
    try:
        gone = daemon.terminate(pid, STOP_S)
    except PermissionError as error:
        raise FailedPrecondition(f"the daemon of {config.data_dir} (pid {pid}) belongs to another user") from error
    if not gone:
        raise Unavailable(
            f"the daemon of {config.data_dir} (pid {pid}) has not stopped within {STOP_S:.0f} s",
            hint=f"it may be finishing a large write: see {log_path(config.data_dir)}; then try again",
            reason="DAEMON_STILL_RUNNING",
        )


def _ask(record: Record) -> ServerInfo:
    from stigmer.backend.client import GrpcBackend
    from stigmer.contract import default_contract

    with GrpcBackend(record.address, default_contract(), timeout=INFO_S) as backend:
        return backend.server_info()


def _running_status(config: Config, info: ServerInfo) -> LocalStatus:
    record = daemon.read_record(config.data_dir)
    started = record.started_at if record is not None else ""
    return LocalStatus(
        running=True,
        data_dir=info.data_dir,
        engine=info.engine,
        log=str(log_path(config.data_dir)),
        pid=info.pid,
        version=info.version,
        revision=info.revision,
        store_id=info.store_id,
        contract_hash=info.contract_hash,
        socket=record.socket if record is not None else "",
        tcp=record.tcp if record is not None else "",
        started_at=started,
        uptime=_since(started),
        active_requests=info.active_requests,
    )


def _since(started_at: str) -> float:
    try:
        moment = datetime.fromisoformat(started_at)
    except ValueError:
        return 0.0
    return max(0.0, (datetime.now(UTC) - moment.astimezone(UTC)).total_seconds())
