"""The table of names: which small integer stands for which org or kind. A name keeps its integer for ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from stigmer.store.integrity import Space, seal, unseal
from stigmer.store.lmdb_keys import name_key
from stigmer.store.lmdb_trees import Tree, Txn


@dataclass(slots=True)
class Prefixes:
    """What is known of (org, kind) pairs and the key prefixes that stand for them, both ways. Threads share it, so the
    names of a prefix are in place before it can be found."""

    of_names: dict[tuple[str, str], bytes] = field(default_factory=dict)
    names_of: dict[bytes, tuple[str, str]] = field(default_factory=dict)

    def add(self, org: str, kind: str, prefix: bytes) -> None:
        self.names_of[prefix] = (org, kind)
        self.of_names[org, kind] = prefix

    def merge(self, other: Prefixes) -> None:
        self.names_of.update(other.names_of)
        self.of_names.update(other.of_names)


def find_number(txn: Txn, tree: Tree, tag: bytes, name: str) -> int | None:
    """The integer of a name, None when the store has never seen it."""
    key = name_key(tag, name)
    value = txn.get(key, db=tree)
    return None if value is None else decode_name(key, value)[1]


def all_names(txn: Txn, tree: Tree, tag: bytes) -> Iterator[tuple[str, int]]:
    """Every org or every kind that the store has seen, with its integer."""
    with txn.cursor(tree) as cursor:
        found = cursor.set_range(tag)
        for key, value in cursor.iternext() if found else ():
            if not key.startswith(tag):
                return
            yield decode_name(key, value)


def name_item(tag: bytes, name: str, number: int) -> tuple[bytes, bytes]:
    """The entry that gives `name` its integer."""
    key = name_key(tag, name)
    return key, seal(Space.NAME, key, number.to_bytes(4) + name.encode())


def decode_name(key: bytes, value: bytes) -> tuple[str, int]:
    """Name and integer of an entry; DataLoss when it is damaged."""
    payload = unseal(Space.NAME, key, value, lambda: f"the name {key[1:].decode(errors='replace')}")
    return payload[4:].decode(), int.from_bytes(payload[:4])
