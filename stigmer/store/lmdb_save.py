"""Records and all their index entries, written together: each tree in the order of its keys, new records at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from stigmer.errors import AlreadyExists
from stigmer.store.base import Record
from stigmer.store.limits import slug_taken
from stigmer.store.lmdb_codec import State, decode_slug, encode_record, encode_slug
from stigmer.store.lmdb_keys import PLACE, PREFIX, SLUG_ROOM, fold, index_digest, index_keys
from stigmer.store.lmdb_trees import Tree, Trees, Txn

Batch = dict[bytes, Record]
"""Records by primary key, in ascending order."""

ENTRY_BYTES = 400
"""About what the entries of one record weigh besides head and body; only the bound on a group depends on it."""

_PREFIX_SIZE = PREFIX.size


@dataclass(frozen=True, slots=True)
class _Old:
    """The entries of a stored record."""

    place: bytes
    slug_key: bytes
    index_keys: frozenset[bytes]


class RecordWriter:
    """Writes batches for one job. `load` gives the stored records for (primary key, place); `state.place` advances with
    every new record."""

    def __init__(
        self,
        txn: Txn,
        trees: Trees,
        state: State,
        load: Callable[[Sequence[tuple[bytes, bytes]]], list[Record]],
    ) -> None:
        self._txn = txn
        self._trees = trees
        self._state = state
        self._load = load

    def save(self, batch: Batch) -> int:
        """Insert or replace, nothing at all when a slug is taken. About the bytes written."""
        slug_keys = self._claim_slugs(batch)
        old = self._old(list(batch))
        places = self._places(batch, old)
        entries = _index_entries(batch, places)
        if old:
            known = frozenset(chain.from_iterable(entry.index_keys for entry in old.values()))
            self._delete(self._trees.slugs, {entry.slug_key for entry in old.values()}.difference(slug_keys))
            self._delete(self._trees.indexes, known.difference(key for key, _ in entries))
            entries = [entry for entry in entries if entry[0] not in known]
        self._put_records(batch, places, old)
        self._put_slugs(batch, places, slug_keys)
        self._put(self._trees.indexes, entries)
        return sum([len(record.body) + len(record.head) + ENTRY_BYTES for record in batch.values()])

    def delete(self, primaries: Sequence[bytes]) -> int:
        """Remove the stored ones among sorted primary keys. About the bytes written."""
        old = self._old(primaries)
        entries = old.values()
        self._delete(self._trees.slugs, [entry.slug_key for entry in entries])
        self._delete(self._trees.indexes, chain.from_iterable(entry.index_keys for entry in entries))
        self._delete(self._trees.primary, old)
        self._delete(self._trees.records, [entry.place for entry in entries])
        return ENTRY_BYTES * len(old)

    def _claim_slugs(self, batch: Batch) -> list[bytes]:
        """The slug keys of a batch, in its order. AlreadyExists when one belongs to a record outside of the batch, or
        to two inside: a record of the batch gives up its stored slug for the one that it brings."""
        slug_keys = [
            primary[:_PREFIX_SIZE] + fold(record.slug.encode(), SLUG_ROOM) for primary, record in batch.items()
        ]
        stored = self._fetch(self._trees.slugs, slug_keys)
        if not stored and len(set(slug_keys)) == len(slug_keys):
            return slug_keys
        claimed: dict[bytes, bytes] = {}
        for primary, slug_key in zip(batch, slug_keys, strict=True):
            owner = claimed.get(slug_key)
            if owner is None and slug_key in stored:
                owner = slug_key[:_PREFIX_SIZE] + decode_slug(slug_key, stored[slug_key]).id.encode()
                owner = primary if owner in batch else owner
            if owner not in (None, primary):
                raise AlreadyExists(slug_taken(batch[primary], owner[_PREFIX_SIZE:].decode()))
            claimed[slug_key] = primary
        return slug_keys

    def _old(self, primaries: Sequence[bytes]) -> dict[bytes, _Old]:
        """The stored ones among sorted primary keys."""
        places = self._fetch(self._trees.primary, primaries) if self._may_exist(primaries) else {}
        old = {}
        for (primary, place), record in zip(places.items(), self._load(list(places.items())), strict=True):
            slug_key = primary[:_PREFIX_SIZE] + fold(record.slug.encode(), SLUG_ROOM)
            old[primary] = _Old(place, slug_key, index_keys(primary, record.indexes))
        return old

    def _may_exist(self, primaries: Sequence[bytes]) -> bool:
        """False when all keys lie behind the last one of the tree, as new ids of the newest kind do."""
        with self._txn.cursor(self._trees.primary) as cursor:
            return bool(primaries) and cursor.last() and cursor.key() >= primaries[0]

    def _places(self, batch: Batch, old: dict[bytes, _Old]) -> list[bytes]:
        """Replaced records keep their place, new ones follow all others."""
        first = self._state.place + 1
        self._state.place += len(batch) - len(old)
        fresh = map(PLACE.pack, range(first, self._state.place + 1))
        return [old[primary].place if primary in old else next(fresh) for primary in batch] if old else list(fresh)

    def _put_records(self, batch: Batch, places: list[bytes], old: dict[bytes, _Old]) -> None:
        """Values are encoded one by one as they are stored, so that a large batch is never held twice."""
        rows = zip(places, batch, batch.values(), strict=True)
        if not old:
            self._put(self._trees.records, _encoded(rows), append=True)
            self._put(self._trees.primary, zip(batch, places, strict=True))
            return
        replaced: list[tuple[bytes, bytes, Record]] = []
        new: list[tuple[bytes, bytes, Record]] = []
        for row in rows:
            (replaced if row[1] in old else new).append(row)
        self._put(self._trees.records, _encoded(new), append=True)
        self._put(self._trees.records, _encoded(sorted(replaced, key=lambda row: row[0])))
        self._put(self._trees.primary, [(primary, place) for place, primary, _ in new])

    def _put_slugs(self, batch: Batch, places: list[bytes], slug_keys: list[bytes]) -> None:
        self._put(self._trees.slugs, _slug_entries(batch, sorted(zip(slug_keys, places, batch, strict=True))))

    def _put(self, tree: Tree, items: Iterable[tuple[bytes, bytes]], *, append: bool = False) -> None:
        cursor = self._txn.cursor(tree)
        cursor.putmulti(items, append=append)
        cursor.close()

    def _delete(self, tree: Tree, keys: Iterable[bytes]) -> None:
        for key in sorted(keys):
            self._txn.delete(key, db=tree)

    def _fetch(self, tree: Tree, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        with self._txn.cursor(tree) as cursor:
            return dict(cursor.getmulti(keys))


def _index_entries(batch: Batch, places: list[bytes]) -> list[tuple[bytes, bytes]]:
    entries: list[tuple[bytes, bytes]] = []
    for (primary, record), place in zip(batch.items(), places, strict=True):
        prefix, name = primary[:_PREFIX_SIZE], primary[_PREFIX_SIZE:]
        entries += [(prefix + index_digest(pair) + name, place) for pair in record.indexes]
    entries.sort()
    return entries


def _encoded(rows: Iterable[tuple[bytes, bytes, Record]]) -> Iterator[tuple[bytes, bytes]]:
    for place, primary, record in rows:
        yield place, encode_record(place, primary, record)


def _slug_entries(batch: Batch, rows: Iterable[tuple[bytes, bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    for key, place, primary in rows:
        record = batch[primary]
        folded = record.slug.encode() if len(key) == _PREFIX_SIZE + SLUG_ROOM else b""
        yield key, encode_slug(key, place, primary[_PREFIX_SIZE:], record.head, folded)
