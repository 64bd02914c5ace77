"""Rows of reading in this process: by id, everything, and one org's share, each decoded to the message or the values
that a caller works with."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import Figure, at_most, faster
from benchmarks.harness import OURS, Peer, Session, Side, expect
from benchmarks.peers.sqlite import SqliteStore
from benchmarks.records import Resource, copies, decoded, resources
from benchmarks.rows import Row
from benchmarks.store import opened
from stigmer.contract import default_contract
from stigmer.store.base import MAX_PAGE_SIZE, Query, Record, RecordId, Store, Transaction

ORGS = ("north", "south", "east", "west", "centre")
SMALL_ORG = "island"
"""The org of which a twentieth of all resources is."""

KIND = "Agent"
"""What is read by id: the largest kind, and the commonest."""

GETS = 500
ROUNDS = 11

FASTER_THAN_JSON, FASTER_THAN_BLOB = faster(5), faster(1.5)
NO_SLOWER = at_most(1.1)


@dataclass(frozen=True, slots=True)
class Estate:
    """The same resources in three stores, in several orgs. `agents` are some keys in the first org."""

    count: int
    small: int
    ours: Store
    text: SqliteStore
    blob: SqliteStore
    agents: Sequence[Record]


def get_many(session: Session) -> Iterator[Figure]:
    """500 agents by id in one call."""
    estate = session.shared("reads", lambda: _estate(session))
    ids = [record.id for record in estate.agents]
    org = estate.agents[0].org

    def ours(_: object) -> int:
        keys = [RecordId(org, KIND, each) for each in ids]
        return _decode_ours(record for record in estate.ours.read(lambda tx: tx.get_many(keys)) if record)

    text = _counted(lambda: map(json.loads, estate.text.get_many(org, KIND, ids)))
    blob = _counted(lambda: map(_class(KIND).FromString, estate.blob.get_many(org, KIND, ids)))
    what = f"get and decode {len(ids)} agents by id, one call"
    yield from _compare(session, "get-many", what, (ours, text, blob), len(ids), FASTER_THAN_JSON, FASTER_THAN_BLOB)


def get_one(session: Session) -> Iterator[Figure]:
    """The same agents, one call each."""
    estate = session.shared("reads", lambda: _estate(session))
    read, org = estate.ours.read, estate.agents[0].org

    def ours(_: object) -> int:
        found = (read(lambda tx, each=each: tx.get_many([RecordId(org, KIND, each.id)])[0]) for each in estate.agents)  # type: ignore[misc]  # the default binds the loop's value
        return _decode_ours(record for record in found if record)

    text = _counted(lambda: (json.loads(estate.text.get(each)) for each in estate.agents))
    parse = _class(KIND).FromString
    blob = _counted(lambda: (parse(estate.blob.get(each)) for each in estate.agents))
    what = "get and decode one agent by id"
    sides, count = (ours, text, blob), len(estate.agents)
    yield from _compare(session, "get-one", what, sides, count, FASTER_THAN_JSON, FASTER_THAN_BLOB)


def scan(session: Session) -> Iterator[Figure]:
    """Everything, of all kinds and orgs."""
    estate = session.shared("reads", lambda: _estate(session))

    def ours(_: object) -> int:
        return sum(_decode_ours(_pages(estate.ours, Query(kind))) for kind in _kinds())

    what = f"scan and decode {estate.count:,} resources"
    sides = (ours, *_decoding_peers(lambda store: store.scan(), estate))
    yield from _compare(session, "scan", what, sides, estate.count, FASTER_THAN_JSON, FASTER_THAN_BLOB, rounds=5)


def list_org(session: Session) -> Iterator[Figure]:
    """One org's share, newest first."""
    estate = session.shared("reads", lambda: _estate(session))

    def ours(_: object) -> int:
        return sum(_decode_ours(_pages(estate.ours, Query(kind, SMALL_ORG))) for kind in _kinds())

    what = f"list and decode one org's {estate.small:,} of {estate.count:,} resources"
    sides = (ours, *_decoding_peers(lambda store: store.of_org(SMALL_ORG), estate))
    yield from _compare(session, "list-org", what, sides, estate.small, NO_SLOWER, NO_SLOWER)


def _compare(
    session: Session,
    row: str,
    what: str,
    acts: Sequence[Callable[[object], int]],
    count: int,
    against_json: Any,
    against_blob: Any,
    rounds: int = ROUNDS,
) -> list[Figure]:
    """Each act gives how many it has decoded."""

    def check(_: object, found: int) -> None:
        expect(found, count, "resources decoded")

    names = (OURS, "SQLite JSON + json.loads", "SQLite BLOB + parse")
    ours, text, blob = (Side(name, act, check=check) for name, act in zip(names, acts, strict=True))
    peers = (Peer(text, against_json), Peer(blob, against_blob))
    return session.compare(row, what, ours, peers, rounds=rounds, unit="us", scale=1e6 / count)


def _decode_ours(records: Iterable[Record]) -> int:
    contract = default_contract()
    count = 0
    for record in records:
        decoded(contract, record)
        count += 1
    return count


def _decoding_peers(
    select: Callable[[SqliteStore], Iterable[tuple[str, Any]]], estate: Estate
) -> Iterator[Callable[[object], int]]:
    parsers = {kind: _class(kind).FromString for kind in _kinds()}
    yield _counted(lambda: (json.loads(body) for _, body in select(estate.text)))
    yield _counted(lambda: (parsers[kind](body) for kind, body in select(estate.blob)))


def _counted(make: Callable[[], Iterable[Any]]) -> Callable[[object], int]:
    return lambda _: sum(1 for _ in make())


def _pages(store: Store, query: Query) -> Iterator[Record]:
    """All that a query finds, page by page, a snapshot each, as a server serves them."""
    after = ""
    while True:
        page = _page(store, Query(query.kind, query.org, after=after))
        yield from page
        if len(page) < MAX_PAGE_SIZE:
            return
        after = page[-1].id


def _page(store: Store, query: Query) -> list[Record]:
    return store.read(lambda tx: tx.list(query))


def _kinds() -> list[str]:
    return list(default_contract().kinds)


def _class(kind: str) -> Any:
    return default_contract().kinds[kind].message_class


def _estate(session: Session) -> Estate:
    count = session.size(100_000, 4_000)
    small = count // 20
    share = (count - small) // len(ORGS)
    made = list(resources(share))
    folder = session.folder("reads")
    text, blob = (SqliteStore(folder / f"{name}.db", text=name == "text") for name in ("text", "blob"))
    session.closing.callback(text.close)
    session.closing.callback(blob.close)
    estate = Estate(share * len(ORGS) + small, small, opened(session, folder / "lmdb"), text, blob, [])
    agents: list[Record] = []
    for org in (*ORGS, SMALL_ORG):
        written = _fill(estate, made[: small if org == SMALL_ORG else share], org)
        agents = agents or [record for record in written if record.kind == KIND]
    sample = random.Random(1).sample(agents, min(GETS, len(agents)))
    return Estate(estate.count, small, estate.ours, text, blob, sample)


def _fill(estate: Estate, made: Sequence[Resource], org: str) -> list[Record]:
    pairs = copies(made, org)
    records, events = [record for record, _ in pairs], [event for _, event in pairs]

    def job(tx: Transaction) -> int:
        tx.save_many(records)
        return tx.append(events)

    estate.ours.write(job)
    messages = [each.message.SerializeToString() for each in made]
    estate.blob.save(list(zip(records, messages, strict=True)), events)
    estate.text.save([(record, each.json) for record, each in zip(records, made, strict=True)], events)
    return records


ROWS = (
    Row("get-many", "500 agents by id, decoded, against SQLite", get_many),
    Row("get-one", "one agent by id, decoded, against SQLite", get_one),
    Row("scan", "100,000 resources, decoded, against SQLite", scan),
    Row("list-org", "one org's 5,000 of 100,000, decoded, against SQLite", list_org),
)
