"""Commits of the change log as durable engines store them: in chunks of bounded size, compacted from the old end.

A commit of 100,000 events would be one value of many megabytes, for which an engine must find adjoining pages; chunks
are found room for anywhere. Chunk 0 begins with the commit itself: time, number of events, note.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct

from stigmer.errors import DataLoss, OutOfRange
from stigmer.store.base import Commit, Event
from stigmer.store.integrity import damaged
from stigmer.store.packing import lengths, pack_texts, unpack_texts

CHUNK_EVENTS = 512
"""Events in a chunk, fewer when their payloads fill it."""

CHUNK_BYTES = 64 << 10
"""A chunk closes when its payloads reach this."""

COMPACT_SLACK = 512
"""Commits beyond the retention that may wait, so that compaction works on full pages and not on every commit."""

COMPACT_SLICE = 1_024
"""The most chunks that one group removes: compaction never holds up a write for longer than a few milliseconds."""

_COMMIT = Struct("<QII")  # time, events, bytes of note
_CHUNK = Struct("<I")  # events in this chunk
_TEXTS_PER_EVENT = 5


def pack_commit(commit: Commit) -> Iterator[bytes]:
    """The payloads of the commit's chunks, at least one."""
    front = _COMMIT.pack(commit.at, len(commit.events), len(commit.note)) + commit.note
    for number, events in enumerate(_runs(commit.events)):
        yield (b"" if number else front) + _pack_events(events)


def unpack_commit(revision: int, chunks: Iterator[bytes]) -> Commit:
    """The commit whose chunks come next, of which no more are taken than belong to it. DataLoss when they end before
    it does."""
    payload = next(chunks, None)
    if payload is None:
        raise damaged_commit(revision)
    at, count, note_size = _COMMIT.unpack_from(payload)
    end = _COMMIT.size + note_size
    events = list(_unpack_events(payload, end))
    while len(events) < count:
        following = next(chunks, None)
        if following is None:
            raise damaged_commit(revision)
        events += _unpack_events(following, 0)
    return Commit(revision, at, payload[_COMMIT.size : end], tuple(events))


def check_cursor(since: int, oldest: int, revision: int) -> None:
    """OutOfRange when the log cannot answer for what came after `since`."""
    if since < oldest:
        raise OutOfRange(
            f"the change log no longer reaches back to revision {since}; it begins after {oldest}",
            hint="list again and watch from the revision of that answer",
            reason="CURSOR_EXPIRED",
        )
    if since > revision:
        raise OutOfRange(f"revision {since} is ahead of the store, which is at {revision}", reason="CURSOR_AHEAD")


def check_gapless(commits: Sequence[Commit], since: int, last: int) -> None:
    """DataLoss unless these are the commits after `since` up to `last`, each once."""
    found = [commit.revision for commit in commits]
    for position, number in enumerate(range(since + 1, last + 1)):
        if found[position : position + 1] != [number]:
            raise damaged_commit(number)


def damaged_commit(revision: int) -> DataLoss:
    return damaged(f"commit {revision} of the change log")


def _runs(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """Runs of events, at least one run, each within the bounds of a chunk."""
    start = size = 0
    for position, event in enumerate(events):
        if position > start and (position - start >= CHUNK_EVENTS or size + len(event.payload) > CHUNK_BYTES):
            yield events[start:position]
            start, size = position, 0
        size += len(event.payload)
    yield events[start:]


def _pack_events(events: Sequence[Event]) -> bytes:
    texts = [text for event in events for text in (event.org, event.kind, event.id, event.slug, event.type)]
    payloads = [event.payload for event in events]
    sizes = lengths(len(payloads)).pack(*map(len, payloads))
    return b"".join((_CHUNK.pack(len(events)), sizes, pack_texts(texts), *payloads))


def _unpack_events(data: bytes, start: int) -> Iterator[Event]:
    (count,) = _CHUNK.unpack_from(data, start)
    start += _CHUNK.size
    sizes = lengths(count).unpack_from(data, start)
    texts, position = unpack_texts(data, start + 4 * count)
    for number, length in enumerate(sizes):
        org, kind, record_id, slug, type_ = texts[number * _TEXTS_PER_EVENT : (number + 1) * _TEXTS_PER_EVENT]
        yield Event(org, kind, record_id, slug, type_, data[position : position + length])
        position += length
