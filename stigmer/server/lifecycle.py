"""The life of the daemon once it owns its data directory: open the store, listen, say where, serve, and on SIGTERM or
SIGINT finish what is under way, close the store and leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import signal
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stigmer.contract import default_contract
from stigmer.errors import StigmerError, Unavailable
from stigmer.server import idempotency, record
from stigmer.server.app import StigmerServer, build_server
from stigmer.server.info import ServerIdentity
from stigmer.server.lock import DataDirLock
from stigmer.server.record import DaemonRecord
from stigmer.server.socket import is_present, remove_stale, restrict, socket_path
from stigmer.server.tokens import LocalCallers, loopback_address, read_token
from stigmer.store.base import Store
from stigmer.store.engines import open_store
from stigmer.store.files import ENGINE_FILES, EngineFiles
from stigmer.version import VERSION

GC_THRESHOLDS = (20_000, 20, 50)
"""A bulk apply makes hundreds of thousands of objects that live until its end: with the defaults, the collector walks
them again and again (a tenth of the time of an apply)."""

CHECK_SECONDS = 2.0
"""How often the daemon looks whether its data directory, its socket and its record are still there."""

DIRECTORY_LOST = 73
"""Exit code when the data directory went away: the same as for one that cannot be used."""

SWEEP_INTERVAL_SECONDS = 600.0
"""How often expired answers are taken out."""

logger = logging.getLogger("stigmer.server")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for. `listen` is a loopback host:port, empty for the unix socket alone."""

    data_dir: Path
    engine: str = "lmdb"
    listen: str = ""


def run(options: Options, lock: DataDirLock) -> None:
    """Serve until a signal says stop, or the data directory that `lock` is in is gone."""
    asyncio.run(_run(options, lock))


async def _run(options: Options, lock: DataDirLock) -> None:
    address = loopback_address(options.listen) if options.listen else ""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    store = open_store(options.data_dir, engine=options.engine)
    try:
        async with (
            _serving(options, address, store) as present,
            _running(_sweep(store)),
            _running(_watch_files(options, lock, present, stop)),
        ):
            # What start-up has made lives as long as the process: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLDS)
            await stop.wait()
            logger.info("stopping")
            if not lock.is_in_place:
                await _abandon(store)
    finally:
        await asyncio.to_thread(store.close)
    logger.info("stopped")


@contextlib.asynccontextmanager
async def _serving(options: Options, address: str, store: Store) -> AsyncIterator[DaemonRecord]:
    path = socket_path(options.data_dir)
    remove_stale(path)
    record.remove(options.data_dir)
    token = read_token(options.data_dir) if address else ""
    server = build_server(
        store,
        default_contract(),
        identify=LocalCallers(token),
        identity=ServerIdentity(options.engine, str(options.data_dir)),
    )
    tcp = _listen(server, path, address)
    await server.start()
    try:
        present = _record(server, path, tcp)
        record.write(options.data_dir, present)
        logger.info("serving on %s %s", path, tcp)
        yield present
    finally:
        await server.stop()
        record.remove(options.data_dir)
        remove_stale(path)


def _listen(server: StigmerServer, path: Path, address: str) -> str:
    """Bind the socket and, when asked for, the port; returns its address."""
    _bind(server, f"unix:{path}")
    restrict(path)
    if not address:
        return ""
    port = _bind(server, address)
    return f"{address.rpartition(':')[0]}:{port}"


def _bind(server: StigmerServer, address: str) -> int:
    try:
        return int(server.grpc.add_insecure_port(address))
    except RuntimeError as error:
        raise Unavailable(f"cannot listen on {address}: {error}") from error


def _record(server: StigmerServer, path: Path, tcp: str) -> DaemonRecord:
    return DaemonRecord(
        pid=os.getpid(),
        version=VERSION,
        contract_hash=server.services.contract.hash,
        socket=str(path),
        tcp=tcp,
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        start_id=secrets.token_hex(8),
    )


@contextlib.asynccontextmanager
async def _running(chore: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a chore beside the server, as long as that serves."""
    task = asyncio.create_task(chore)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _watch_files(options: Options, lock: DataDirLock, present: DaemonRecord, stop: asyncio.Event) -> None:
    """Keep what clients find this daemon by. A lost record is written again; a lost socket, or a lock that no longer
    guards anything, ends the daemon: nobody can reach it, and another may take its place. So does a data file that was
    replaced: what is written to the one that has no name any more would be lost."""
    files = ENGINE_FILES.get(options.engine)
    opened = _inode(options.data_dir, files)
    while lock.is_in_place and is_present(present.socket) and _inode(options.data_dir, files) == opened:
        if not record.exists(options.data_dir):
            record.write(options.data_dir, present)
            logger.warning("daemon.json was gone and is written again")
        await asyncio.sleep(CHECK_SECONDS)
    logger.error("the data directory, its lock, the socket or the data file is gone or was replaced")
    stop.set()


def _inode(data_dir: Path, files: EngineFiles | None) -> int:
    """Which file has the name of the data file; 0 without one."""
    try:
        return (data_dir / files.data).stat().st_ino if files else 0
    except OSError:
        return 0


async def _abandon(store: Store) -> None:
    """End without the usual cleaning: what lies at our paths may be another daemon's by now, and gRPC would remove the
    socket that has the name of ours."""
    await asyncio.to_thread(store.close)
    logger.info("stopped; the data directory is no longer ours")
    logging.shutdown()
    os._exit(DIRECTORY_LOST)


async def _sweep(store: Store) -> None:
    """Take expired answers out now and then."""
    while True:
        try:
            removed = await asyncio.to_thread(idempotency.sweep, store)
        except StigmerError as error:
            logger.warning("expired answers could not be removed: %s", error)
        else:
            logger.log(logging.INFO if removed else logging.DEBUG, "removed %d expired answers", removed)
        await asyncio.sleep(SWEEP_INTERVAL_SECONDS)
