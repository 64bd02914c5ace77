"""One upload under way, and what an interrupt does to it.

Ctrl-C raises in the main thread at any instruction. In the middle of gRPC's own start of a stream it would leave a call
that nobody can cancel and that keeps its channel from closing. So streams are started in another thread, which no
interrupt reaches, and an upload knows whether its last message was handed over before it was told to stop.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar, final

import grpc

from stigmer.errors import Cancelled

T = TypeVar("T")

INTERRUPT_GRACE_S = 5.0
"""After an interrupt, how long the answer to a completely sent upload is waited for: the server may be committing it,
and its answer is what the user will ask for next."""


def uninterrupted(start: Callable[[], T]) -> Future[T]:
    """Runs `start` in a thread of its own and returns its future at once."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(start())
        except Exception as error:  # noqa: BLE001 -- raised again where the result is asked for
            future.set_exception(error)

    threading.Thread(target=run, name="stigmer-call", daemon=True).start()
    return future


@final
class Upload:
    """The requests of one call. A failure while making them, or an interrupt, must not end the stream as if it were
    complete: the call is cancelled first."""

    def __init__(self, messages: Iterator[Any]) -> None:
        self._messages = messages
        self._call: Future[grpc.Future] = Future()
        self._lock = threading.Lock()
        self._complete = False
        """The last message was handed over; the server may commit from now on."""
        self._stopped = False
        self._failure: Exception | None = None

    def send(self, begin: Callable[[Iterator[Any]], grpc.Future]) -> Any:
        """The answer to the upload that `begin` starts. Raises grpc.RpcError, or what making the messages raised."""
        try:
            uninterrupted(lambda: self._begin(begin))
            return self._call.result().result()
        except grpc.FutureCancelledError:
            raise self._failure or Cancelled("the call was cancelled") from None
        except grpc.RpcError:
            raise
        except BaseException:
            self._stop()
            raise

    def _begin(self, begin: Callable[[Iterator[Any]], grpc.Future]) -> None:
        with self._lock:
            if self._stopped:
                return
            try:
                self._call.set_result(begin(self._requests()))
            except Exception as error:  # noqa: BLE001 -- raised again by `send`
                self._call.set_exception(error)

    def _requests(self) -> Iterator[Any]:
        """The messages, each handed over when the next one is made, so that the last one is known to be the last."""
        try:
            pending = next(self._messages)
            for message in self._messages:
                yield pending
                pending = message
        except Exception as error:  # noqa: BLE001 -- raised again by `send`
            self._failure = error
            self._call.result().cancel()
            return
        with self._lock:
            self._complete = not self._stopped
        if self._complete:
            yield pending
        else:
            self._call.result().cancel()

    def _stop(self) -> None:
        """After an interrupt: waits for a commit that may be under way; ends everything else."""
        with self._lock:
            self._stopped = True
            begun = self._call.done() and self._call.exception() is None
        if not begun:
            return
        call = self._call.result()
        try:
            if self._complete:
                with suppress(grpc.FutureTimeoutError, grpc.FutureCancelledError):
                    call.exception(timeout=INTERRUPT_GRACE_S)
        finally:
            call.cancel()
