"""The change log of the LMDB engine: one commit per revision, in chunks, compacted from the old end.

A commit of 100,000 events would be one value of many megabytes, which LMDB must place on adjoining pages; chunks of
bounded size are found room for anywhere. Chunk 0 begins with the commit itself: time, number of events, note.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from struct import Struct

from stigmer.errors import OutOfRange
from stigmer.store.base import Commit, Event
from stigmer.store.integrity import Space, damaged, seal, unseal
from stigmer.store.lmdb_codec import State, lengths, pack_texts, unpack_texts
from stigmer.store.lmdb_keys import LOG_KEY
from stigmer.store.lmdb_trees import Cursor, Tree, Txn

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


def append_commit(txn: Txn, tree: Tree, commit: Commit) -> int:
    """Write a commit at the end of the log; the bytes written."""
    front = _COMMIT.pack(commit.at, len(commit.events), len(commit.note)) + commit.note
    items = []
    for number, events in enumerate(_chunks(commit.events)):
        key = LOG_KEY.pack(commit.revision, number)
        items.append((key, seal(Space.LOG, key, (b"" if number else front) + _pack_events(events))))
    with txn.cursor(tree) as cursor:
        cursor.putmulti(items, append=True)
    return sum(len(key) + len(value) for key, value in items)


def read_commits(txn: Txn, tree: Tree, state: State, since: int, limit: int) -> list[Commit]:
    """See `base.ReadTransaction.commits`."""
    if since < state.oldest:
        raise OutOfRange(
            f"the change log no longer reaches back to revision {since}; it begins after {state.oldest}",
            hint="list again and watch from the revision of that answer",
            reason="CURSOR_EXPIRED",
        )
    if since > state.revision:
        raise OutOfRange(f"revision {since} is ahead of the store, which is at {state.revision}", reason="CURSOR_AHEAD")
    commits = list(islice(read_log(txn, tree, since + 1), max(limit, 0)))
    expected = range(since + 1, min(state.revision, since + max(limit, 0)) + 1)
    found = [commit.revision for commit in commits]
    for number in expected:
        if found[number - since - 1 : number - since] != [number]:
            raise damaged(f"commit {number} of the change log")
    return commits


def read_log(txn: Txn, tree: Tree, revision: int) -> Iterator[Commit]:
    """Every commit from `revision` on, whatever the state record says."""
    with txn.cursor(tree) as cursor:
        yield from _commits_from(cursor, revision)


def compact(txn: Txn, tree: Tree, state: State, retention: int) -> None:
    """Remove a slice of the commits before the newest `retention`, and say so in `state`."""
    last_expired = state.revision - retention
    if last_expired - state.oldest < min(COMPACT_SLACK, retention) and not _leftovers(txn, tree, state.oldest):
        return
    with txn.cursor(tree) as cursor:
        removed, there = 0, cursor.first()
        while there and removed < COMPACT_SLICE:
            revision = LOG_KEY.unpack(cursor.key())[0]
            if revision > max(last_expired, state.oldest):
                return
            state.oldest = max(state.oldest, revision)
            there = cursor.delete()
            removed += 1


def _leftovers(txn: Txn, tree: Tree, oldest: int) -> bool:
    """Whether an expired commit lost only its first chunks to the last slice."""
    with txn.cursor(tree) as cursor:
        return bool(cursor.first()) and LOG_KEY.unpack(cursor.key())[0] <= oldest


def _chunks(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
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


def _commits_from(cursor: Cursor, revision: int) -> Iterator[Commit]:
    there = cursor.set_range(LOG_KEY.pack(revision, 0))
    while there:
        commit = _read_commit(cursor)
        yield commit
        there = cursor.next()


def _read_commit(cursor: Cursor) -> Commit:
    """The commit whose first chunk is under the cursor; leaves the cursor on its last chunk."""
    revision, number = LOG_KEY.unpack(cursor.key())
    if number:
        raise damaged(f"commit {revision} of the change log")
    payload = _chunk(cursor, revision)
    at, count, note_size = _COMMIT.unpack_from(payload)
    end = _COMMIT.size + note_size
    events = list(_unpack_events(payload, end))
    while len(events) < count:
        number += 1
        if not cursor.next() or LOG_KEY.unpack(cursor.key()) != (revision, number):
            raise damaged(f"commit {revision} of the change log")
        events += _unpack_events(_chunk(cursor, revision), 0)
    return Commit(revision, at, payload[_COMMIT.size : end], tuple(events))


def _chunk(cursor: Cursor, revision: int) -> bytes:
    return unseal(Space.LOG, cursor.key(), cursor.value(), lambda: f"commit {revision} of the change log")
