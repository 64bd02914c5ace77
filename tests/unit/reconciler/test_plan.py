"""The plan as a value: order, refusals, counts, JSON. How bodies merge is tested in test_diff.py, whole plans as text
in tests/cases/plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from reconciler import (
    Action,
    Desired,
    Node,
    Observed,
    Outcome,
    Plan,
    Policy,
    Reference,
    RefusalReason,
    ResourceKey,
    Snapshot,
    leaf_paths,
    plan_delete,
)

Want = Callable[..., Desired]
Live = Callable[..., Observed]
MakePlan = Callable[..., Plan]
KeyOf = Callable[[str], ResourceKey]

TEXT = {"spec": {"text": "t"}}


def never() -> Mapping[str, Any]:
    raise AssertionError("this body is not needed")


def steps(planned: Plan) -> list[str]:
    return [f"{change.action.symbol} {change.key.slug}" for change in planned.changes]


def test_what_is_not_there_is_created_with_claims_on_all_it_says(make_plan: MakePlan, want: Want, schema: Node) -> None:
    (change,) = make_plan([want("a", TEXT, line=14)]).changes
    assert (change.action, change.body, change.fields) == (Action.CREATE, TEXT, ())
    assert change.claims == leaf_paths(schema, TEXT)
    assert change.cause == "new at agents.yaml:14"


def test_equal_digests_are_planned_without_any_body(make_plan: MakePlan, want: Want, live: Live) -> None:
    lazy = want("a", TEXT)
    lazy.load = never
    planned = make_plan([lazy], [live("a", TEXT)])
    assert planned.is_empty
    assert planned.unchanged == (lazy.key,)


def test_a_key_that_is_known_to_be_unchanged_needs_no_resource(make_plan: MakePlan, want: Want) -> None:
    lazy = want("a", TEXT)
    lazy.load = never
    planned = make_plan([lazy], Snapshot(9, {}, frozenset({lazy.key})))
    assert (planned.is_empty, planned.unchanged, planned.base_revision) == (True, (lazy.key,), 9)


def test_an_update_carries_the_whole_resulting_body(make_plan: MakePlan, want: Want, live: Live) -> None:
    seen = live("a", {"metadata": {"labels": {"mine": "1"}}, "spec": {"text": "old"}})
    (change,) = make_plan([want("a", TEXT)], [seen]).changes
    assert change.action is Action.UPDATE
    assert change.body == {"metadata": {"labels": {"mine": "1"}}, "spec": {"text": "t"}}
    assert change.observed is seen


def test_a_live_resource_that_only_gained_labels_is_unchanged(make_plan: MakePlan, want: Want, live: Live) -> None:
    seen = live("a", {"metadata": {"labels": {"mine": "1"}}, **TEXT})
    assert make_plan([want("a", TEXT)], [seen]).is_empty


def test_every_cause_is_named_once_and_the_manifest_with_its_line(make_plan: MakePlan, want: Want, live: Live) -> None:
    seen = live("a", {"spec": {"text": "old", "count": 1, "args": ["x"]}})
    (change,) = make_plan([want("a", TEXT, line=14)], [seen]).changes
    assert change.cause == "manifest changed at agents.yaml:14; changed outside the manifest"


def test_creates_follow_references_and_deletes_go_in_reverse(make_plan: MakePlan, want: Want, live: Live) -> None:
    wanted = [want("Workflow/w", TEXT, "Agent/b"), want("Agent/b", TEXT, "Agent/c"), want("Agent/c", TEXT)]
    assert steps(make_plan(wanted)) == ["+ c", "+ b", "+ w"]
    seen = [live(str(one.key), TEXT) for one in wanted]
    assert steps(make_plan(wanted, seen, delete=True)) == ["- w", "- b", "- c"]


def test_deleting_what_is_absent_is_unchanged(make_plan: MakePlan, want: Want, live: Live, key_of: KeyOf) -> None:
    planned = make_plan([want("a", TEXT), want("b", TEXT)], [live("b", TEXT)], delete=True)
    assert steps(planned) == ["- b"]
    assert planned.unchanged == (key_of("a"),)
    assert planned.changes[0].cause == "to be deleted at agents.yaml:1"


def test_keys_can_be_deleted_without_manifests(live: Live, key_of: KeyOf) -> None:
    seen = live("a", TEXT)
    planned = plan_delete([seen.key, key_of("b")], Snapshot(5, {seen.key: seen}), lambda _: 0, Policy(), "me")
    assert [(c.action, c.body, c.claims, c.origin) for c in planned.changes] == [
        (Action.DELETE, None, frozenset(), None)
    ]
    assert (planned.unchanged, planned.base_revision, planned.manager) == ((key_of("b"),), 5, "me")


def test_a_delete_insists_on_seeing_what_it_deletes(key_of: KeyOf) -> None:
    blind = Snapshot(5, {}, frozenset({key_of("a")}))
    with pytest.raises(ValueError, match="local/Agent/a was not fetched"):
        plan_delete([key_of("a")], blind, lambda _: 0, Policy(), "me")


def test_an_immutable_change_is_a_replacement_and_needs_permission(make_plan: MakePlan, want: Want, live: Live) -> None:
    wanted, seen = want("a", {"spec": {"agent": "new"}}), live("a", {"spec": {"agent": "old"}})
    (change,) = make_plan([wanted], [seen]).changes
    assert change.action is Action.REPLACE
    assert change.refusal is not None
    assert (change.refusal.reason, change.refusal.flag) == (RefusalReason.IMMUTABLE, "--allow-replace")
    assert "spec.agent" in change.refusal.message
    assert make_plan([wanted], [seen], allow_replace=True).writes[0].action is Action.REPLACE


def test_a_protected_resource_is_neither_deleted_nor_replaced(make_plan: MakePlan, want: Want, live: Live) -> None:
    seen = live("a", {"spec": {"agent": "old"}}, protect=True)
    replaced = make_plan([want("a", {"spec": {"agent": "new"}})], [seen], allow_replace=True)
    deleted = make_plan([want("a", TEXT)], [seen], delete=True)
    for planned in (replaced, deleted):
        (change,) = planned.refused
        assert change.refusal is not None
        assert (change.refusal.reason, change.refusal.flag) == (RefusalReason.PROTECTED, "")
        assert not planned.can_apply


def test_a_protected_resource_can_be_updated(make_plan: MakePlan, want: Want, live: Live) -> None:
    assert make_plan([want("a", TEXT)], [live("a", {"spec": {"text": "old"}}, protect=True)]).can_apply


def test_a_field_of_another_manager_is_a_conflict_unless_forced(make_plan: MakePlan, want: Want, live: Live) -> None:
    wanted, seen = want("a", TEXT), live("a", {"spec": {"text": "old"}}, {"terraform": {"spec.text"}})
    (change,) = make_plan([wanted], [seen]).changes
    assert change.refusal is not None
    assert change.refusal.reason is RefusalReason.CONFLICT
    assert change.refusal.message == "local/Agent/a: spec.text (claimed by terraform)"
    assert change.outcome is Outcome.CONFLICTED
    assert make_plan([wanted], [seen], force_conflicts=True).can_apply


def test_one_refusal_stops_the_plan_unless_it_is_to_keep_going(make_plan: MakePlan, want: Want, live: Live) -> None:
    wanted, seen = [want("a", {"spec": {"agent": "new"}}), want("b", TEXT)], [live("a", {"spec": {"agent": "old"}})]
    assert not make_plan(wanted, seen).can_apply
    going = make_plan(wanted, seen, keep_going=True)
    assert going.can_apply
    assert [change.key.slug for change in going.writes] == ["b"]
    assert [change.key.slug for change in going.refused] == ["a"]


def test_a_plan_says_whether_it_destroys_anything(make_plan: MakePlan, want: Want, live: Live) -> None:
    wanted, seen = want("a", {"spec": {"agent": "new"}}), live("a", {"spec": {"agent": "old"}})
    assert not make_plan([wanted], [seen]).destroys
    assert make_plan([wanted], [seen], allow_replace=True).destroys
    assert make_plan([wanted], [seen], delete=True).destroys
    assert not make_plan([wanted]).destroys


def test_counts_carry_every_outcome_word(make_plan: MakePlan, want: Want, live: Live) -> None:
    wanted = [want("a", TEXT), want("b", TEXT), want("c", TEXT), want("d", {"spec": {"agent": "new"}})]
    seen = [live("b", {"spec": {"text": "old"}}), live("c", TEXT), live("d", {"spec": {"agent": "old"}})]
    planned = make_plan(wanted, seen)
    counts = planned.counts()
    assert list(counts) == [*Outcome]
    assert {word: n for word, n in counts.items() if n} == {"created": 1, "updated": 1, "unchanged": 1, "skipped": 1}
    assert planned.summary() == "1 to create, 1 to update, 1 refused, 1 unchanged"


def test_an_empty_plan_has_nothing_to_apply_and_may_be_applied(make_plan: MakePlan) -> None:
    planned = make_plan([])
    assert (planned.is_empty, planned.can_apply, planned.writes) == (True, True, ())
    assert planned.summary() == "0 unchanged"


def test_the_json_form_is_complete_and_stable(make_plan: MakePlan, want: Want, live: Live) -> None:
    wanted = [want("b", TEXT, line=14), want("a", {"spec": {"agent": "new"}})]
    seen = [live("b", {"spec": {"text": "old"}}), live("a", {"spec": {"agent": "old"}})]
    document = make_plan(wanted, seen).to_json()
    assert json.dumps(document) == json.dumps(make_plan(wanted[::-1], seen[::-1]).to_json())
    assert document["base_revision"] == 7
    assert document["manager"] == "stigmer"
    assert document["summary"]["updated"] == 1
    refused, updated = document["changes"]
    assert refused["action"] == "replace"
    assert refused["refusal"]["flag"] == "--allow-replace"
    assert updated == {
        "kind": "Agent",
        "slug": "b",
        "org": "local",
        "action": "update",
        "cause": "manifest changed at agents.yaml:14",
        "fields": [
            {"path": "spec.text", "op": "replace", "before": "old", "after": "t", "cause": "manifest changed"},
        ],
        "source": {"file": "agents.yaml", "line": 14},
    }


def test_a_plan_never_shows_a_secret(make_plan: MakePlan, want: Want, live: Live) -> None:
    planned = make_plan([want("a", {"spec": {"token": "hunter3"}})], [live("a", {"spec": {"token": "hunter2"}})])
    assert "hunter" not in json.dumps(planned.to_json())


def test_references_of_a_change_are_those_of_its_declaration(make_plan: MakePlan, want: Want, key_of: KeyOf) -> None:
    (change,) = make_plan([want("a", TEXT, "b")]).changes
    assert change.references == (Reference("spec.agent", key_of("b")),)
