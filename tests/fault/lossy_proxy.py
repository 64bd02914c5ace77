"""A proxy between a gRPC client and a server on unix sockets that loses replies, resets connections, falls silent and
delays, at moments chosen by the test.

It reads the frames of HTTP/2, so that "the reply" is the first HEADERS frame of an answer: by then the server has done
what it was asked, and the client cannot know.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

FRAME_HEADER_BYTES = 9
DATA, HEADERS = 0, 1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Moment(Enum):
    """When a fault strikes."""

    REQUEST = "request"
    """A frame of a request has arrived, and is not passed on."""
    REPLY = "reply"
    """The server has answered; nothing of it is passed on."""


class Effect(Enum):
    RESET = "reset"
    """Both connections are cut."""
    SILENCE = "silence"
    """Nothing passes any more in either direction; the connections stay."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`skip` is how many such frames pass before it strikes."""

    moment: Moment
    effect: Effect
    skip: int = 0


class LossyProxy:
    """`faults` strike one after the other, the next one on whatever connection its moment comes first. `delay` holds
    back every piece of data, in seconds. `refusing` cuts new connections at once."""

    def __init__(self, listen: Path, upstream: str) -> None:
        self.address = f"unix:{listen}"
        self.faults: list[Fault] = []
        self.struck: list[Fault] = []
        self.delay = 0.0
        self.refusing = False
        self.connections = 0
        self.ready = threading.Event()
        self._listen = str(listen)
        self._upstream = upstream

    async def serve(self) -> None:
        """Runs until `stop`; asyncio.run then cancels what is left of the connections."""
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_unix_server(self._accept, self._listen)
        self.ready.set()
        await self._stopping.wait()
        server.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.refusing:
            writer.transport.abort()
            return
        up_reader, up_writer = await asyncio.open_unix_connection(self._upstream)
        pipes = (
            _Pipe(self, reader, up_writer, Moment.REQUEST, frozenset({DATA, HEADERS}), len(PREFACE)),
            _Pipe(self, up_reader, writer, Moment.REPLY, frozenset({HEADERS}), 0),
        )
        link = _Link((writer, up_writer))
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await asyncio.gather(*(pipe.run(link) for pipe in pipes))
        link.cut()

    def strikes(self, moment: Moment) -> Effect | None:
        """What happens now that a frame for which faults may wait has come."""
        if not self.faults or self.faults[0].moment is not moment:
            return None
        fault = self.faults[0]
        if fault.skip:
            self.faults[0] = Fault(fault.moment, fault.effect, fault.skip - 1)
            return None
        self.struck.append(self.faults.pop(0))
        return fault.effect


class _Link:
    """A client's connection and its continuation to the server."""

    def __init__(self, writers: tuple[asyncio.StreamWriter, ...]) -> None:
        self._writers = writers
        self.silent = False

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


class _Pipe:
    """One direction of a connection, frame by frame."""

    def __init__(
        self,
        proxy: LossyProxy,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        moment: Moment,
        types: frozenset[int],
        preface: int,
    ) -> None:
        self._proxy, self._reader, self._writer = proxy, reader, writer
        self._moment, self._types, self._preface = moment, types, preface

    async def run(self, link: _Link) -> None:
        try:
            self._writer.write(await self._reader.readexactly(self._preface))
            while True:
                await self._frame(link)
        finally:
            link.cut()

    async def _frame(self, link: _Link) -> None:
        header = await self._reader.readexactly(FRAME_HEADER_BYTES)
        body = await self._reader.readexactly(int.from_bytes(header[:3], "big"))
        effect = self._proxy.strikes(self._moment) if header[3] in self._types else None
        if effect is Effect.RESET:
            link.cut()
            raise ConnectionResetError
        link.silent = link.silent or effect is Effect.SILENCE
        if link.silent:
            return
        if self._proxy.delay:
            await asyncio.sleep(self._proxy.delay)
        self._writer.write(header + body)
        await self._writer.drain()


@contextmanager
def lossy_proxy(listen: Path, upstream: str) -> Iterator[LossyProxy]:
    """A proxy in a thread of its own, from the unix socket `listen` to the unix socket `upstream`."""
    proxy = LossyProxy(listen, upstream)
    thread = threading.Thread(target=asyncio.run, args=(proxy.serve(),))
    thread.start()
    try:
        assert proxy.ready.wait(5)
        yield proxy
    finally:
        proxy.stop()
        thread.join()
