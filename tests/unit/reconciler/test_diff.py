"""The three-way merge, case by case. Whole plans are in tests/cases/plan; laws that hold for all bodies in
test_diff_laws.py."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler import MASK, FieldChange, Merge, Node, leaf_paths, three_way


def merge(
    schema: Node, want: Any, have: Any, ours: set[str] | None = None, others: dict[str, str] | None = None
) -> Merge:
    return three_way(schema, want, have, frozenset(ours or ()), others or {})


def ops(merged: Merge) -> list[tuple[str, str]]:
    return [(change.op, change.path) for change in merged.changes]


def only(merged: Merge) -> FieldChange:
    (change,) = merged.changes
    return change


def test_a_declared_value_replaces_the_live_one(schema: Node) -> None:
    change = only(merge(schema, {"spec": {"text": "new"}}, {"spec": {"text": "old"}}))
    assert (change.op, change.path, change.before, change.after) == ("replace", "spec.text", "old", "new")
    assert str(change.cause) == "manifest changed"


def test_a_field_that_left_the_manifest_is_unset(schema: Node) -> None:
    live = {"metadata": {"labels": {"team": "core", "mine": "1"}}, "spec": {"text": "t"}}
    merged = merge(schema, {"spec": {"text": "t"}}, live, ours={"metadata.labels.team"})
    assert merged.body == {"spec": {"text": "t"}, "metadata": {"labels": {"mine": "1"}}}
    assert only(merged).path == "metadata.labels.team"
    assert str(only(merged).cause) == "manifest changed"
    assert merged.kept == ("metadata.labels.mine",)


def test_a_field_that_left_the_manifest_stays_if_another_manager_claims_it(schema: Node) -> None:
    live = {"spec": {"text": "t", "count": 1}}
    merged = merge(schema, {"spec": {"text": "t"}}, live, {"spec.count"}, {"spec.count": "terraform"})
    assert merged.changes == ()
    assert merged.body is live


def test_an_undeclared_field_of_the_spec_is_drift(schema: Node) -> None:
    merged = merge(schema, {"spec": {"text": "t"}}, {"spec": {"text": "t", "count": 1}})
    assert merged.body == {"spec": {"text": "t"}}
    assert str(only(merged).cause) == "changed outside the manifest"


def test_an_ignored_field_stays_and_is_not_mentioned(schema: Node) -> None:
    merged = merge(schema, {"spec": {"text": "a"}}, {"spec": {"text": "b", "noise": {"x": "1"}}})
    assert merged.body == {"spec": {"text": "a", "noise": {"x": "1"}}}
    assert merged.kept == ()


def test_what_unsetting_leaves_empty_disappears(schema: Node) -> None:
    live = {"metadata": {"labels": {"team": "core"}}, "spec": {"tasks": [{"name": "a"}], "http": {"url": "u"}}}
    assert merge(schema, {}, live, ours={"metadata.labels.team"}).body == {}


def test_a_value_claimed_by_another_manager_is_named_as_contested(schema: Node) -> None:
    change = only(merge(schema, {"spec": {"text": "a"}}, {"spec": {"text": "b"}}, others={"spec.text": "terraform"}))
    assert str(change.cause) == "claimed by terraform"
    assert change.after == "a"


def test_sharing_a_claim_on_an_equal_value_is_no_conflict(schema: Node) -> None:
    merged = merge(schema, {"spec": {"text": "a", "count": 1}}, {"spec": {"text": "a"}}, others={"spec.text": "tf"})
    assert ops(merged) == [("add", "spec.count")]


def test_sets_have_no_order(schema: Node) -> None:
    live = {"spec": {"tools": ["b", "a"]}}
    merged = merge(schema, {"spec": {"tools": ["a", "b"]}}, live)
    assert merged.changes == ()
    assert merged.body is live


def test_a_set_gains_and_loses_members_one_by_one(schema: Node) -> None:
    merged = merge(schema, {"spec": {"tools": ["c", "a"]}}, {"spec": {"tools": ["a", "b"]}})
    assert merged.body == {"spec": {"tools": ["c", "a"]}}
    assert ops(merged) == [("add", 'spec.tools[="c"]'), ("remove", 'spec.tools[="b"]')]


def test_members_that_somebody_added_to_a_merged_set_come_last(schema: Node) -> None:
    merged = merge(schema, {"metadata": {"tags": ["z", "a"]}}, {"metadata": {"tags": ["m", "a"]}})
    assert merged.body == {"metadata": {"tags": ["z", "a", "m"]}}


def test_a_set_tells_true_from_1(schema: Node) -> None:
    assert ops(merge(schema, {"spec": {"tools": [True]}}, {"spec": {"tools": [1]}})) == [
        ("add", "spec.tools[=true]"),
        ("remove", "spec.tools[=1]"),
    ]


def test_items_of_a_keyed_list_are_matched_by_key(schema: Node) -> None:
    want = {"spec": {"tasks": [{"name": "b", "agent": "x"}, {"name": "c"}]}}
    live = {"spec": {"tasks": [{"name": "a"}, {"name": "b", "agent": "y"}]}}
    merged = merge(schema, want, live)
    assert merged.body == want
    assert ops(merged) == [
        ("replace", "spec.tasks[name=b].agent"),
        ("add", "spec.tasks[name=c].name"),
        ("remove", "spec.tasks[name=a].name"),
    ]


def test_an_item_keeps_its_key_while_another_manager_holds_a_part_of_it(schema: Node) -> None:
    live = {"spec": {"tasks": [{"name": "a", "agent": "x", "after": ["b"]}]}}
    ours = leaf_paths(schema, live)
    merged = three_way(schema, {}, live, ours, {"spec.tasks[name=a].agent": "terraform"})
    assert merged.body == {"spec": {"tasks": [{"name": "a", "agent": "x"}]}}
    assert ops(merged) == [("remove", 'spec.tasks[name=a].after[="b"]')]


def test_an_atomic_list_is_one_value(schema: Node) -> None:
    change = only(merge(schema, {"spec": {"args": ["b", "a"]}}, {"spec": {"args": ["a", "b"]}}))
    assert (change.op, change.path, change.before, change.after) == ("replace", "spec.args", ["a", "b"], ["b", "a"])


def test_a_free_form_value_is_one_value(schema: Node) -> None:
    merged = merge(schema, {"spec": {"config": {"a": 1}}}, {"spec": {"config": {"a": 1, "b": 2}}})
    assert only(merged).path == "spec.config"
    assert merged.body == {"spec": {"config": {"a": 1}}}


def test_a_boolean_in_a_free_form_value_is_not_a_number(schema: Node) -> None:
    assert only(merge(schema, {"spec": {"config": {"a": True}}}, {"spec": {"config": {"a": 1}}})).op == "replace"


def test_a_live_value_of_another_type_is_replaced_whole(schema: Node) -> None:
    merged = merge(schema, {"spec": {"http": {"url": "u"}}}, {"spec": {"http": "u"}})
    assert (only(merged).op, only(merged).path, only(merged).after) == ("replace", "spec.http", {"url": "u"})
    assert merged.claims == {"spec.http.url"}


def test_an_explicitly_empty_value_is_kept(schema: Node) -> None:
    want: dict[str, Any] = {"spec": {"http": {}, "tools": []}}
    merged = merge(schema, want, {"spec": {"text": "t"}})
    assert merged.body == want
    assert merged.claims == {"spec.http", "spec.tools"}
    assert merge(schema, want, merged.body).changes == ()


def test_an_explicitly_empty_value_is_claimed_whatever_is_live(schema: Node) -> None:
    live = {"spec": {"noise": {"x": "1"}, "tools": ["a"]}}
    merged = merge(schema, {"spec": {"noise": {}, "tools": []}}, live)
    assert merged.body == {"spec": {"noise": {"x": "1"}, "tools": []}}
    assert merged.claims == {"spec.noise", "spec.tools"}


def test_a_secret_never_appears_in_a_change(schema: Node) -> None:
    change = only(merge(schema, {"spec": {"token": "hunter3"}}, {"spec": {"token": "hunter2"}}))
    assert (change.before, change.after) == (MASK, MASK)
    assert only(merge(schema, {"spec": {"token": "hunter3"}}, {})).before is None


def test_a_changed_immutable_field_is_marked(schema: Node) -> None:
    assert only(merge(schema, {"spec": {"agent": "a"}}, {"spec": {"agent": "b"}})).immutable
    assert not only(merge(schema, {"spec": {"text": "a"}}, {"spec": {"text": "b"}})).immutable


def test_a_oneof_member_may_change_inside_but_not_give_way_to_another(schema: Node) -> None:
    inside = merge(schema, {"spec": {"http": {"url": "a"}}}, {"spec": {"http": {"url": "b", "retries": 1}}})
    assert [change.immutable for change in inside.changes] == [False, False]
    swapped = merge(schema, {"spec": {"http": {"url": "a"}}}, {"spec": {"stdio": {"command": "c"}}})
    assert [(change.path, change.immutable) for change in swapped.changes] == [
        ("spec.http.url", True),
        ("spec.stdio.command", True),
    ]


def test_equal_bodies_need_no_walk_and_still_have_claims(schema: Node) -> None:
    live = {"spec": {"text": "t", "tools": ["a"]}}
    merged = merge(schema, {"spec": {"text": "t", "tools": ["a"]}}, live, ours={"spec.count"})
    assert (merged.body, merged.changes) == (live, ())
    assert merged.claims == {"spec.text", 'spec.tools[="a"]'}


@pytest.mark.parametrize("size", [10_000])
def test_long_lists_and_texts_are_merged_in_no_time(schema: Node, size: int) -> None:
    names = [f"t{i}" for i in range(size)]
    want = {"spec": {"tools": names, "tasks": [{"name": name} for name in names], "text": "x" * 1_000_000 + "a"}}
    live = {"spec": {"tools": names[::-1], "tasks": [{"name": n} for n in names[1:]], "text": "x" * 1_000_000 + "b"}}
    assert ops(merge(schema, want, live)) == [("add", "spec.tasks[name=t0].name"), ("replace", "spec.text")]
