"""The full check behind `verify`: every checksum, and every tree against the records, in one snapshot.

Each record is looked for in the other trees, and the trees are counted: when all are found and the counts agree, no
entry can point anywhere else. Only when they do not agree is each entry asked where it points.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from stigmer.errors import DataLoss
from stigmer.store.base import Record
from stigmer.store.lmdb_codec import (
    STATE_KEY,
    SlugEntry,
    State,
    decode_record,
    decode_slug,
    decode_state,
)
from stigmer.store.lmdb_keys import INDEX_PREFIX_BYTES, KIND_TAG, ORG_TAG, PLACE, PREFIX, SLUG_ROOM, fold, index_keys
from stigmer.store.lmdb_log import read_log
from stigmer.store.lmdb_names import decode_name
from stigmer.store.lmdb_pairs import decode_pair
from stigmer.store.lmdb_trees import Tree, Trees, Txn

MOST_PROBLEMS = 200
"""Sentences before the check gives up: more say nothing new."""


def verify_snapshot(txn: Txn, trees: Trees) -> list[str]:
    """One sentence per problem, empty when sound."""
    problems: list[str] = []
    for problem in _Verifier(txn, trees).problems():
        problems.append(problem)
        if len(problems) == MOST_PROBLEMS:
            return [*problems, "there may be more problems"]
    return problems


class _Verifier:
    def __init__(self, txn: Txn, trees: Trees) -> None:
        self._txn = txn
        self._trees = trees
        self._numbers: dict[bytes, dict[int, str]] = {ORG_TAG: {}, KIND_TAG: {}}

    def problems(self) -> Iterator[str]:
        try:
            state = decode_state(self._txn.get(STATE_KEY, b""))
        except (DataLoss, struct.error) as error:
            yield str(error)
            return
        yield from self._check_names(state)
        yield from self._check_records(state)
        yield from self._check_log(state)
        yield from self._check_pairs()

    def _items(self, tree: Tree) -> Iterator[tuple[bytes, bytes]]:
        with self._txn.cursor(tree) as cursor:
            yield from cursor

    def _check_names(self, state: State) -> Iterator[str]:
        for key, value in self._items(self._trees.names):
            try:
                name, number = decode_name(key, value)
            except DataLoss as error:
                yield str(error)
                continue
            known, most = self._numbers[key[:1]], state.orgs if key[:1] == ORG_TAG else state.kinds
            if number in known or not 1 <= number <= most:
                yield f"the name {name} has the number {number}, which is not its own"
            known[number] = name
        if (len(self._numbers[ORG_TAG]), len(self._numbers[KIND_TAG])) != (state.orgs, state.kinds):
            yield "names of orgs or kinds are missing"

    def _check_records(self, state: State) -> Iterator[str]:
        records = index_entries = 0
        for place, value in self._items(self._trees.records):
            records += 1
            decoded = decode_record(place, value, "", "")
            if decoded is None:
                yield f"the record at place {PLACE.unpack(place)[0]} is damaged: the stored bytes fail their checksum"
                continue
            primary, record = decoded
            keys = index_keys(primary, record.indexes)
            index_entries += len(keys)
            if PLACE.unpack(place)[0] > state.place:
                yield f"{self._name(primary)} lies behind the last place that was given"
            yield from self._check_entries(primary, place, record, keys)
        counts = {"primary": records, "slugs": records, "indexes": index_entries}
        for name, expected in counts.items():
            tree = getattr(self._trees, name)
            if self._txn.stat(tree)["entries"] != expected:
                yield from self._check_targets(name, tree)

    def _check_entries(self, primary: bytes, place: bytes, record: Record, keys: frozenset[bytes]) -> Iterator[str]:
        """From a record to its entries in the other trees."""
        name = self._name(primary)
        if self._txn.get(primary, db=self._trees.primary) != place:
            yield f"{name} is not in the primary index"
        yield from (
            f"{name} is missing from an index" for key in keys if self._txn.get(key, db=self._trees.indexes) != place
        )
        whole = record.slug.encode()
        slug_key = primary[: PREFIX.size] + fold(whole, SLUG_ROOM)
        try:
            entry = decode_slug(slug_key, self._txn.get(slug_key, b"", db=self._trees.slugs))
        except DataLoss as error:
            yield str(error)
            return
        folded = record.slug if len(whole) >= SLUG_ROOM else ""
        if entry != SlugEntry(place, record.id, record.head, folded):
            yield f"the slug index entry of {name} does not match the record"

    def _check_targets(self, name: str, tree: Tree) -> Iterator[str]:
        """From the entries of a tree back to the records."""
        yield f"the tree {name} has more or fewer entries than the records call for"
        for key, stored in self._items(tree):
            try:
                primary, place = self._target(name, key, stored)
            except DataLoss as error:
                yield str(error)
                continue
            decoded = decode_record(place, self._txn.get(place, b"", db=self._trees.records), "", "")
            if decoded is None or decoded[0] != primary:
                yield f"an entry of the tree {name} points to {self._name(primary)}, which is not there"
            elif name == "indexes" and key not in index_keys(primary, decoded[1].indexes):
                yield f"an entry of the tree {name} gives {self._name(primary)} a value that it does not have"

    def _target(self, name: str, key: bytes, stored: bytes) -> tuple[bytes, bytes]:
        """Primary key and place that an entry points to."""
        if name == "slugs":
            entry = decode_slug(key, stored)
            return key[: PREFIX.size] + entry.id.encode(), entry.place
        return (key if name == "primary" else key[: PREFIX.size] + key[INDEX_PREFIX_BYTES:]), stored

    def _check_log(self, state: State) -> Iterator[str]:
        try:
            expected = state.oldest + 1
            for commit in read_log(self._txn, self._trees.log, expected):
                if commit.revision != expected:
                    yield f"commit {expected} is missing from the change log"
                expected = commit.revision + 1
            if expected != state.revision + 1:
                yield f"the change log ends at {expected - 1}, the store is at {state.revision}"
        except DataLoss as error:
            yield str(error)

    def _check_pairs(self) -> Iterator[str]:
        for key, value in self._items(self._trees.pairs):
            try:
                decode_pair(key, value, key[1 : 1 + key[0]].decode(errors="replace"))
            except DataLoss as error:
                yield str(error)

    def _name(self, primary: bytes) -> str:
        org, kind = PREFIX.unpack_from(primary)
        orgs, kinds = self._numbers[ORG_TAG], self._numbers[KIND_TAG]
        name = primary[PREFIX.size :].decode(errors="replace")
        return f"{orgs.get(org, f'org {org}')}/{kinds.get(kind, f'kind {kind}')}/{name}"
