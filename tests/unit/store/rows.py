"""Records and events for store tests."""

from __future__ import annotations

from collections.abc import Iterable

from stigmer.store.base import Event, Record, Store, Transaction


def record(
    number: int,
    *,
    org: str = "acme",
    kind: str = "Agent",
    slug: str = "",
    body: bytes = b"body",
    head: bytes | None = None,
    indexes: tuple[tuple[str, str], ...] = (),
) -> Record:
    """Record `number`: ids ascend with it, slug and head are made from it unless given."""
    name = f"{kind[:9].lower()}-{number:06d}"
    return Record(
        org, kind, name, slug or f"slug-{number}", body, b"head-%d" % number if head is None else head, indexes
    )


def labelled(number: int, *labels: str, org: str = "acme", slug: str = "") -> Record:
    """A record with one index entry per label."""
    return record(number, org=org, slug=slug, indexes=tuple(("label", label) for label in labels))


def event(row: Record, type_: str = "created", payload: bytes = b"") -> Event:
    return Event(row.org, row.kind, row.id, row.slug, type_, payload)


def save(store: Store, *rows: Record) -> int:
    """Save the rows in one transaction with one commit; its revision."""

    def job(tx: Transaction) -> int:
        tx.save_many(rows)
        return tx.append([event(row) for row in rows])

    return store.write(job)


def ids(rows: Iterable[Record]) -> list[str]:
    return [row.id for row in rows]
