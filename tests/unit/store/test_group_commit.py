"""Many writers at once: they share commits, fail alone, and their revisions have no gaps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from stigmer.errors import AlreadyExists, NotFound
from stigmer.store import writer
from stigmer.store.base import Query, Store, Transaction

from .conftest import Opener
from .rows import event, record, save


@contextmanager
def held(store: Store) -> Iterator[None]:
    """Jobs submitted inside wait for each other and then form groups together."""
    hold = threading.Event()
    first = store.submit(lambda tx: hold.wait(10))
    yield
    hold.set()
    first.result(10)


def submit_save(store: Store, number: int, slug: str = "") -> Future[int]:
    def job(tx: Transaction) -> int:
        row = record(number, slug=slug)
        tx.save_many([row])
        return tx.append([event(row)])

    return store.submit(job)


def test_waiting_jobs_share_one_commit_and_get_consecutive_revisions(store: Store) -> None:
    groups: list[int] = []
    store.on_commit(groups.append)
    with held(store):
        futures = [submit_save(store, number) for number in range(40)]
    assert [future.result(10) for future in futures] == list(range(1, 41))
    store.write(lambda tx: None)
    assert groups == [40]
    assert store.verify() == []


def test_a_failing_job_is_undone_alone_and_takes_no_revision(store: Store) -> None:
    def fails_late(tx: Transaction) -> None:
        tx.save_many([record(900, org="never", kind="Never"), record(901)])
        tx.append([])
        tx.kv_put("s", b"k", b"v")
        raise NotFound("on purpose")

    with held(store):
        futures: list[Future[Any]] = [
            submit_save(store, 1),
            store.submit(fails_late),
            submit_save(store, 2),
            submit_save(store, 3, slug="slug-1"),
            submit_save(store, 4),
        ]
    errors = [type(future.exception(10)) for future in futures]
    assert errors == [type(None), NotFound, type(None), AlreadyExists, type(None)]
    assert [future.result() for future in futures[::2]] == [1, 2, 3]
    numbers = [row.id[-1] for row in store.read(lambda tx: tx.list(Query("Agent")))]
    assert numbers == ["4", "2", "1"]
    assert store.read(lambda tx: (tx.orgs(), tx.kv_get("s", b"k"))) == (["acme"], None)
    assert store.verify() == []


def test_the_first_job_of_a_group_may_fail_without_harm_to_the_others(store: Store) -> None:
    def fails(tx: Transaction) -> None:
        tx.save_many([record(1)])
        raise NotFound("on purpose")

    with held(store):
        first, second = store.submit(fails), submit_save(store, 2)
    assert (type(first.exception(10)), second.result(10)) == (NotFound, 1)
    assert [row.id for row in store.read(lambda tx: tx.list(Query("Agent")))] == ["agent-000002"]


def test_a_job_sees_what_earlier_jobs_of_its_group_wrote(store: Store) -> None:
    with held(store):
        submit_save(store, 1)
        seen = store.submit(lambda tx: (tx.revision, tx.next_revision, len(tx.list(Query("Agent")))))
    assert seen.result(10) == (1, 2, 1)


def test_a_new_name_of_a_failed_job_does_not_leak_into_its_group(store: Store) -> None:
    def fails(tx: Transaction) -> None:
        tx.save_many([record(1, org="ghost", kind="Ghost")])
        raise NotFound("on purpose")

    with held(store):
        submit_save(store, 2)
        store.submit(fails)
        kept = store.submit(lambda tx: tx.save_many([record(3, org="real", kind="Real")]))
    kept.result(10)
    save(store, record(4, org="ghost", kind="Ghost"))
    assert store.read(lambda tx: tx.orgs()) == ["acme", "ghost", "real"]
    for org, kind in (("ghost", "Ghost"), ("real", "Real")):
        assert [row.org for row in store.read(lambda tx, kind=kind: tx.list(Query(kind)))] == [org]
    assert store.verify() == []


def test_a_group_is_bounded_in_jobs_and_in_bytes(opened: Opener, durable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "GROUP_JOBS", 8)
    monkeypatch.setattr(writer, "GROUP_BYTES", 50_000)
    store = opened(durable)
    groups: list[int] = []
    store.on_commit(groups.append)
    with held(store):
        small = [submit_save(store, number) for number in range(20)]
        large = [store.submit(lambda tx, n=n: save_large(tx, n)) for n in range(100, 104)]
    assert [future.result(10) for future in small + large] == list(range(1, 25))
    store.write(lambda tx: None)
    assert groups == [7, 15, 21, 22, 23, 24]


def save_large(tx: Transaction, number: int) -> int:
    tx.save_many([record(number, body=b"x" * 60_000)])
    return int(tx.append([]))


def test_32_threads_write_without_gaps_losses_or_torn_commits(store: Store) -> None:
    each = 25

    def work(thread: int) -> list[int]:
        revisions = []
        for turn in range(each):
            rows = [record(thread * 1_000 + turn * 2 + half) for half in (0, 1)]
            if turn % 5 == 4:
                with pytest.raises(AlreadyExists):
                    save(store, rows[0], record(999_999, slug=rows[0].slug))
            revisions.append(save(store, *rows))
            assert store.read(lambda tx, rows=rows: tx.get_many([row.key for row in rows])) == rows
        return revisions

    with ThreadPoolExecutor(32) as pool:
        revisions = [revision for found in pool.map(work, range(32)) for revision in found]
    assert sorted(revisions) == list(range(1, 32 * each + 1))
    commits = store.read(lambda tx: tx.commits(0, 10_000))
    assert [commit.revision for commit in commits] == sorted(revisions)
    assert {len(commit.events) for commit in commits} == {2}
    assert len(list(store.read(lambda tx: tx.heads("acme")))) == 32 * each * 2
    assert store.verify() == []
