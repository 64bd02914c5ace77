"""The contract of `stigmer.store.base`, the same for every engine. Assumes nothing tested elsewhere."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

import pytest

from stigmer.errors import (
    AlreadyExists,
    Internal,
    InvalidArgument,
    NotFound,
    OutOfRange,
    Unavailable,
)
from stigmer.store.base import (
    MAX_PAGE_SIZE,
    Commit,
    Event,
    Query,
    ReadTransaction,
    Record,
    RecordId,
    SlugKey,
    Store,
    Transaction,
)
from stigmer.store.limits import MAX_ID_BYTES

from .rows import event, ids, labelled, record, save

Opener = Callable[..., Store]


def test_a_new_store_is_empty_at_revision_zero(store: Store) -> None:
    assert store.read(lambda tx: (tx.revision, tx.oldest_revision, tx.orgs(), tx.commits(0, 10))) == (0, 0, [], [])
    assert store.read(lambda tx: (list(tx.heads("acme")), tx.list(Query("Agent")), tx.kv_scan("s"))) == ([], [], [])
    assert store.verify() == []


def test_two_stores_have_different_ids_and_epochs(opened: Opener, engine: str) -> None:
    first, second = opened(engine, "a"), opened(engine, "b")
    assert first.store_id != second.store_id
    assert first.epoch != second.epoch


def test_a_saved_record_is_read_by_id_and_by_slug_exactly_as_it_was_saved(store: Store) -> None:
    row = labelled(1, "team=core", "tier=1")
    save(store, row)
    keys = [row.key, RecordId("acme", "Agent", "other"), RecordId("nowhere", "Agent", row.id)]
    assert store.read(lambda tx: tx.get_many(keys)) == [row, None, None]
    slugs = [SlugKey("acme", "Agent", "other"), row.slug_key, SlugKey("acme", "Nothing", row.slug)]
    assert store.read(lambda tx: tx.find_many(slugs)) == [None, row, None]
    found = store.read(lambda tx: tx.find_heads(slugs))[1]
    assert found is not None
    assert (found.id, found.slug, found.head) == (row.id, row.slug, row.head)


@pytest.mark.parametrize(
    "row",
    [
        record(1, body=b"", head=b""),
        record(1, body=bytes(range(256)) * 8_192),
        record(1, head=b"h" * 5_000, slug="ünïcödé-✓", org="ørg"),
        labelled(1, "a=b", "a=b", ""),
        labelled(1, "long=" + "x" * 3_000),
        record(1, org="o" * 253, kind="K" * 253, slug="s" * 253),
        record(1, slug="s" * 2_000),
    ],
    ids=["empty", "two mebibytes", "not ascii", "same label twice", "long label", "longest names", "longer slug"],
)
def test_unusual_records_come_back_unchanged(store: Store, row: Record) -> None:
    save(store, row)
    assert store.read(lambda tx: tx.get_many([row.key])) == [row]
    assert store.read(lambda tx: tx.find_many([row.slug_key])) == [row]
    assert [head.slug for head in store.read(lambda tx: tx.heads(row.org))] == [row.slug]
    for index in row.indexes:
        assert store.read(lambda tx, index=index: tx.list(Query(row.kind, row.org, index))) == [row]
    assert store.verify() == []


def test_reading_many_keeps_the_order_and_the_repetitions_of_the_keys(store: Store) -> None:
    rows = [record(number) for number in range(50)]
    save(store, *rows)
    wanted = [rows[7], rows[3], rows[7], rows[49]]
    assert store.read(lambda tx: tx.get_many([row.key for row in wanted])) == wanted
    assert store.read(lambda tx: tx.find_many([row.slug_key for row in wanted])) == wanted


def test_saving_again_replaces_the_record_and_its_index_entries(store: Store) -> None:
    save(store, labelled(1, "old", "kept"))
    changed = labelled(1, "kept", "new", slug="renamed")
    save(store, changed)
    for label, expected in {"old": [], "kept": [changed], "new": [changed]}.items():
        query = Query("Agent", "acme", ("label", label))
        assert store.read(lambda tx, query=query: tx.list(query)) == expected
    assert store.read(lambda tx: tx.find_many([record(1).slug_key, changed.slug_key])) == [None, changed]
    assert store.verify() == []


def test_of_two_versions_in_one_batch_the_last_is_kept(store: Store) -> None:
    save(store, labelled(1, "first", slug="one"), labelled(1, "last", slug="two"))
    assert [row.slug for row in store.read(lambda tx: tx.list(Query("Agent")))] == ["two"]
    assert store.read(lambda tx: tx.list(Query("Agent", None, ("label", "first")))) == []
    assert store.verify() == []


def test_a_slug_that_belongs_to_another_id_is_refused_and_nothing_of_the_batch_is_kept(store: Store) -> None:
    save(store, record(1, slug="taken"))
    with pytest.raises(AlreadyExists, match="Agent with slug taken exists"):
        save(store, record(2), record(3, slug="taken"))
    with pytest.raises(AlreadyExists):
        save(store, record(4, slug="same"), record(5, slug="same"))
    assert ids(store.read(lambda tx: tx.list(Query("Agent")))) == ["agent-000001"]
    assert store.read(lambda tx: tx.revision) == 1


def test_a_job_may_catch_a_taken_slug_and_go_on(store: Store) -> None:
    save(store, record(1, slug="taken"))

    def job(tx: Transaction) -> None:
        with pytest.raises(AlreadyExists):
            tx.save_many([record(2), record(3, slug="taken")])
        tx.save_many([record(4)])

    store.write(job)
    assert ids(store.read(lambda tx: tx.list(Query("Agent")))) == ["agent-000004", "agent-000001"]
    assert store.verify() == []


def test_the_same_slug_in_another_kind_or_org_is_no_conflict(store: Store) -> None:
    save(store, record(1, slug="s"), record(2, slug="s", kind="Skill"), record(3, slug="s", org="other"))
    assert store.read(lambda tx: tx.orgs()) == ["acme", "other"]


def test_two_records_exchange_their_slugs_in_one_batch(store: Store) -> None:
    save(store, record(1, slug="a"), record(2, slug="b"))
    save(store, record(1, slug="b"), record(2, slug="a"))
    found = store.read(lambda tx: tx.find_many([SlugKey("acme", "Agent", "a"), SlugKey("acme", "Agent", "b")]))
    assert ids(row for row in found if row) == ["agent-000002", "agent-000001"]
    assert store.verify() == []


def test_a_record_may_take_the_slug_that_another_one_leaves_in_the_same_batch(store: Store) -> None:
    save(store, record(2, slug="wanted"))
    save(store, record(1, slug="wanted"), record(2, slug="left"))
    assert store.read(lambda tx: tx.find_many([SlugKey("acme", "Agent", "wanted")])) == [record(1, slug="wanted")]
    with pytest.raises(AlreadyExists):
        save(store, record(2, slug="wanted"), record(3, slug="left"))


def test_deleting_removes_the_record_and_every_entry_and_ignores_what_is_missing(store: Store) -> None:
    row, other = labelled(1, "x"), labelled(2, "x")
    save(store, row, other)
    store.write(lambda tx: tx.delete_many([row.key, row.key, RecordId("no", "such", "id")]))
    assert store.read(lambda tx: tx.get_many([row.key])) == [None]
    assert store.read(lambda tx: tx.find_heads([row.slug_key])) == [None]
    assert store.read(lambda tx: tx.list(Query("Agent", "acme", ("label", "x")))) == [other]
    store.write(lambda tx: tx.delete_many([other.key]))
    assert store.read(lambda tx: tx.orgs()) == []
    assert store.verify() == []


@pytest.mark.parametrize("bad", ["", "i" * (MAX_ID_BYTES + 1), "ü" * 128], ids=["empty", "too long", "too many bytes"])
def test_an_impossible_id_is_refused_when_saved_and_absent_when_read(store: Store, bad: str) -> None:
    with pytest.raises(InvalidArgument, match="record id"):
        save(store, dataclasses.replace(record(1), id=bad))
    assert store.read(lambda tx: tx.get_many([RecordId("acme", "Agent", bad)])) == [None]


@pytest.mark.parametrize("row", [record(1, slug="a\0b"), labelled(1, "a\0b"), record(1, indexes=(("a\0", "b"),))])
def test_a_nul_in_a_slug_or_an_index_entry_is_refused(store: Store, row: Record) -> None:
    with pytest.raises(InvalidArgument, match="NUL"):
        save(store, record(2), row)
    assert store.read(lambda tx: tx.list(Query("Agent"))) == []


def test_text_that_is_not_unicode_is_refused(store: Store) -> None:
    for row in (record(1, slug="\ud800"), labelled(1, "\udfff"), dataclasses.replace(record(1), id="\ud801")):
        with pytest.raises(InvalidArgument):
            save(store, row)


def test_heads_come_in_order_of_kind_and_slug_of_one_org(store: Store) -> None:
    save(store, record(1, slug="b", kind="Skill"), record(2, slug="a"), record(3, slug="c", kind="Agent"))
    save(store, record(4, slug="b", org="other"), record(5, slug="aa"), record(6, slug="z", kind="Agent2"))
    heads = list(store.read(lambda tx: tx.heads("acme")))
    assert [(head.kind, head.slug) for head in heads] == [
        ("Agent", "a"),
        ("Agent", "aa"),
        ("Agent", "c"),
        ("Agent2", "z"),
        ("Skill", "b"),
    ]
    assert [head.slug for head in store.read(lambda tx: tx.heads("acme", "Skill"))] == ["b"]
    assert list(store.read(lambda tx: tx.heads("acme", "Nothing"))) == []


def test_heads_of_slugs_that_share_a_very_long_beginning_are_still_in_order(store: Store) -> None:
    slugs = ["x" * 600 + letter for letter in "dacb"] + ["x" * 600, "x" * 490 + "y", "w"]
    save(store, *(record(number, slug=slug) for number, slug in enumerate(slugs)))
    assert [head.slug for head in store.read(lambda tx: tx.heads("acme"))] == sorted(slugs)


def test_lists_are_newest_first_and_paged_by_id(store: Store) -> None:
    rows = [record(number) for number in range(25)]
    save(store, *rows)
    save(store, record(100, kind="Skill"))
    after, pages = "", []
    while page := store.read(lambda tx, after=after: tx.list(Query("Agent", "acme", after=after, limit=10))):
        pages.append(len(page))
        assert page == [row for row in reversed(rows) if not after or row.id < after][:10]
        after = page[-1].id
    assert pages == [10, 10, 5]


def test_a_page_cursor_need_not_be_an_id_that_exists(store: Store) -> None:
    save(store, *(record(number) for number in range(5)))
    cases = {"agent-000003x": ["agent-000003", "agent-000002"], "zzz": ["agent-000004", "agent-000003"], "a": []}
    for after, expected in (cases | {"~" * 5_000: ["agent-000004", "agent-000003"]}).items():
        assert (
            ids(store.read(lambda tx, after=after: tx.list(Query("Agent", "acme", after=after, limit=2)))) == expected
        )


def test_a_list_over_all_orgs_is_newest_first_across_them(store: Store) -> None:
    rows = [labelled(number, f"parity={number % 2}", org=f"org-{number % 3}") for number in range(20)]
    save(store, *rows)
    assert store.read(lambda tx: tx.list(Query("Agent"))) == rows[::-1]
    odd = [row for row in reversed(rows) if row.indexes == (("label", "parity=1"),)]
    assert store.read(lambda tx: tx.list(Query("Agent", index=("label", "parity=1"), limit=4))) == odd[:4]
    page = Query("Agent", index=("label", "parity=1"), after=odd[3].id)
    assert store.read(lambda tx: tx.list(page)) == odd[4:]


def test_an_index_matches_name_and_value_exactly(store: Store) -> None:
    save(store, labelled(1, "team=core"), labelled(2, "team=corex"), record(3, indexes=(("labelteam", "=core"),)))
    assert ids(store.read(lambda tx: tx.list(Query("Agent", "acme", ("label", "team=core"))))) == ["agent-000001"]
    assert store.read(lambda tx: tx.list(Query("Agent", "acme", ("label", "team=")))) == []
    assert store.read(lambda tx: tx.list(Query("Agent", "other", ("label", "team=core")))) == []


def test_a_page_is_bounded_and_never_empty_by_request(store: Store) -> None:
    save(store, *(record(number) for number in range(MAX_PAGE_SIZE + 5)))
    assert len(store.read(lambda tx: tx.list(Query("Agent", limit=10**9)))) == MAX_PAGE_SIZE
    with pytest.raises(InvalidArgument):
        store.read(lambda tx: tx.list(Query("Agent", limit=0)))


def test_one_commit_carries_one_revision_its_note_and_its_events_in_order(store: Store) -> None:
    events = (event(record(1)), Event("o", "k", "i", "s", "deleted", b"\0payload"), event(record(2), "ünï"))
    revision = store.write(lambda tx: tx.append(events, b"who"))
    (commit,) = store.read(lambda tx: tx.commits(0, 10))
    assert (revision, commit.revision, commit.note, commit.events) == (1, 1, b"who", events)
    assert store.write(lambda tx: tx.append([])) == 2
    assert store.read(lambda tx: tx.commits(1, 10))[0].events == ()


def test_commits_are_read_from_a_cursor_with_a_limit(store: Store) -> None:
    for number in range(10):
        save(store, record(number))
    assert [commit.revision for commit in store.read(lambda tx: tx.commits(4, 3))] == [5, 6, 7]
    assert store.read(lambda tx: (tx.commits(10, 3), tx.commits(3, 0))) == ([], [])
    with pytest.raises(OutOfRange):
        store.read(lambda tx: tx.commits(11, 1))


def test_a_very_large_commit_comes_back_whole(store: Store) -> None:
    events = [Event("acme", "Agent", f"agent-{n}", f"slug-{n}", "created", b"%d" % n) for n in range(20_000)]
    events.append(Event("acme", "Agent", "big", "big", "created", b"x" * 300_000))
    store.write(lambda tx: tx.append(events, b"n" * 100_000))
    save(store, record(1))
    first, second = store.read(lambda tx: tx.commits(0, 10))
    assert first == Commit(1, first.at, b"n" * 100_000, tuple(events))
    assert second.revision == 2
    assert store.verify() == []


def test_the_log_keeps_the_newest_commits_and_says_from_where(opened: Opener, engine: str) -> None:
    store = opened(engine, log_retention=10)
    for number in range(60):
        save(store, record(number))
    oldest = store.read(lambda tx: tx.oldest_revision)
    assert 30 <= oldest <= 50
    revisions = [commit.revision for commit in store.read(lambda tx: tx.commits(oldest, 1_000))]
    assert revisions == list(range(oldest + 1, 61))
    with pytest.raises(OutOfRange) as refused:
        store.read(lambda tx: tx.commits(oldest - 1, 10))
    assert refused.value.reason == "CURSOR_EXPIRED"
    assert store.verify() == []


def test_the_next_revision_is_the_one_that_append_gives(store: Store) -> None:
    def job(tx: Transaction) -> object:
        before = (tx.revision, tx.next_revision)
        given = tx.append([event(record(1))])
        return before, given, (tx.revision, tx.next_revision)

    save(store, record(9))
    assert store.write(job) == ((1, 2), 2, (1, 2))
    assert store.read(lambda tx: tx.revision) == 2


def test_a_transaction_appends_at_most_once(store: Store) -> None:
    def job(tx: Transaction) -> None:
        tx.append([])
        tx.append([])

    with pytest.raises(Internal):
        store.write(job)
    assert store.read(lambda tx: tx.revision) == 0


def test_a_job_without_a_commit_moves_no_revision(store: Store) -> None:
    store.write(lambda tx: tx.save_many([record(1)]))
    store.write(lambda tx: tx.kv_put("s", b"k", b"v"))
    store.write(lambda tx: None)
    assert store.read(lambda tx: (tx.revision, tx.commits(0, 10))) == (0, [])


def test_time_in_the_log_never_goes_back(opened: Opener, engine: str) -> None:
    times = iter([100, 300, 200, 50, 301])
    store = opened(engine, clock=lambda: next(times))
    for _ in range(5):
        store.write(lambda tx: tx.append([]))
    assert [commit.at for commit in store.read(lambda tx: tx.commits(0, 10))] == [100, 300, 300, 300, 301]


def test_a_transaction_sees_its_own_writes(store: Store) -> None:
    save(store, labelled(1, "x"))

    def job(tx: Transaction) -> object:
        tx.save_many([labelled(2, "x", org="new-org"), labelled(3, "x")])
        tx.delete_many([labelled(1).key])
        tx.kv_put("s", b"k", b"v")
        listed = ids(tx.list(Query("Agent", index=("label", "x"))))
        heads = [head.slug for head in tx.heads("acme")]
        return listed, heads, tx.orgs(), tx.kv_get("s", b"k"), tx.get_many([labelled(1).key])

    expected = (["agent-000003", "agent-000002"], ["slug-3"], ["acme", "new-org"], b"v", [None])
    assert store.write(job) == expected


def test_a_job_that_raises_leaves_nothing_and_its_caller_gets_the_exception(store: Store) -> None:
    save(store, labelled(1, "x"))

    def job(tx: Transaction) -> object:
        tx.save_many([record(2, org="new-org", kind="NewKind")])
        tx.delete_many([record(1).key])
        tx.append([event(record(2))])
        tx.kv_put("s", b"k", b"v")
        raise NotFound("the caller's own")

    with pytest.raises(NotFound, match="the caller's own"):
        store.write(job)
    assert store.read(lambda tx: (tx.revision, tx.orgs(), tx.kv_get("s", b"k"))) == (1, ["acme"], None)
    assert ids(store.read(lambda tx: tx.list(Query("Agent")))) == ["agent-000001"]
    save(store, record(3, org="another", kind="NewKind"))
    assert store.read(lambda tx: (tx.orgs(), tx.list(Query("NewKind")))) == (
        ["acme", "another"],
        [record(3, org="another", kind="NewKind")],
    )
    assert store.verify() == []


def test_a_snapshot_does_not_move_while_it_is_read(store: Store) -> None:
    save(store, record(1))

    def add(tx: Transaction) -> None:
        tx.save_many([record(2)])
        tx.append([])

    def look(tx: ReadTransaction) -> tuple[object, object]:
        before = (tx.revision, ids(tx.list(Query("Agent"))))
        store.submit(add).result(10)
        return before, (tx.revision, ids(tx.list(Query("Agent"))))

    before, after = store.read(look)
    assert before == after == (1, ["agent-000001"])
    assert store.read(lambda tx: tx.revision) == 2


def test_pairs_live_in_spaces_and_are_scanned_in_order(store: Store) -> None:
    def job(tx: Transaction) -> None:
        for key in (b"b", b"a", b"ab", b"", b"\xff\xff"):
            tx.kv_put("one", key, b"1" + key)
        tx.kv_put("on", b"e", b"another space")
        tx.kv_put("one", b"b", b"again")
        tx.kv_delete("one", b"ab")
        tx.kv_delete("one", b"missing")

    store.write(job)
    everything = [(b"", b"1"), (b"a", b"1a"), (b"b", b"again"), (b"\xff\xff", b"1\xff\xff")]
    assert store.read(lambda tx: tx.kv_scan("one")) == everything
    assert store.read(lambda tx: tx.kv_scan("one", b"\xff")) == everything[3:]
    assert store.read(lambda tx: (tx.kv_get("one", b"ab"), tx.kv_get("on", b"e"))) == (None, b"another space")
    assert store.verify() == []


def test_pairs_with_very_long_keys_and_spaces_are_kept_apart_and_in_order(store: Store) -> None:
    keys = [b"k" * 900 + bytes([last]) for last in (3, 1, 2)] + [b"k" * 900, b"k" * 380, b"k" * 400, b"k"]

    def job(tx: Transaction) -> None:
        for key in keys:
            tx.kv_put("s" * 300, key, key[-3:])
            tx.kv_put("s" * 301, key, b"other")

    store.write(job)
    everything = [(key, key[-3:]) for key in sorted(keys)]
    assert store.read(lambda tx: tx.kv_scan("s" * 300)) == everything
    long = b"k" * 900
    assert store.read(lambda tx: tx.kv_scan("s" * 300, long)) == [
        pair for pair in everything if pair[0].startswith(long)
    ]
    assert store.read(lambda tx: tx.kv_get("s" * 300, keys[0])) == b"kk\x03"
    store.write(lambda tx: tx.kv_delete("s" * 300, keys[0]))
    assert store.read(lambda tx: tx.kv_get("s" * 300, keys[0])) is None
    assert store.verify() == []


def test_listeners_hear_of_each_durable_group_until_they_unsubscribe(store: Store) -> None:
    heard: list[int] = []

    def faulty(revision: int) -> None:
        raise RuntimeError("a listener's own fault")

    store.on_commit(faulty)
    unsubscribe = store.on_commit(heard.append)
    save(store, record(1))
    save(store, record(2))
    store.write(lambda tx: None)
    unsubscribe()
    save(store, record(3))
    store.write(lambda tx: tx.list(Query("Agent")))
    assert heard == [1, 2]


def test_a_thread_that_would_wait_for_itself_gets_an_error_instead(store: Store) -> None:
    with pytest.raises(Internal):
        store.write(lambda tx: store.write(lambda inner: None))
    with pytest.raises(Internal):
        store.read(lambda tx: store.write(lambda inner: None))
    with pytest.raises(Internal):
        store.read(lambda tx: store.close())
    assert store.read(lambda tx: store.read(lambda inner: inner.revision)) == 0


def test_closing_finishes_queued_writes_and_refuses_later_ones(opened: Opener, engine: str) -> None:
    store = opened(engine)
    futures = [store.submit(lambda tx: tx.append([])) for _ in range(100)]
    store.close()
    store.close()
    assert [future.result(0) for future in futures] == list(range(1, 101))
    with pytest.raises(Unavailable):
        store.write(lambda tx: None)
    with pytest.raises(Unavailable):
        store.read(lambda tx: tx.revision)


def test_a_cancelled_job_does_not_run(store: Store) -> None:
    hold = threading.Event()
    first = store.submit(lambda tx: hold.wait(10))
    second = store.submit(lambda tx: tx.append([]))
    assert second.cancel()
    hold.set()
    first.result(10)
    assert store.read(lambda tx: tx.revision) == 0
