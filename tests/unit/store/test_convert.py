"""Copying a whole store into another engine. Crashes, full disks and the swap are tested under tests/fault."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from stigmer.errors import DataLoss
from stigmer.store import convert, sqlite_save
from stigmer.store.base import Event, Query, ReadTransaction, Record, Store, Transaction
from stigmer.store.convert import copy_into, tally_of
from stigmer.store.engines import open_store
from stigmer.store.sqlite import SqliteStore

from .conftest import Opener
from .rows import event, labelled, record, save

OTHER = {"lmdb": "sqlite", "sqlite": "lmdb"}


def fill(store: Store) -> None:
    """Several orgs and kinds, replaced and deleted records, odd texts, pairs, and a long log of which some is gone."""
    save(store, *(labelled(number, f"parity={number % 2}", "all") for number in range(30)))
    save(store, record(40, org="ørg", kind="Skill", slug="ü" * 700), record(41, body=bytes(range(256)) * 500))
    save(store, labelled(3, "changed", slug="renamed"), record(42, body=b"", head=b""))
    store.write(lambda tx: (tx.delete_many([record(5).key]), tx.append([event(record(5), "deleted")], b"note \0")))
    store.write(lambda tx: [tx.kv_put(space, key, key * 2) for space in ("s", "tt") for key in (b"", b"\xff" * 600)])
    for number in range(40):
        store.write(lambda tx, n=number: tx.append([Event("o", "k", f"i{n}", "s", "t", b"p" * n)]))


def everything(tx: ReadTransaction) -> list[object]:
    seen: list[object] = [tx.revision, tx.oldest_revision, tx.orgs(), by_id(tx.all_records()), sorted(tx.all_pairs())]
    seen += [list(tx.heads(org)) for org in tx.orgs()]
    seen += [tx.list(Query("Agent", None, ("label", label))) for label in ("all", "parity=0", "changed", "none")]
    seen += [tx.find_many([record(3, slug="renamed").slug_key, record(40, org="ørg", slug="ü" * 700).slug_key])]
    return [*seen, tx.commits(tx.oldest_revision, 1_000)]


def by_id(rows: Iterator[Record]) -> list[Record]:
    return sorted(rows, key=lambda row: row.id)


@pytest.fixture
def source(opened: Opener, durable: str) -> Store:
    """A store of one of the engines, with content."""
    store = opened(durable, log_retention=20)
    fill(store)
    return store


def ignore(_: str) -> None:
    """Progress that nobody reads."""


def test_a_copy_in_the_other_engine_holds_exactly_the_same(source: Store, durable: str, tmp_path: Path) -> None:
    said: list[str] = []
    tally = copy_into(source, tmp_path / "copy", OTHER[durable], said.append)
    copied = open_store(tmp_path / "copy", OTHER[durable])
    try:
        assert (copied.store_id, copied.epoch) == (source.store_id, source.epoch)
        assert copied.read(everything) == source.read(everything)
        assert copied.read(lambda tx: tx.oldest_revision) > 0
        assert copied.verify() == []
        assert save(copied, record(50)) == tally.revision + 1
    finally:
        copied.close()
    assert (tally.records, tally.pairs, tally.revision) == (32, 4, 44)
    assert "copying records: 32" in said


def test_a_copy_of_a_copy_is_the_original(source: Store, durable: str, tmp_path: Path) -> None:
    first = copy_into(source, tmp_path / "one", OTHER[durable], ignore)
    between = open_store(tmp_path / "one", OTHER[durable])
    second = copy_into(between, tmp_path / "two", durable, ignore)
    between.close()
    again = open_store(tmp_path / "two", durable)
    assert again.read(everything) == source.read(everything)
    assert first == second == again.read(tally_of)
    again.close()


def test_a_new_store_is_copied_too(opened: Opener, durable: str, tmp_path: Path) -> None:
    source = opened(durable)
    tally = copy_into(source, tmp_path / "copy", OTHER[durable], ignore)
    assert (tally.records, tally.pairs, tally.commits, tally.revision) == (0, 0, 0, 0)


def test_what_is_in_memory_at_once_is_bounded(
    source: Store, durable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "BATCH_ITEMS", 7)
    monkeypatch.setattr(convert, "BATCH_BYTES", 10_000)
    said: list[str] = []
    copy_into(source, tmp_path / "copy", OTHER[durable], said.append)
    counts = [int(text.rpartition(" ")[2]) for text in said if text.startswith("copying records")]
    assert counts[-1] == 32
    assert all(after - before <= 7 for before, after in zip([0, *counts], counts, strict=False))


def test_a_damaged_record_ends_the_copying(opened: Opener, tmp_path: Path) -> None:
    source = opened("sqlite")
    assert isinstance(source, SqliteStore)
    fill(source)
    source.write(lambda tx: None)
    source._environment.writer.execute("UPDATE records SET body = x'00' WHERE place = 9")
    with pytest.raises(DataLoss, match="fail their checksum"):
        copy_into(source, tmp_path / "copy", "lmdb", ignore)


def test_a_copy_that_lacks_something_is_refused(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that forgets a record is caught by comparing."""
    source = opened("lmdb")
    fill(source)
    original = sqlite_save.RecordWriter.save

    def forgetful(self: sqlite_save.RecordWriter, batch: sqlite_save.Batch) -> int:
        return original(self, {key: row for key, row in batch.items() if row.slug != "slug-7"})

    monkeypatch.setattr(sqlite_save.RecordWriter, "save", forgetful)
    with pytest.raises(DataLoss, match="does not agree with the original") as refused:
        copy_into(source, tmp_path / "copy", "sqlite", ignore)
    assert refused.value.reason == "COPY_DIFFERS"


CHANGES = {
    "body": lambda row: dataclasses.replace(row, body=row.body + b"!"),
    "head": lambda row: dataclasses.replace(row, head=b"!"),
    "slug": lambda row: dataclasses.replace(row, slug="other"),
    "indexes": lambda row: dataclasses.replace(row, indexes=(*row.indexes, ("label", "more"))),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_any_difference_between_two_records_makes_another_tally(opened: Opener, changed: str) -> None:
    stores = [opened("memory"), opened("memory")]
    for store, row in zip(stores, (labelled(1, "x"), CHANGES[changed](labelled(1, "x"))), strict=True):
        store.write(lambda tx, row=row: tx.save_many([row]))
    one, other = (store.read(tally_of) for store in stores)
    assert (one.records, other.records) == (1, 1)
    assert one != other


def test_the_tally_does_not_depend_on_the_order_of_insertion(opened: Opener) -> None:
    rows = [labelled(number, "x") for number in range(9)]

    def filled(order: Iterator[Record] | list[Record]) -> Store:
        store = opened("memory")
        for row in order:
            store.write(lambda tx, row=row: put(tx, row))
        return store

    assert filled(rows).read(tally_of) == filled(rows[::-1]).read(tally_of)


def put(tx: Transaction, row: Record) -> None:
    tx.save_many([row])
    tx.kv_put("space", row.id.encode(), b"v")
