"""Variables given as words, and what they make of an environment. Assumes nothing below."""

from __future__ import annotations

import pytest

from stigmer.cli.variables import parse_words, with_variables
from stigmer.errors import InvalidArgument

BODY = {
    "metadata": {"name": "Production"},
    "spec": {
        "description": "Live",
        "data": {"A": {"value": "1", "description": "first"}, "B": {"value": "2"}, "S": {"isSecret": True}},
    },
}


def test_a_word_sets_or_removes() -> None:
    assert parse_words(("A=1", "B=x=y", "C=", "D-"), removable=True) == {"A": "1", "B": "x=y", "C": "", "D": None}


def test_a_new_environment_has_nothing_to_remove() -> None:
    with pytest.raises(InvalidArgument):
        parse_words(("A-",))


def test_every_wrong_word_is_told_by_its_place_and_never_quoted() -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_words(("hunter2", "hunter-2=x", "A=1", "A-", "=hunter2", "-", "B=hunter2\0"), removable=True)
    told = [(item.field, item.description) for item in caught.value.violations]
    assert [place for place, _ in told] == [f"variable {number}" for number in (1, 2, 4, 5, 6, 7)]
    assert "hunter" not in f"{caught.value.message} {told}"


def test_other_variables_and_fields_stay() -> None:
    changed = with_variables(BODY, {"B": None, "C": "3"})
    assert changed["metadata"] == BODY["metadata"]
    assert changed["spec"] == {
        "description": "Live",
        "data": {"A": {"value": "1", "description": "first"}, "S": {"isSecret": True}, "C": {"value": "3"}},
    }


def test_a_variable_keeps_what_it_has_beside_its_value() -> None:
    changed = with_variables(BODY, {"A": "", "S": "x"})["spec"]["data"]
    assert changed["A"] == {"value": "", "description": "first"}
    assert changed["S"] == {"isSecret": True, "value": "x"}  # for the contract to refuse, not to become plain


def test_the_last_variable_leaves_no_empty_map() -> None:
    assert with_variables(BODY, dict.fromkeys("ABS"))["spec"] == {"description": "Live"}


def test_removing_what_is_not_there_changes_nothing() -> None:
    assert with_variables(BODY, {"Z": None}) == BODY
