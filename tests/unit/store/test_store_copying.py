"""What copies into other engines are made with: reading everything, and beginning as another store left off."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer.errors import FailedPrecondition, Internal, OutOfRange
from stigmer.store.base import Commit, Event, Origin, ReadTransaction, Store
from stigmer.store.engines import open_store

from .conftest import Opener
from .rows import event, labelled, record, save

ORIGIN = Origin("a" * 32, "b" * 16, oldest=40)


def commit(revision: int, at: int = 7) -> Commit:
    return Commit(revision, at, b"note %d" % revision, (event(record(revision)), event(record(1), "deleted", b"\0")))


@pytest.fixture
def copied(opened: Opener, engine: str) -> Store:
    """A new store that goes on where another one began."""
    return opened(engine, origin=ORIGIN)


def records_of(tx: ReadTransaction) -> list[object]:
    return list(tx.all_records())


def test_all_records_of_all_orgs_are_read_in_the_order_they_were_made_in(store: Store) -> None:
    rows = [labelled(5, "x"), record(2, org="other"), record(9, kind="Skill", body=b""), record(1, slug="ü" * 600)]
    for row in rows:
        save(store, row)
    save(store, labelled(5, "changed"))
    store.write(lambda tx: tx.delete_many([record(2, org="other").key]))
    rows = [labelled(5, "changed"), *rows[2:]]
    assert store.read(records_of) == rows
    assert store.write(lambda tx: list(tx.all_records())) == rows


def test_all_pairs_of_all_spaces_are_read(store: Store) -> None:
    pairs = [("s", b"", b"1"), ("s", b"k" * 900, b""), ("t", b"\xff", b"2"), ("longer space", b"\0", b"3")]
    for space, key, value in pairs:
        store.write(lambda tx, space=space, key=key, value=value: tx.kv_put(space, key, value))
    assert sorted(store.read(lambda tx: list(tx.all_pairs()))) == sorted(pairs)


def test_a_space_whose_name_lmdb_does_not_keep_cannot_be_copied(opened: Opener) -> None:
    store = opened("lmdb")
    store.write(lambda tx: tx.kv_put("s" * 100, b"k", b"v"))
    with pytest.raises(FailedPrecondition, match="99 bytes"):
        store.read(lambda tx: list(tx.all_pairs()))


def test_a_copy_begins_with_the_identity_and_the_revision_that_it_is_given(copied: Store) -> None:
    assert (copied.store_id, copied.epoch) == (ORIGIN.store_id, ORIGIN.epoch)
    assert copied.read(lambda tx: (tx.revision, tx.oldest_revision, tx.commits(40, 9))) == (40, 40, [])
    with pytest.raises(OutOfRange):
        copied.read(lambda tx: tx.commits(39, 1))
    assert copied.verify() == []


def test_replayed_commits_keep_their_numbers_and_times(copied: Store) -> None:
    commits = [commit(41, at=5), commit(42, at=10**18), commit(43, at=10**18)]
    copied.write(lambda tx: tx.replay(commits[:2]))
    copied.write(lambda tx: tx.replay(commits[2:]))
    assert copied.read(lambda tx: (tx.revision, tx.oldest_revision, tx.commits(40, 9))) == (43, 40, commits)
    assert copied.verify() == []


def test_what_is_written_after_a_replay_goes_on_from_it(copied: Store) -> None:
    copied.write(lambda tx: tx.replay([commit(41, at=2**62)]))
    assert save(copied, record(1)) == 42
    assert [each.at for each in copied.read(lambda tx: tx.commits(40, 9))] == [2**62, 2**62]


@pytest.mark.parametrize("numbers", [(42,), (40,), (41, 43), (41, 41)])
def test_commits_that_do_not_follow_are_not_replayed(copied: Store, numbers: tuple[int, ...]) -> None:
    with pytest.raises(Internal, match="to be replayed"):
        copied.write(lambda tx: tx.replay([commit(number) for number in numbers]))
    assert copied.read(lambda tx: tx.revision) == 40


def test_nothing_is_replayed_without_commits(copied: Store) -> None:
    copied.write(lambda tx: tx.replay([]))
    assert copied.read(lambda tx: tx.revision) == 40


def test_a_copy_keeps_its_identity_over_a_restart(opened: Opener, durable: str) -> None:
    first = opened(durable, origin=ORIGIN)
    first.write(lambda tx: tx.replay([commit(41)]))
    first.close()
    again = opened(durable)
    assert (again.store_id, again.epoch) == (ORIGIN.store_id, ORIGIN.epoch)
    assert again.read(lambda tx: tx.commits(40, 9)) == [commit(41)]


def test_a_copy_is_not_made_where_a_store_is(opened: Opener, durable: str, tmp_path: Path) -> None:
    store = opened(durable)
    save(store, record(1))
    store.close()
    with pytest.raises(FailedPrecondition, match="a folder of its own"):
        open_store(tmp_path / "data", durable, origin=ORIGIN)
    again = opened(durable)
    assert again.read(lambda tx: tx.revision) == 1


def test_events_of_any_content_are_replayed(copied: Store) -> None:
    large = Commit(41, 1, b"n" * 70_000, tuple(Event("o", "k", f"i{n}", "s", "t", b"p" * 200) for n in range(2_000)))
    copied.write(lambda tx: tx.replay([large]))
    assert copied.read(lambda tx: tx.commits(40, 1)) == [large]
