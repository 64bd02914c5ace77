"""What the SQLite engine does about faults while it runs, about a log that was lost, and about files too large to be
walked at every start. The faults of real system calls are injected under tests/fault."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from stigmer.errors import DataLoss, Unavailable
from stigmer.store import sqlite_env, sqlite_file, sqlite_schema
from stigmer.store.base import Query, Store
from stigmer.store.engines import open_store
from stigmer.store.sqlite import SqliteStore

from .conftest import Opener
from .rows import ids, labelled, record, save

PAGE = 4096


@pytest.fixture
def store(opened: Opener) -> SqliteStore:
    made = opened("sqlite")
    assert isinstance(made, SqliteStore)
    return made


@pytest.fixture
def killed(store: SqliteStore, tmp_path: Path) -> Path:
    """The folder as it is found after the process was killed: 20 commits, all of them in the log only."""
    for number in range(20):
        save(store, record(number, body=b"x" * 3_000))
    folder = tmp_path / "killed"
    shutil.copytree(tmp_path / "data", folder)
    (folder / "data.sqlite-shm").unlink()
    return folder


def shell(store: SqliteStore) -> sqlite3.Connection:
    """Another program's connection to the store's file."""
    return sqlite3.connect(store._environment.data_file, isolation_level=None, timeout=0)


def test_a_killed_process_leaves_a_log_from_which_everything_comes_back(killed: Path) -> None:
    store = open_store(killed, "sqlite")
    assert store.read(lambda tx: (tx.revision, len(tx.list(Query("Agent"))))) == (20, 20)
    assert save(store, record(20)) == 21
    assert store.verify() == []
    store.close()
    assert not (killed / "data.sqlite-wal").exists()


def remove_log(folder: Path) -> None:
    (folder / "data.sqlite-wal").unlink()


def empty_log(folder: Path) -> None:
    (folder / "data.sqlite-wal").write_bytes(b"")


def flip_a_bit_of_the_first_frame(folder: Path) -> None:
    flip(folder, 32 + 24 + 100)


def flip_a_bit_of_the_header(folder: Path) -> None:
    flip(folder, 17)


def flip(folder: Path, place: int) -> None:
    content = bytearray((folder / "data.sqlite-wal").read_bytes())
    content[place] ^= 1
    (folder / "data.sqlite-wal").write_bytes(content)


def cut_the_last_frame(folder: Path) -> None:
    content = (folder / "data.sqlite-wal").read_bytes()
    (folder / "data.sqlite-wal").write_bytes(content[: -PAGE // 2])


@pytest.mark.parametrize(
    "damage",
    [remove_log, empty_log, flip_a_bit_of_the_first_frame, flip_a_bit_of_the_header, cut_the_last_frame],
    ids=lambda damage: damage.__name__,
)
def test_a_log_that_lost_a_confirmed_commit_is_refused_and_left_alone(killed: Path, damage: object) -> None:
    damage(killed)  # type: ignore[operator]
    before = {path.name: path.read_bytes() for path in killed.iterdir()}
    for _ in range(2):
        with pytest.raises(DataLoss, match="20 was confirmed") as refused:
            open_store(killed, "sqlite")
        assert refused.value.reason == "DATA_FILE_DAMAGED"
        assert {name: (killed / name).read_bytes() for name in before} == before


def test_without_the_mark_an_unfinished_end_of_the_log_is_what_a_crash_leaves(killed: Path) -> None:
    cut_the_last_frame(killed)
    (killed / "data.mark").unlink()
    store = open_store(killed, "sqlite")
    assert store.read(lambda tx: tx.revision) == 19
    assert store.verify() == []
    store.close()


@pytest.mark.parametrize("content", [b"", b"\0" * 16, b"x" * 500])
def test_a_mark_that_says_nothing_does_no_harm(killed: Path, content: bytes) -> None:
    (killed / "data.mark").write_bytes(content)
    store = open_store(killed, "sqlite")
    assert save(store, record(20)) == 21
    store.close()
    shutil.copy(killed / "data.mark", killed / "kept")
    store = open_store(killed, "sqlite")
    assert (killed / "kept").read_bytes() == (killed / "data.mark").read_bytes()
    store.close()


def test_an_older_copy_of_the_data_file_is_refused(store: SqliteStore, tmp_path: Path) -> None:
    save(store, record(1))
    store.close()
    older = (tmp_path / "data" / "data.sqlite").read_bytes()
    store = open_store(tmp_path / "data", "sqlite")
    save(store, record(2))
    store.close()
    (tmp_path / "data" / "data.sqlite").write_bytes(older)
    with pytest.raises(DataLoss, match="ends with transaction 1, but 2 was confirmed"):
        open_store(tmp_path / "data", "sqlite")


def test_a_large_file_that_is_cut_off_is_refused_at_the_start(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        save(store, record(number, body=b"x" * 3_000))
    store.close()
    monkeypatch.setattr(sqlite_file, "OPEN_CHECK_BYTES", 0)
    path = tmp_path / "data" / "data.sqlite"
    content = path.read_bytes()
    for size in (len(content) - 1, len(content) - PAGE, len(content) // 2, PAGE + 100, 99, 1):
        path.write_bytes(content[:size])
        with pytest.raises(DataLoss):
            open_store(tmp_path / "data", "sqlite")
    path.write_bytes(content)
    open_store(tmp_path / "data", "sqlite").close()


def test_damage_inside_a_large_file_is_found_by_verify_and_when_it_is_read(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store, record(1, body=b"x" * 3_000))
    store.close()
    monkeypatch.setattr(sqlite_file, "OPEN_CHECK_BYTES", 0)
    path = tmp_path / "data" / "data.sqlite"
    content = bytearray(path.read_bytes())
    content[content.index(b"x" * 3_000) + 100] ^= 1
    path.write_bytes(content)
    store = open_store(tmp_path / "data", "sqlite")
    assert "fail their checksum" in store.verify()[0]
    with pytest.raises(DataLoss, match="acme/Agent/agent-000001"):
        store.read(lambda tx: tx.get_many([record(1).key]))
    store.close()


def test_a_row_whose_content_was_exchanged_for_that_of_another_is_data_loss(store: SqliteStore) -> None:
    save(store, labelled(1, "x"), labelled(2, "x"))
    with shell(store) as other:
        columns = ("slug", "pairs", "head", "sum", "body")
        pairs = ", ".join(f"{name} = (SELECT {name} FROM records WHERE place = 2)" for name in columns)
        other.execute(f"UPDATE records SET {pairs} WHERE place = 1")
    other.close()
    with pytest.raises(DataLoss, match="acme/Agent/agent-000001") as refused:
        store.read(lambda tx: tx.get_many([record(1).key]))
    assert "restore" in refused.value.hint
    assert store.verify()


CHANGES = {
    ("records", "lost"): "DELETE FROM records WHERE place = 2",
    ("records", "altered"): "UPDATE records SET head = 'text' WHERE place = 2",
    ("records", "moved"): "UPDATE records SET place = 77 WHERE place = 2",
    ("records", "mistyped"): "UPDATE records SET slug = x'ff', sum = 'none' WHERE place = 2",
    ("slugs", "lost"): "DELETE FROM slugs WHERE slug = 'slug-2'",
    ("slugs", "altered"): "UPDATE slugs SET head = x'00' WHERE slug = 'slug-2'",
    ("slugs", "mistyped"): "UPDATE slugs SET place = 'two' WHERE slug = 'slug-2'",
    ("slugs", "added"): "INSERT INTO slugs SELECT org, kind, 'more', id, place, head, sum FROM slugs LIMIT 1",
    ("index_entries", "lost"): "DELETE FROM index_entries WHERE id LIKE '%2'",
    ("index_entries", "altered"): "UPDATE index_entries SET place = 1 WHERE id LIKE '%2'",
    ("index_entries", "added"): "INSERT INTO index_entries SELECT org, kind, name, 'y', id, place FROM index_entries",
    ("log", "lost"): "DELETE FROM log WHERE place = 1 << 20",
    ("log", "altered"): "UPDATE log SET chunk = zeroblob(length(chunk)) WHERE place = 1 << 20",
    ("log", "added"): "INSERT INTO log SELECT place + 1, chunk FROM log WHERE place = 1 << 20",
    ("pairs", "altered"): "UPDATE pairs SET value = x'00'",
    ("pairs", "mistyped"): "UPDATE pairs SET value = 1.5",
    ("state", "altered"): "UPDATE state SET value = x'00' WHERE name = 'state'",
    ("state", "lost"): "DELETE FROM state WHERE name = 'state'",
}


@pytest.mark.parametrize("change", CHANGES, ids="-".join)
def test_verify_finds_rows_that_are_lost_altered_or_added(store: SqliteStore, change: tuple[str, str]) -> None:
    save(store, labelled(1, "x"), labelled(2, "x"))
    save(store, labelled(3, "z"))
    store.write(lambda tx: tx.kv_put("space", b"key", b"value"))
    with shell(store) as other:
        other.execute(CHANGES[change])
    other.close()
    assert store.verify()
    with suppress(DataLoss):
        store.read(lambda tx: (tx.get_many([record(2).key]), tx.find_many([record(2).slug_key])))
        store.read(lambda tx: (tx.kv_get("space", b"key"), tx.commits(0, 9), list(tx.heads("acme"))))


def test_tables_that_are_not_those_of_a_store_are_refused(store: SqliteStore, tmp_path: Path) -> None:
    with shell(store) as other:
        other.execute("CREATE TRIGGER gone AFTER INSERT ON records BEGIN DELETE FROM records; END")
    other.close()
    store.close()
    with pytest.raises(DataLoss, match="its tables are not those of a store"):
        open_store(tmp_path / "data", "sqlite")


def test_another_program_that_writes_is_told_about_and_holds_nobody_up_for_long(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store, record(1))
    store._environment.writer.execute("PRAGMA busy_timeout = 50")
    other = shell(store)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="in use by another process"):
        save(store, record(2))
    assert store.read(lambda tx: tx.revision) == 1
    other.execute("ROLLBACK")
    other.close()
    assert save(store, record(2)) == 2
    assert store.verify() == []


def test_a_transaction_that_cannot_be_ended_is_left_behind_with_its_connection(store: SqliteStore) -> None:
    save(store, record(1))
    before = store._environment.writer
    before.execute("BEGIN IMMEDIATE")
    store._writer.exclusive(store._environment.recover)
    assert store._environment.writer is not before
    assert save(store, record(2)) == 2


def test_the_log_is_moved_into_the_file_and_cut_back_while_threads_read(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_env, "CHECKPOINT_BYTES", 100_000)
    monkeypatch.setattr(sqlite_env, "JOURNAL_LIMIT_BYTES", 500_000)
    log = tmp_path / "data" / "data.sqlite-wal"
    done, errors, largest = threading.Event(), [], 0

    def read_on() -> None:
        while not done.is_set():
            revision, rows = store.read(lambda tx: (tx.revision, tx.list(Query("Agent", limit=3))))
            if revision and rows[0].id != f"agent-{revision:06d}":
                errors.append((revision, ids(rows)))

    threads = [threading.Thread(target=read_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(1, 60):
        save(store, record(number, body=b"x" * 50_000))
        largest = max(largest, log.stat().st_size)
    done.set()
    for thread in threads:
        thread.join()
    assert not errors
    assert largest < 1_500_000
    assert store.verify() == []


def test_a_reader_that_stays_does_not_hold_the_writer_up(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_env, "CHECKPOINT_BYTES", 10_000)
    monkeypatch.setattr(sqlite_env, "JOURNAL_LIMIT_BYTES", 50_000)
    monkeypatch.setattr(sqlite_env, "CUT_PATIENCE_MS", 10)
    save(store, record(0))
    other = shell(store)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM records").fetchone()
    started = time.monotonic()
    for number in range(1, 20):
        save(store, record(number, body=b"x" * 20_000))
    assert time.monotonic() - started < sqlite_schema.BUSY_SECONDS
    assert other.execute("SELECT count(*) FROM records").fetchone() == (1,)
    other.close()
    save(store, record(20, body=b"x" * 20_000))
    store.write(lambda tx: None)
    assert (tmp_path / "data" / "data.sqlite-wal").stat().st_size < 200_000
    assert store.verify() == []


def test_more_threads_than_there_are_connections_read_at_once(store: SqliteStore) -> None:
    save(store, record(1))
    start, seen = threading.Barrier(100), []

    def look() -> None:
        start.wait(10)
        seen.extend(store.read(lambda tx: tx.revision) for _ in range(5))

    threads = [threading.Thread(target=look) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen == [1] * 500
    assert len(store._environment._idle) <= sqlite_env.IDLE_READERS


def test_a_listener_may_read_the_store_that_calls_it(store: Store) -> None:
    seen: list[int] = []
    store.on_commit(lambda revision: seen.append(store.read(lambda tx: tx.revision)))
    for number in range(3):
        save(store, record(number))
    store.write(lambda tx: None)
    assert seen == [1, 2, 3]
