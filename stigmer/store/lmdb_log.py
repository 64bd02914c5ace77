"""The change log of the LMDB engine: the chunks of `log_chunks` under (revision, chunk), in order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from stigmer.store.base import Commit
from stigmer.store.integrity import Space, seal, unseal
from stigmer.store.lmdb_codec import State
from stigmer.store.lmdb_keys import LOG_KEY
from stigmer.store.lmdb_trees import Cursor, Tree, Txn
from stigmer.store.log_chunks import (
    COMPACT_SLACK,
    COMPACT_SLICE,
    check_cursor,
    check_gapless,
    damaged_commit,
    pack_commit,
    unpack_commit,
)


def append_commit(txn: Txn, tree: Tree, commit: Commit) -> int:
    """Write a commit at the end of the log; the bytes written."""
    items = []
    for number, payload in enumerate(pack_commit(commit)):
        key = LOG_KEY.pack(commit.revision, number)
        items.append((key, seal(Space.LOG, key, payload)))
    with txn.cursor(tree) as cursor:
        cursor.putmulti(items, append=True)
    return sum(len(key) + len(value) for key, value in items)


def read_commits(txn: Txn, tree: Tree, state: State, since: int, limit: int) -> list[Commit]:
    """See `base.ReadTransaction.commits`."""
    check_cursor(since, state.oldest, state.revision)
    most = max(limit, 0)
    commits = list(islice(read_log(txn, tree, since + 1), most))
    check_gapless(commits, since, min(state.revision, since + most))
    return commits


def read_log(txn: Txn, tree: Tree, revision: int) -> Iterator[Commit]:
    """Every commit from `revision` on, whatever the state record says."""
    with txn.cursor(tree) as cursor:
        there = cursor.set_range(LOG_KEY.pack(revision, 0))
        while there:
            number, chunk = LOG_KEY.unpack(cursor.key())
            if chunk:
                raise damaged_commit(number)
            yield unpack_commit(number, _chunks(cursor, number))
            there = cursor.next()


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


def _chunks(cursor: Cursor, revision: int) -> Iterator[bytes]:
    """The chunks of the commit that begins under the cursor, which stays on the last one taken."""
    number = 0
    while LOG_KEY.unpack(cursor.key()) == (revision, number):
        yield unseal(Space.LOG, cursor.key(), cursor.value(), lambda: f"commit {revision} of the change log")
        number += 1
        if not cursor.next():
            return
