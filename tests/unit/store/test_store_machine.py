"""Random histories against a plain-dictionary model: every engine, with failing jobs, groups, pages and restarts."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from stigmer.errors import AlreadyExists, OutOfRange
from stigmer.store.base import Event, Head, Query, Record, RecordId, SlugKey, Store, Transaction
from stigmer.store.engines import ENGINES, open_store

ORGS = st.sampled_from(["local", "acme", "z" * 253])
KINDS = st.sampled_from(["Agent", "Workflow"])
SLUGS = st.sampled_from(["a", "b", "c", "ab", "a" * 510, "a" * 509 + "b"])
LABELS = st.sets(st.sampled_from(["team=a", "team=b", "x" * 600]), max_size=3)
SPACES = st.sampled_from(["s", "t"])
KEYS = st.sampled_from([b"", b"k", b"kk", b"k" * 450, b"k" * 449 + b"l"])
RETENTION = 6


@st.composite
def record_ids(draw: st.DrawFn) -> RecordId:
    """Ids of all orgs and kinds mixed in one order, each unique in the store."""
    org, kind = draw(ORGS), draw(KINDS)
    return RecordId(org, kind, f"id-{draw(st.integers(0, 5))}-{org[0]}{kind[0]}")


@st.composite
def records(draw: st.DrawFn) -> Record:
    key, labels = draw(record_ids()), tuple(("label", label) for label in sorted(draw(LABELS)))
    return Record(key.org, key.kind, key.id, draw(SLUGS), draw(st.binary(max_size=40)), b"h", labels)


SAVES = st.tuples(st.just("save"), st.lists(records(), min_size=1, max_size=4))
DELETES = st.tuples(st.just("delete"), st.lists(record_ids(), min_size=1, max_size=3))
PUTS = st.tuples(st.just("put"), st.tuples(SPACES, KEYS, st.binary(max_size=8)))
DROPS = st.tuples(st.just("drop"), st.tuples(SPACES, KEYS))
APPENDS = st.tuples(st.just("append"), st.binary(max_size=4))
RAISES = st.tuples(st.just("raise"), st.none())
JOBS = st.lists(st.one_of(SAVES, SAVES, DELETES, PUTS, DROPS, APPENDS, RAISES), min_size=1, max_size=4)


class JobFailedError(Exception):
    """What a job of the test raises on purpose."""


class Model:
    """What the store should hold, in the plainest form."""

    def __init__(self, other: Model | None = None) -> None:
        self.rows: dict[RecordId, Record] = dict(other.rows) if other else {}
        self.pairs: dict[tuple[str, bytes], bytes] = dict(other.pairs) if other else {}
        self.notes: list[bytes] = list(other.notes) if other else []

    def apply(self, job: list[tuple[str, Any]]) -> Model | type[Exception]:
        """The model after the job, or the exception that the job ends with."""
        after, appended = Model(self), False
        for verb, given in job:
            if verb == "save":
                after.rows.update({row.key: row for row in given})
                if len({row.slug_key for row in after.rows.values()}) < len(after.rows):
                    return AlreadyExists
            elif verb == "delete":
                after.rows = {key: row for key, row in after.rows.items() if key not in given}
            elif verb == "put":
                after.pairs[given[:2]] = given[2]
            elif verb == "drop":
                after.pairs.pop(given, None)
            elif verb == "raise":
                return JobFailedError
            elif not appended:
                after.notes.append(given)
                appended = True
        return after


def perform(tx: Transaction, job: list[tuple[str, Any]]) -> int | None:
    revision = None
    for verb, given in job:
        if verb == "save":
            tx.save_many(given)
        elif verb == "delete":
            tx.delete_many(given)
        elif verb == "put":
            tx.kv_put(*given)
        elif verb == "drop":
            tx.kv_delete(*given)
        elif verb == "raise":
            raise JobFailedError
        elif revision is None:
            revision = tx.append([Event("o", "k", "i", "s", "t", given)], given)
    return revision


class StoreMachine(RuleBasedStateMachine):
    engine = "memory"

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="store-machine-")
        self.model = Model()
        self.store: Store = self.open()

    def open(self) -> Store:
        options = {"map_size": 1 << 20} if self.engine == "lmdb" else {}
        return open_store(Path(self.folder.name) / "data", self.engine, log_retention=RETENTION, **options)

    def teardown(self) -> None:
        assert self.store.verify() == []
        self.store.close()
        self.folder.cleanup()

    @initialize(row=records())
    def begin_with_a_row(self, row: Record) -> None:
        self.group([[("save", [row]), ("append", b"first")]])

    @rule(job=JOBS)
    def write(self, job: list[tuple[str, Any]]) -> None:
        self.group([job])

    @rule(jobs=st.lists(JOBS, min_size=2, max_size=4))
    def group(self, jobs: list[list[tuple[str, Any]]]) -> None:
        """Jobs that wait together and so meet in one group."""
        hold = threading.Event()
        self.store.submit(lambda tx: hold.wait(10))
        futures = [self.store.submit(lambda tx, job=job: perform(tx, job)) for job in jobs]
        hold.set()
        for job, future in zip(jobs, futures, strict=True):
            error = future.exception(10)
            expected = self.model.apply(job)
            if isinstance(expected, Model):
                assert error is None
                moved = len(expected.notes) > len(self.model.notes)
                assert future.result() == (len(expected.notes) if moved else None)
                self.model = expected
            else:
                assert type(error) is expected

    @precondition(lambda self: self.engine != "memory")
    @rule()
    def restart(self) -> None:
        store_id, epoch = self.store.store_id, self.store.epoch
        self.store.close()
        self.store = self.open()
        assert (self.store.store_id, self.store.epoch) == (store_id, epoch)

    @rule(kind=KINDS, org=st.none() | ORGS, label=st.none() | LABELS, limit=st.integers(1, 3))
    def pages(self, kind: str, org: str | None, label: set[str] | None, limit: int) -> None:
        index = ("label", min(label)) if label else None
        expected = [
            row
            for row in self.model.rows.values()
            if row.kind == kind and org in (None, row.org) and (index is None or index in row.indexes)
        ]
        expected.sort(key=lambda row: row.id, reverse=True)
        found, after = [], ""
        while page := self.store.read(lambda tx, after=after: tx.list(Query(kind, org, index, after, limit))):
            assert len(page) <= limit
            found += page
            after = page[-1].id
        assert found == expected

    @rule(space=SPACES, prefix=st.sampled_from([b"", b"k", b"k" * 449]))
    def scan(self, space: str, prefix: bytes) -> None:
        expected = sorted((k, v) for (s, k), v in self.model.pairs.items() if s == space and k.startswith(prefix))
        assert self.store.read(lambda tx: tx.kv_scan(space, prefix)) == expected
        for (other, key), value in self.model.pairs.items():
            assert self.store.read(lambda tx, other=other, key=key: tx.kv_get(other, key)) == value

    @invariant()
    def rows_agree(self) -> None:
        rows = self.model.rows
        missing = RecordId("local", "Agent", "missing")
        assert self.store.read(lambda tx: tx.get_many([*rows, missing])) == [*rows.values(), None]
        slugs = [row.slug_key for row in rows.values()]
        assert self.store.read(lambda tx: tx.find_many([*slugs, SlugKey("n", "o", "n")])) == [*rows.values(), None]
        assert self.store.read(lambda tx: tx.orgs()) == sorted({row.org for row in rows.values()})
        for org in self.store.read(lambda tx: tx.orgs()):
            mine = sorted((row for row in rows.values() if row.org == org), key=lambda row: (row.kind, row.slug))
            heads = [Head(row.org, row.kind, row.id, row.slug, row.head) for row in mine]
            assert list(self.store.read(lambda tx, org=org: tx.heads(org))) == heads

    @invariant()
    def log_agrees(self) -> None:
        notes = self.model.notes
        revision, oldest = self.store.read(lambda tx: (tx.revision, tx.oldest_revision))
        assert revision == len(notes)
        assert 0 <= oldest <= max(0, revision - RETENTION)
        commits = self.store.read(lambda tx: tx.commits(oldest, 1_000))
        assert [(commit.revision, commit.note) for commit in commits] == list(enumerate(notes, 1))[oldest:]
        assert [commit.at for commit in commits] == sorted(commit.at for commit in commits)
        if oldest:
            with pytest.raises(OutOfRange):
                self.store.read(lambda tx: tx.commits(oldest - 1, 1))


@pytest.mark.parametrize("engine", ENGINES)
def test_every_history_agrees_with_the_model(engine: str) -> None:
    run(engine, examples=25, steps=15)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_every_long_history_agrees_with_the_model(engine: str) -> None:
    run(engine, examples=300, steps=60)


def run(engine: str, *, examples: int, steps: int) -> None:
    machine = type("Machine", (StoreMachine,), {"engine": engine})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=checks
        ),
    )
