"""Everything an LMDB store holds, one item at a time: what copies into other engines are made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stigmer.errors import FailedPrecondition
from stigmer.store.base import Record
from stigmer.store.integrity import damaged
from stigmer.store.lmdb_codec import decode_record
from stigmer.store.lmdb_keys import KIND_TAG, ORG_TAG, PLACE, PREFIX, SPACE_ROOM
from stigmer.store.lmdb_names import all_names
from stigmer.store.lmdb_pairs import decode_pair
from stigmer.store.lmdb_trees import Trees, Txn


def dump_records(txn: Txn, trees: Trees) -> Iterator[Record]:
    """In the order of their places. DataLoss for the first that is damaged."""
    orgs = {number: name for name, number in all_names(txn, trees.names, ORG_TAG)}
    kinds = {number: name for name, number in all_names(txn, trees.names, KIND_TAG)}
    with txn.cursor(trees.records) as cursor:
        for place, value in cursor:
            decoded = decode_record(place, value, "", "")
            if decoded is None:
                raise damaged(f"the record at place {PLACE.unpack(place)[0]}")
            org, kind = PREFIX.unpack_from(decoded[0])
            if org not in orgs or kind not in kinds:
                raise damaged(f"the org or the kind of the record {decoded[1].id}")
            yield replace(decoded[1], org=orgs[org], kind=kinds[kind])


def dump_pairs(txn: Txn, trees: Trees) -> Iterator[tuple[str, bytes, bytes]]:
    """As (space, key, value), in the order of the tree. FailedPrecondition for a space whose name is too long to have
    been kept in full."""
    with txn.cursor(trees.pairs) as cursor:
        for stored, sealed in cursor:
            size = stored[0]
            if size == SPACE_ROOM:
                raise FailedPrecondition(
                    f"a space of pairs has a name of more than {SPACE_ROOM - 1} bytes, which cannot be copied",
                    reason="SPACE_NAME_LOST",
                )
            space = stored[1 : 1 + size].decode()
            whole, value = decode_pair(stored, sealed, space)
            yield space, whole or stored[1 + size :], value
