"""RPCs by name: each with a deadline, the retry policy, and errors of stigmer instead of gRPC's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, final

import grpc

from stigmer.backend import retry
from stigmer.backend.link import Connection, Link
from stigmer.backend.retry import Patience
from stigmer.backend.rpc_errors import translate
from stigmer.backend.uploading import Upload, uninterrupted
from stigmer.errors import DeadlineExceeded, StigmerError

if TYPE_CHECKING:
    from stigmer.contract import Contract, Method

T = TypeVar("T")

FOLLOW_S = 3_600.0
"""A stream without end is renewed after this time, so that no call is without a deadline."""

OPEN_S = 10.0
"""How long the first message of a stream without end may take."""

_LOST = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED"})
"""Codes after which the connection is given up: the next try may find a restarted server, or another way."""


@final
class Calls:
    """The RPCs of one contract over one link. `limit` caps the total time of every call, in seconds."""

    def __init__(self, link: Link, contract: Contract, limit: float | None) -> None:
        self._link = link
        self._service = contract.service_name
        self._methods = contract.methods
        self._limit = limit

    def unary(self, name: str, request: Any, patience: Patience) -> Any:
        method = self._methods[name]

        def attempt(connection: Connection, seconds: float) -> Any:
            rpc = connection.channel.unary_unary(*self._shape(method))
            return rpc(request, timeout=seconds, metadata=connection.endpoint.metadata)

        return self._retried(attempt, patience)

    def collect(self, name: str, request: Any, patience: Patience) -> list[Any]:
        """All messages of a finite stream; a stream that breaks off is read again from its start."""

        def attempt(connection: Connection, seconds: float) -> list[Any]:
            stream = self._stream(connection, name, request, seconds)
            try:
                return list(stream)
            finally:
                stream.cancel()  # an interrupt leaves nothing behind; a finished stream does not mind

        return self._retried(attempt, patience)

    def upload(self, name: str, messages: Callable[[], Iterator[Any]], patience: Patience) -> Any:
        """The answer to a stream of requests, which `messages()` makes anew for each try while they are being sent.
        What the iterator raises ends the call, on the server too, and is raised here. After an interrupt nothing more
        is sent; if the last message was on its way, its answer is waited for (`INTERRUPT_GRACE_S`), so that asking for
        the outcome is conclusive."""
        method = self._methods[name]

        def attempt(connection: Connection, seconds: float) -> Any:
            rpc = connection.channel.stream_unary(*self._shape(method))
            metadata = connection.endpoint.metadata
            return Upload(messages()).send(lambda requests: rpc.future(requests, timeout=seconds, metadata=metadata))

        return self._retried(attempt, patience)

    def follow(self, name: str, request: Any) -> Iterator[Any]:
        """The messages of a stream without end. The first one is waited for as the policy says; afterwards the stream
        raises when it breaks off, with DeadlineExceeded when it is merely to be renewed."""
        with self._link.lease() as connection:
            stream = self._stream(connection, name, request, FOLLOW_S)
            try:
                yield _first(stream, connection.endpoint.address)
                yield from stream
            except grpc.RpcError as error:
                failure = translate(error, connection.endpoint.address)
                if failure.code in _LOST:
                    self._link.retire(connection)
                raise failure from error
            finally:
                stream.cancel()

    def _stream(self, connection: Connection, name: str, request: Any, seconds: float) -> Any:
        rpc = connection.channel.unary_stream(*self._shape(self._methods[name]))
        metadata = connection.endpoint.metadata
        return uninterrupted(lambda: rpc(request, timeout=seconds, metadata=metadata)).result()

    def _shape(self, method: Method) -> tuple[str, Callable[[Any], bytes], Callable[[bytes], Any]]:
        """Path, serializer and deserializer of a method, for both sides of its messages."""
        return (
            f"/{self._service}/{method.name}",
            method.input_class.SerializeToString,
            method.output_class.FromString,
        )

    def _retried(self, attempt: Callable[[Connection, float], T], patience: Patience) -> T:
        used: list[Connection] = []

        def once(seconds: float) -> T:
            with self._link.lease() as connection:
                used.append(connection)
                try:
                    return attempt(connection, max(seconds, 0.001))
                except grpc.RpcError as error:
                    raise translate(error, connection.endpoint.address) from error

        def recover(error: StigmerError) -> None:
            if error.code in _LOST and used:
                self._link.retire(used[-1])

        return retry.call(once, patience.capped(self._limit), recover)


def _first(stream: Any, address: str) -> Any:
    """The first message, for which the stream's own deadline would be far too long."""
    late = threading.Event()

    def give_up() -> None:
        late.set()
        stream.cancel()

    timer = threading.Timer(OPEN_S, give_up)
    timer.daemon = True
    timer.start()
    try:
        return next(stream)
    except grpc.RpcError as error:
        if late.is_set():
            raise DeadlineExceeded(f"no answer from {address} in time", reason="NO_ANSWER") from error
        raise
    finally:
        timer.cancel()
