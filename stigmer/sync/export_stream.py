"""An export as one stream of documents. Nothing is given out before all of it is there: whoever reads the other end of
a pipe applies what it gets, and half an estate is not what somebody asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, final

from reconciler import ResourceKey
from stigmer.sync.export_layout import Place
from stigmer.sync.spool import Spool

if TYPE_CHECKING:
    from stigmer.contract import Kind

SEPARATORS = {"yaml": b"---\n", "json": b""}
"""What stands between two documents of a form; JSON objects in lines need nothing."""


@final
class StreamSink:
    """Keeps the documents in `spool`, and gives them to `write` when the last one has come."""

    def __init__(self, spool: Spool, separator: bytes, write: Callable[[bytes], object]) -> None:
        self._spool = spool
        self._separator = separator
        self._write = write

    def place(self, kind: Kind, key: ResourceKey) -> None:
        """A stream has no places."""

    def put(self, data: bytes, place: Place | None) -> None:  # noqa: ARG002 - a sink's signature
        self._spool.append(self._separator + data if len(self._spool) else data)

    def finish(self) -> None:
        for piece in self._spool.pieces():
            self._write(piece)
