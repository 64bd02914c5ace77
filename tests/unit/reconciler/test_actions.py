"""The two vocabularies fit together."""

from __future__ import annotations

import pytest

from reconciler import Action, Outcome


def test_every_word_of_both_vocabularies_is_there() -> None:
    assert [*Action] == ["create", "update", "delete", "adopt", "move", "replace", "noop"]
    assert [*Outcome] == [
        "created", "updated", "deleted", "adopted", "moved", "replaced",
        "unchanged", "skipped", "failed", "blocked", "conflicted",
    ]  # fmt: skip


def test_every_action_has_a_symbol_of_its_own() -> None:
    assert len({action.symbol for action in Action}) == len(Action)
    assert [Action.CREATE.symbol, Action.UPDATE.symbol, Action.DELETE.symbol] == ["+", "~", "-"]


@pytest.mark.parametrize("action", [*Action])
def test_every_action_succeeds_with_an_outcome_named_after_it(action: Action) -> None:
    assert action.outcome.succeeded
    assert action is Action.NOOP or action.outcome == f"{action.removesuffix('e')}ed"


def test_what_writes_and_what_destroys() -> None:
    assert [action for action in Action if not action.writes] == [Action.NOOP]
    assert [action for action in Action if action.destroys] == [Action.DELETE, Action.REPLACE]


def test_what_did_not_happen_is_no_success() -> None:
    assert [o for o in Outcome if not o.succeeded] == ["skipped", "failed", "blocked", "conflicted"]
