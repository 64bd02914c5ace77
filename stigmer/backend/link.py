"""Connections that outlive a server's restart: one channel at a time, dialled when first needed, given up after a
failure, and closed when its last user is done.

Channel and calls are gRPC's synchronous ones. A channel is used by threads, never across a fork.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from stigmer.backend.secret import Secret
from stigmer.errors import FailedPrecondition, Unavailable

if TYPE_CHECKING:
    import grpc

MAX_SENT_BYTES = 16 * 1024 * 1024
"""The largest message sent: what a server takes. The largest resource is a few megabytes."""

MAX_RECEIVED_BYTES = 64 * 1024 * 1024
"""The largest message taken: the answer to an apply of 100,000 changes that all failed."""

RECONNECT_MS = (50, 1_000)
"""First and greatest pause of gRPC's own reconnecting, in milliseconds; its defaults are up to two minutes."""

CONNECT_MS = 5_000
"""How long one attempt to connect may take, in milliseconds, until the server has said that it speaks HTTP/2."""

KEEPALIVE_MS = (20_000, 5_000)
"""On TCP: a silent connection is probed after the first span and given up after the second, in milliseconds."""

NO_TOKEN = Secret("")

LOOPBACK = ("127.0.0.1:", "[::1]:", "localhost:")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens: `unix:/path`, or `host:port` on the loopback interface with the token it asks for."""

    address: str
    token: Secret = NO_TOKEN

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token.reveal()}"),) if self.token else ()


Dial = Callable[[], Endpoint]
"""Finds out where the server is, starting it if that is its way. Called again after a connection was lost."""


class Connection:
    """An open channel, and who is using it."""

    __slots__ = ("channel", "endpoint", "retired", "users")

    def __init__(self, endpoint: Endpoint, channel: grpc.Channel) -> None:
        self.endpoint = endpoint
        self.channel = channel
        self.users = 0
        self.retired = False


@final
class Link:
    """The way to one backend. Safe for threads."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._lock = threading.Lock()
        self._current: Connection | None = None
        self._closed = False

    @contextmanager
    def lease(self) -> Iterator[Connection]:
        """A connection that stays open until the block ends, even if others give it up meanwhile."""
        connection = self._acquire()
        try:
            yield connection
        finally:
            self._release(connection)

    def retire(self, connection: Connection) -> None:
        """Later leases dial anew: after a call on this connection failed in a way that may be the connection's."""
        with self._lock:
            connection.retired = True
            if self._current is connection:
                self._current = None
            idle = connection.users == 0
        if idle:
            connection.channel.close()

    def close(self) -> None:
        """Ends the connection and every call on it. Idempotent."""
        with self._lock:
            self._closed = True
            connection, self._current = self._current, None
        if connection is not None:
            connection.channel.close()

    def _acquire(self) -> Connection:
        with self._lock:
            if self._closed:
                raise Unavailable("the backend's connection is closed", reason="CLOSED")
            if self._current is None:
                endpoint = self._dial()
                self._current = Connection(endpoint, open_channel(endpoint.address))
            self._current.users += 1
            return self._current

    def _release(self, connection: Connection) -> None:
        with self._lock:
            connection.users -= 1
            unused = connection.retired and connection.users == 0
        if unused:
            connection.channel.close()


def open_channel(address: str) -> grpc.Channel:
    """A channel to a unix socket or a loopback port; connecting happens with the first call. Anything further away
    would send manifests and tokens in plain: FailedPrecondition."""
    import grpc

    local = address.startswith("unix:")
    if not local and not address.startswith(LOOPBACK):
        raise FailedPrecondition(f"{address} is not on this machine, and an unencrypted connection goes no further")
    return grpc.insecure_channel(address, options=_options(local=local))


def _options(*, local: bool) -> list[tuple[str, int]]:
    first, greatest = RECONNECT_MS
    options = [
        ("grpc.max_receive_message_length", MAX_RECEIVED_BYTES),
        ("grpc.max_send_message_length", MAX_SENT_BYTES),
        ("grpc.enable_retries", 0),  # stigmer.backend.retry is the one policy
        ("grpc.enable_http_proxy", 0),
        ("grpc.use_local_subchannel_pool", 1),  # a new channel is a new connection
        ("grpc.initial_reconnect_backoff_ms", first),
        ("grpc.min_reconnect_backoff_ms", CONNECT_MS),  # in spite of its name
        ("grpc.max_reconnect_backoff_ms", greatest),
    ]
    if not local:
        after, within = KEEPALIVE_MS
        options += [("grpc.keepalive_time_ms", after), ("grpc.keepalive_timeout_ms", within)]
    return options
