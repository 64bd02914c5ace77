"""What the LMDB engine does about faults while it runs, and about files too large to be walked at every start.

The faults of real system calls are injected under tests/fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer.errors import DataLoss
from stigmer.store import lmdb_file
from stigmer.store.engines import open_store
from stigmer.store.lmdb import LmdbStore
from stigmer.store.lmdb_codec import STATE_KEY, decode_state, encode_state

from .conftest import Opener
from .rows import labelled, record, save

PAGE = 4096
TRANSACTION_NUMBER = 144  # its place in a meta page


@pytest.fixture
def closed_by_a_fault(opened: Opener) -> LmdbStore:
    """A store with one record whose environment a fault has closed."""
    store = opened()
    assert isinstance(store, LmdbStore)
    save(store, record(1))
    store._environment._shut()
    return store


def test_a_read_opens_a_store_again_that_a_fault_has_closed(closed_by_a_fault: LmdbStore) -> None:
    assert closed_by_a_fault.read(lambda tx: tx.get_many([record(1).key])) == [record(1)]


def test_a_write_opens_a_store_again_that_a_fault_has_closed(closed_by_a_fault: LmdbStore) -> None:
    assert save(closed_by_a_fault, record(2)) == 2
    assert closed_by_a_fault.verify() == []


def test_a_store_that_cannot_be_opened_again_says_so_until_it_can(closed_by_a_fault: LmdbStore, tmp_path: Path) -> None:
    data = tmp_path / "data" / "data.mdb"
    data.rename(tmp_path / "away")
    for _ in range(2):
        with pytest.raises(DataLoss, match="missing"):
            closed_by_a_fault.read(lambda tx: tx.revision)
        with pytest.raises(DataLoss, match="missing"):
            save(closed_by_a_fault, record(2))
    (tmp_path / "away").rename(data)
    assert closed_by_a_fault.read(lambda tx: tx.revision) == 1
    assert save(closed_by_a_fault, record(2)) == 2


@pytest.fixture
def large(opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data file of a closed store, and no file is small enough to be walked when it is opened."""
    store = opened()
    for number in range(20):
        save(store, record(number, body=b"x" * 3_000))
    store.close()
    monkeypatch.setattr(lmdb_file, "OPEN_CHECK_BYTES", 0)
    return tmp_path / "data" / "data.mdb"


def test_a_large_file_that_is_cut_off_is_refused_at_the_start(large: Path) -> None:
    content = large.read_bytes()
    for size in (len(content) - 1, len(content) - PAGE, len(content) // 2, 2 * PAGE, PAGE + 100, 1):
        large.write_bytes(content[:size])
        with pytest.raises(DataLoss):
            open_store(large.parent)
    large.write_bytes(content)
    open_store(large.parent).close()


def test_a_large_file_whose_newest_meta_page_looks_old_is_noticed(
    large: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = large.read_bytes()
    for bit in range(64):
        for slot in (0, 1):
            changed = bytearray(content)
            changed[slot * PAGE + TRANSACTION_NUMBER + bit // 8] ^= 1 << bit % 8
            large.write_bytes(changed)
            caplog.clear()
            try:
                store = open_store(large.parent)
            except DataLoss:
                continue
            revision, problems = store.read(lambda tx: tx.revision), store.verify()
            store.close()
            assert revision == 20 or ("rolled back or lost" in problems[0] and problems[0] in caplog.text)


def test_a_file_that_is_overwritten_while_it_is_open_is_neither_read_nor_written(
    opened: Opener, tmp_path: Path
) -> None:
    """By an older copy of itself, as `cp` does it; LMDB would go on with whatever the pages say now."""
    store = opened()
    save(store, record(1))
    store.close()
    data = tmp_path / "data" / "data.mdb"
    older = data.read_bytes()
    store = opened()
    for number in range(2, 9):
        save(store, record(number))
        data_now = data.read_bytes()
        with data.open("r+b") as file:
            file.write(older)
        with pytest.raises(DataLoss, match="what commit"):
            store.read(lambda tx: list(tx.heads("acme")))
        with pytest.raises(DataLoss, match="what commit"):
            save(store, record(99))
        data.write_bytes(data_now)
    assert store.read(lambda tx: tx.revision) == 8
    assert store.verify() == []


def test_damage_inside_a_large_file_is_found_by_verify(large: Path) -> None:
    content = bytearray(large.read_bytes())
    place = content.index(b"x" * 3_000) + 100
    content[place] ^= 1
    large.write_bytes(content)
    store = open_store(large.parent)
    assert "fail their checksum" in store.verify()[0]
    store.close()


def test_a_record_whose_bytes_were_exchanged_for_those_of_another_is_data_loss(opened: Opener) -> None:
    store = opened()
    assert isinstance(store, LmdbStore)
    save(store, labelled(1, "x"), labelled(2, "x"))
    environment = store._environment
    with environment.env.begin(write=True) as txn:
        (first, one), (second, other) = list(txn.cursor(environment.trees.records))
        txn.put(first, other, db=environment.trees.records)
        txn.put(second, one, db=environment.trees.records)
        txn.put(STATE_KEY, encode_state(decode_state(txn.get(STATE_KEY, b"")), txn.id()))
    with pytest.raises(DataLoss, match="acme/Agent/agent-000001") as refused:
        store.read(lambda tx: tx.get_many([record(1).key]))
    assert "restore" in refused.value.hint
    assert len(store.verify()) >= 2


@pytest.mark.parametrize("tree", ["primary", "slugs", "indexes", "log", "pairs", "names"])
@pytest.mark.parametrize("change", ["lost", "altered", "added"])
def test_verify_finds_entries_that_are_lost_altered_or_added(opened: Opener, tree: str, change: str) -> None:
    store = opened()
    assert isinstance(store, LmdbStore)
    save(store, labelled(1, "x"), labelled(2, "x", slug="s" * 600))
    save(store, labelled(3, "y"))
    store.write(lambda tx: tx.kv_put("space", b"key", b"value"))
    environment = store._environment
    handle = getattr(environment.trees, tree)
    with environment.env.begin(write=True) as txn:
        key, value = next(iter(txn.cursor(handle)))
        if change == "lost":
            txn.delete(key, db=handle)
        elif change == "altered":
            txn.put(key, value[:-1] + bytes([value[-1] ^ 1]), db=handle)
        else:
            txn.put(key[:-1] + b"\xfe", value, db=handle)
    traceless = (tree, change) == ("pairs", "lost")
    assert bool(store.verify()) is not traceless
