"""The rows of the table, in its order. A row is a function that yields figures; groups list theirs as `ROWS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.figures import Figure
from benchmarks.harness import Session

Measure = Callable[[Session], Iterable[Figure]]


@dataclass(frozen=True, slots=True)
class Row:
    """A named measurement. `summary` says what it measures and against what."""

    name: str
    summary: str
    measure: Measure


def all_rows() -> tuple[Row, ...]:
    from benchmarks import cli, concurrent_writes, contract, loader, memory, reads, store, trees, writer  # noqa: PLC0415 - they import this module

    groups = (store, concurrent_writes, reads, contract, loader, trees, cli, writer, memory)
    return tuple(row for group in groups for row in group.ROWS)
