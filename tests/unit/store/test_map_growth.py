"""The LMDB map grows under load, and what runs meanwhile does not notice."""

from __future__ import annotations

import threading

import pytest

from stigmer.errors import ResourceExhausted, StigmerError
from stigmer.store import lmdb_env
from stigmer.store.base import Query, Store, Transaction

from .conftest import Opener
from .rows import record, save

SMALL_MAP = 1 << 20


def test_the_map_grows_while_threads_read(opened: Opener) -> None:
    store = opened(map_size=SMALL_MAP)
    save(store, record(0))
    done, reads, errors = threading.Event(), [0] * 4, []

    def read_on(thread: int) -> None:
        try:
            while not done.is_set():
                revision, rows = store.read(lambda tx: (tx.revision, tx.list(Query("Agent", limit=5))))
                assert rows
                assert rows[0].id == f"agent-{revision - 1:06d}"
                reads[thread] += 1
        except (AssertionError, StigmerError) as error:
            errors.append(error)

    threads = [threading.Thread(target=read_on, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for number in range(1, 40):
        save(store, record(number, body=b"x" * 200_000))
    done.set()
    for thread in threads:
        thread.join()
    assert not errors
    assert all(reads)
    assert store.verify() == []


def test_one_transaction_larger_than_the_map_grows_it_as_often_as_needed(opened: Opener) -> None:
    store = opened(map_size=SMALL_MAP)
    save(store, *(record(number, body=b"x" * 5_000) for number in range(4_000)))
    assert len(list(store.read(lambda tx: tx.heads("acme")))) == 4_000
    assert store.verify() == []


def test_a_job_that_swallows_the_full_map_is_run_again_all_the_same(opened: Opener) -> None:
    store = opened(map_size=SMALL_MAP)

    def job(tx: Transaction) -> object:
        saved = 0
        for number in range(60):
            try:
                tx.save_many([record(number, body=b"x" * 50_000)])
                saved += 1
            except StigmerError:
                continue
        tx.append([])
        return saved

    assert store.write(job) == 60
    assert len(store.read(lambda tx: tx.list(Query("Agent")))) == 60


def test_all_jobs_of_a_group_survive_the_growth_that_one_of_them_needs(opened: Opener) -> None:
    store = opened(map_size=SMALL_MAP)
    hold = threading.Event()
    store.submit(lambda tx: hold.wait(10))
    futures = []
    for number in range(30):
        row = record(number, body=b"x" * (900_000 if number % 10 == 5 else 100))
        futures.append(store.submit(lambda tx, row=row: (tx.save_many([row]), tx.append([]))[1]))
    hold.set()
    assert [future.result(10) for future in futures] == list(range(1, 31))
    assert len(store.read(lambda tx: tx.list(Query("Agent")))) == 30


def test_a_store_reopens_with_a_smaller_map_than_its_data(opened: Opener) -> None:
    store = opened(map_size=SMALL_MAP)
    save(store, *(record(number, body=b"x" * 10_000) for number in range(500)))
    store.close()
    again = opened(map_size=SMALL_MAP)
    save(again, record(999_999, body=b"y" * 3_000_000))
    assert again.verify() == []


def test_at_the_limit_of_growth_the_job_fails_and_the_store_goes_on(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lmdb_env, "MOST_MAP_BYTES", 4 * SMALL_MAP)
    store: Store = opened(map_size=SMALL_MAP)
    save(store, record(1))
    with pytest.raises(ResourceExhausted, match="limit"):
        save(store, record(2, body=b"x" * 8_000_000))
    save(store, record(3))
    assert [row.id for row in store.read(lambda tx: tx.list(Query("Agent")))] == ["agent-000003", "agent-000001"]
    assert store.verify() == []
