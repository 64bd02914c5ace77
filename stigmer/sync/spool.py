"""Bytes put aside until everything is known: in memory while they are few, in a temporary file without a name beyond.

An export reads a whole backend before it writes anything. What it has read must not have to fit into memory, and must
leave nothing behind however the process ends.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple, Self, final

from stigmer.errors import ResourceExhausted

IN_MEMORY_BYTES = 16 << 20
"""What is kept in memory before a file is made."""

COPY_BYTES = 1 << 20
"""A piece of `pieces`."""


class Span(NamedTuple):
    """Where something was put."""

    offset: int
    size: int


@final
class Spool:
    """Append, and read anything back. Raises ResourceExhausted when the temporary folder is full."""

    def __init__(self, in_memory: int = IN_MEMORY_BYTES) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115 - closed by __exit__
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._end

    def append(self, data: bytes) -> Span:
        span = Span(self._end, len(data))
        with _space():
            self._file.seek(self._end)
            self._file.write(data)
        self._end += len(data)
        return span

    def read(self, span: Span) -> bytes:
        with _space():  # what is still in the buffer is written first
            self._file.seek(span.offset)
            return self._file.read(span.size)

    def pieces(self) -> Iterator[bytes]:
        """Everything, in the order in which it was appended."""
        for offset in range(0, self._end, COPY_BYTES):
            yield self.read(Span(offset, min(COPY_BYTES, self._end - offset)))


@contextmanager
def _space() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ResourceExhausted(
            f"the temporary folder {tempfile.gettempdir()} cannot take what is exported: {error.strerror}",
            hint="make room there, or name another folder in TMPDIR",
            reason="TEMPORARY_FOLDER",
        ) from error
