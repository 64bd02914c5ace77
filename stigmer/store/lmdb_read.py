"""Reading one LMDB transaction: every result is decoded, checked against its checksum, and copied out of the map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from pathlib import Path

from stigmer.store.base import Commit, Head, Query, Record, RecordId, SlugKey
from stigmer.store.integrity import damaged
from stigmer.store.limits import MAX_ID_BYTES, page_limit
from stigmer.store.lmdb_codec import (
    STATE_KEY,
    SlugEntry,
    State,
    decode_record,
    decode_slug,
    decode_state,
)
from stigmer.store.lmdb_dump import dump_pairs, dump_records
from stigmer.store.lmdb_errors import guarded
from stigmer.store.lmdb_keys import KIND_TAG, ORG_TAG, PREFIX, SLUG_ROOM, after_prefix, fold, index_digest
from stigmer.store.lmdb_log import read_commits
from stigmer.store.lmdb_names import Prefixes, all_names, find_number
from stigmer.store.lmdb_pairs import get_pair, scan_pairs
from stigmer.store.lmdb_trees import Tree, Trees, Txn


class LmdbReadTransaction:
    """`base.ReadTransaction` on one LMDB transaction. `prefixes` are layers of what is already known; what the
    transaction finds out goes into the last. Names never change, so any snapshot may use those of a later one."""

    def __init__(self, txn: Txn, trees: Trees, prefixes: tuple[Prefixes, ...], path: Path) -> None:
        self.path = path
        self.fault: Exception | None = None
        self._txn = txn
        self._trees = trees
        self._prefixes = prefixes
        self._loaded: State | None = None

    @property
    def _state(self) -> State:
        if self._loaded is None:
            self._loaded = decode_state(self._txn.get(STATE_KEY, b""))
        return self._loaded

    @property
    @guarded
    def revision(self) -> int:
        return self._state.revision

    @property
    @guarded
    def oldest_revision(self) -> int:
        return self._state.oldest

    @guarded
    def get_many(self, keys: Sequence[RecordId]) -> list[Record | None]:
        primaries = self._primary_keys(keys)
        places = self._fetch(self._trees.primary, [primary for primary in primaries if primary])
        records = dict(zip(places, self._load(list(places.items())), strict=True))
        return [records.get(primary) if primary else None for primary in primaries]

    @guarded
    def find_many(self, keys: Sequence[SlugKey]) -> list[Record | None]:
        entries = self._slug_entries(keys)
        found = [
            ((self._prefix_of(key) or b"") + entry.id.encode(), entry.place)
            for key, entry in zip(keys, entries, strict=True)
            if entry
        ]
        records = iter(self._load(found))
        answer = [next(records) if entry else None for entry in entries]
        for key, record in zip(keys, answer, strict=True):
            if record and record.slug != key.slug:
                raise damaged(f"the slug index entry {key.org}/{key.kind}/{key.slug}")
        return answer

    @guarded
    def find_heads(self, keys: Sequence[SlugKey]) -> list[Head | None]:
        return [
            Head(key.org, key.kind, entry.id, key.slug, entry.head) if entry else None
            for key, entry in zip(keys, self._slug_entries(keys), strict=True)
        ]

    @guarded
    def heads(self, org: str, kind: str | None = None) -> Iterable[Head]:
        kinds = [name for name, _ in self._names(KIND_TAG)] if kind is None else [kind]
        return [head for name in sorted(kinds) for head in self._heads_of(org, name)]

    @guarded
    def orgs(self) -> list[str]:
        with self._txn.cursor(self._trees.primary) as cursor:
            return sorted(
                name
                for name, number in self._names(ORG_TAG)
                if cursor.set_range(number.to_bytes(4)) and cursor.key()[:4] == number.to_bytes(4)
            )

    @guarded
    def commits(self, since: int, limit: int) -> list[Commit]:
        return read_commits(self._txn, self._trees.log, self._state, since, limit)

    @guarded
    def kv_get(self, space: str, key: bytes) -> bytes | None:
        return get_pair(self._txn, self._trees.pairs, space, key)

    @guarded
    def kv_scan(self, space: str, prefix: bytes = b"") -> list[tuple[bytes, bytes]]:
        return scan_pairs(self._txn, self._trees.pairs, space, prefix)

    @guarded.stream
    def all_records(self) -> Iterator[Record]:
        return dump_records(self._txn, self._trees)

    @guarded.stream
    def all_pairs(self) -> Iterator[tuple[str, bytes, bytes]]:
        return dump_pairs(self._txn, self._trees)

    def _prefix(self, org: str, kind: str) -> bytes | None:
        """The six bytes that stand for org and kind, None when the store has never seen one of them."""
        for known in self._prefixes:
            if prefix := known.of_names.get((org, kind)):
                return prefix
        org_number, kind_number = self._number(ORG_TAG, org), self._number(KIND_TAG, kind)
        if org_number is None or kind_number is None:
            return None
        prefix = PREFIX.pack(org_number, kind_number)
        self._prefixes[-1].add(org, kind, prefix)
        return prefix

    def _names_of(self, prefix: bytes) -> tuple[str, str]:
        """Org and kind of a prefix that `_prefix` has returned."""
        for known in self._prefixes:
            if names := known.names_of.get(prefix):
                return names
        raise KeyError(prefix)

    def _prefix_of(self, key: RecordId | SlugKey) -> bytes | None:
        return self._prefix(key.org, key.kind)

    def _number(self, tag: bytes, name: str) -> int | None:
        return find_number(self._txn, self._trees.names, tag, name)

    def _names(self, tag: bytes) -> Iterator[tuple[str, int]]:
        return all_names(self._txn, self._trees.names, tag)

    def _primary_key(self, key: RecordId) -> bytes | None:
        return self._primary_keys([key])[0]

    def _primary_keys(self, keys: Sequence[RecordId]) -> list[bytes | None]:
        """None for keys that no record can have."""
        org = kind = prefix = None
        primaries: list[bytes | None] = []
        for key in keys:
            if key.org != org or key.kind != kind:
                org, kind = key.org, key.kind
                prefix = self._prefix(org, kind)
            name = key.id.encode()
            primaries.append(None if prefix is None or len(name) > MAX_ID_BYTES else prefix + name)
        return primaries

    def _fetch(self, tree: Tree, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values of those keys that exist."""
        if len(keys) == 1:
            value = self._txn.get(keys[0], db=tree)
            return {} if value is None else {keys[0]: value}
        with self._txn.cursor(tree) as cursor:
            return dict(cursor.getmulti(keys))

    def _load(self, found: Sequence[tuple[bytes, bytes]]) -> list[Record]:
        """The records at (primary key, place), all of which must be there."""
        if not found:
            return []
        stored = self._fetch(self._trees.records, [place for _, place in found])
        records: list[Record] = []
        prefix, org, kind = b"", "", ""
        for primary, place in found:
            if not prefix or not primary.startswith(prefix):
                prefix = primary[: PREFIX.size]
                org, kind = self._names_of(prefix)
            decoded = decode_record(place, stored.get(place, b""), org, kind)
            if decoded is None or decoded[0] != primary:
                raise damaged(f"the record {org}/{kind}/{primary[PREFIX.size :].decode()}")
            records.append(decoded[1])
        return records

    def _slug_entries(self, keys: Sequence[SlugKey]) -> list[SlugEntry | None]:
        slug_keys = [
            prefix + fold(key.slug.encode(), SLUG_ROOM) if (prefix := self._prefix_of(key)) else None for key in keys
        ]
        stored = self._fetch(self._trees.slugs, [key for key in slug_keys if key])
        entries: list[SlugEntry | None] = []
        for key, slug_key in zip(keys, slug_keys, strict=True):
            entry = decode_slug(slug_key, stored[slug_key]) if slug_key and slug_key in stored else None
            entries.append(entry if entry and entry.slug in ("", key.slug) else None)
        return entries

    def _heads_of(self, org: str, kind: str) -> list[Head]:
        prefix = self._prefix(org, kind)
        if prefix is None:
            return []
        heads, folded = [], False
        with self._txn.cursor(self._trees.slugs) as cursor:
            found = cursor.set_range(prefix)
            for key, value in cursor.iternext() if found else ():
                if not key.startswith(prefix):
                    break
                _, record_id, head, slug = decode_slug(key, value)
                folded = folded or bool(slug)
                heads.append(Head(org, kind, record_id, slug or key[PREFIX.size :].decode(), head))
        if folded:
            heads.sort(key=lambda head: head.slug)
        return heads

    def _newest_first(self, org: str, query: Query) -> Iterator[tuple[bytes, bytes]]:
        """(primary key, place) of the candidates of one org, in descending order of id."""
        prefix = self._prefix(org, query.kind)
        if prefix is None:
            return
        tree, start = self._trees.primary, prefix
        if query.index is not None:
            tree, start = self._trees.indexes, prefix + index_digest(query.index)
        after = query.after.encode()[: MAX_ID_BYTES + 1]
        with self._txn.cursor(tree) as cursor:
            upper = start + after if after else after_prefix(start)
            there = cursor.prev() if cursor.set_range(upper) else cursor.last()
            for item in cursor.iterprev() if there else ():
                key = item[0]
                if not key.startswith(start):
                    return
                yield item if query.index is None else (prefix + key[len(start) :], item[1])

    @guarded
    def list(self, query: Query) -> list[Record]:
        limit = page_limit(query)
        orgs = [name for name, _ in self._names(ORG_TAG)] if query.org is None else [query.org]
        streams = [self._newest_first(org, query) for org in orgs]
        found = streams[0] if len(streams) == 1 else merge(*streams, key=_id_of, reverse=True)
        records: list[Record] = []
        while batch := list(islice(found, limit - len(records))):
            page = self._load(batch)
            records += page if query.index is None else [item for item in page if query.index in item.indexes]
        return records


def _id_of(candidate: tuple[bytes, bytes]) -> bytes:
    """The id in the primary key of a candidate: what orders those of different orgs."""
    return candidate[0][PREFIX.size :]
