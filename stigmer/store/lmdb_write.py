"""Writing in one LMDB transaction: the names a job introduces, its key-value pairs, and its one commit.

Records and their index entries are in `lmdb_save`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stigmer.errors import ResourceExhausted
from stigmer.store.base import Commit, Event, Record, RecordId
from stigmer.store.limits import MAX_ID_BYTES, NUL, check_following, check_record, second_append
from stigmer.store.lmdb_codec import State
from stigmer.store.lmdb_errors import guarded
from stigmer.store.lmdb_keys import KIND_TAG, ORG_TAG, PREFIX
from stigmer.store.lmdb_log import append_commit
from stigmer.store.lmdb_names import Prefixes, name_item
from stigmer.store.lmdb_pairs import pair_key, put_pair
from stigmer.store.lmdb_read import LmdbReadTransaction
from stigmer.store.lmdb_save import RecordWriter
from stigmer.store.lmdb_trees import Trees, Txn

_MOST_KINDS = (1 << 16) - 1
_MOST_ORGS = (1 << 32) - 1


class LmdbTransaction(LmdbReadTransaction):
    """`base.Transaction` on one LMDB write transaction. It begins from the group's state and names; the job's own
    changes to them are in `state` and `fresh`, and are lost with it when it fails. `size` is about what it wrote."""

    def __init__(
        self, txn: Txn, trees: Trees, prefixes: tuple[Prefixes, ...], path: Path, state: State, now: int
    ) -> None:
        self.fresh = Prefixes()
        super().__init__(txn, trees, (*prefixes, self.fresh), path)
        self.state = self._loaded = state.copy()
        self.size = 0
        self._now = now
        self._before = state.revision

    @property
    def revision(self) -> int:
        return self._before

    @property
    def next_revision(self) -> int:
        return self._before + 1

    @guarded
    def save_many(self, records: Sequence[Record]) -> None:
        if records:
            self.size += RecordWriter(self._txn, self._trees, self.state, self._load).save(self._keyed(records))

    @guarded
    def delete_many(self, keys: Sequence[RecordId]) -> None:
        primaries = {primary for key in keys if (primary := self._primary_key(key))}
        self.size += RecordWriter(self._txn, self._trees, self.state, self._load).delete(sorted(primaries))

    @guarded
    def append(self, events: Sequence[Event], note: bytes = b"") -> int:
        if self.state.revision > self._before:
            raise second_append()
        self._append(Commit(self.next_revision, max(self.state.at, self._now), note, tuple(events)))
        return self.state.revision

    @guarded
    def replay(self, commits: Sequence[Commit]) -> None:
        check_following(commits, self.state.revision)
        for commit in commits:
            self._append(commit)

    @guarded
    def kv_put(self, space: str, key: bytes, value: bytes) -> None:
        self.size += put_pair(self._txn, self._trees.pairs, space, key, value)

    @guarded
    def kv_delete(self, space: str, key: bytes) -> None:
        stored = pair_key(space, key)
        if self._txn.delete(stored, db=self._trees.pairs):
            self.size += len(stored)

    def _append(self, commit: Commit) -> None:
        self.size += append_commit(self._txn, self._trees.log, commit)
        self.state.revision, self.state.at = commit.revision, commit.at

    def _keyed(self, records: Sequence[Record]) -> dict[bytes, Record]:
        """The records by primary key, in its order; of several with one key the last."""
        org = kind = None
        prefix, keyed = b"", {}
        for record in records:
            if record.org != org or record.kind != kind:
                org, kind = record.org, record.kind
                prefix = self._intern(org, kind)
            name = record.id.encode()
            if not 0 < len(name) <= MAX_ID_BYTES or NUL in record.slug or NUL in record.id:
                check_record(record)
            keyed[prefix + name] = record
        return {primary: keyed[primary] for primary in sorted(keyed)}

    def _intern(self, org: str, kind: str) -> bytes:
        """Like `_prefix`, but names that are new to the store get their integers."""
        prefix = self._prefix(org, kind)
        if prefix is None:
            org_number, kind_number = self._number(ORG_TAG, org), self._number(KIND_TAG, kind)
            if org_number is None:
                org_number = self.state.orgs = _next(self.state.orgs, _MOST_ORGS, "orgs")
                self._name(ORG_TAG, org, org_number)
            if kind_number is None:
                kind_number = self.state.kinds = _next(self.state.kinds, _MOST_KINDS, "kinds")
                self._name(KIND_TAG, kind, kind_number)
            prefix = PREFIX.pack(org_number, kind_number)
            self.fresh.add(org, kind, prefix)
        return prefix

    def _name(self, tag: bytes, name: str, number: int) -> None:
        key, value = name_item(tag, name, number)
        self._txn.put(key, value, db=self._trees.names)
        self.size += len(key) + len(value)


def _next(last: int, most: int, what: str) -> int:
    if last >= most:
        raise ResourceExhausted(f"the store has seen {most} {what}; it cannot tell more of them apart")
    return last + 1
