"""Resources made and changed from options. Assumes nothing below."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from stigmer.cli.drafts import draft, edits, parse_labels, text_of

BODY = {
    "metadata": {"name": "Bot", "labels": {"team": "core", "tier": "gold"}, "tags": ["a"]},
    "spec": {"instructions": "Do as you are told.", "description": "A bot", "config": {"model": "x"}},
}


def test_a_field_that_is_not_named_stays() -> None:
    changed = edits({"instructions": "Do something else.", "description": None}, ()).apply(BODY)
    assert changed == {**BODY, "spec": {**BODY["spec"], "instructions": "Do something else."}}


def test_an_empty_description_goes_away() -> None:
    assert "description" not in edits({"instructions": None, "description": ""}, ()).apply(BODY)["spec"]


def test_labels_are_set_and_removed_one_by_one() -> None:
    changed = edits({}, ("tier=silver", "team-", "new=")).apply(BODY)
    assert changed["metadata"]["labels"] == {"tier": "silver", "new": ""}


def test_the_last_label_leaves_no_empty_map() -> None:
    assert "labels" not in edits({}, ("team-", "tier-")).apply(BODY)["metadata"]


def test_the_body_given_is_not_changed() -> None:
    edits({"instructions": "Other instructions.", "description": "x"}, ("team-",)).apply(BODY)
    assert BODY["metadata"]["labels"] == {"team": "core", "tier": "gold"}


@pytest.mark.parametrize("word", ["=x", "x", "-", ""])
def test_a_label_that_is_neither_set_nor_removed_is_a_usage_error(word: str) -> None:
    with pytest.raises(click.UsageError, match="KEY=VALUE or KEY-"):
        edits({}, (word,))


def test_a_label_of_a_new_resource_cannot_be_removed() -> None:
    with pytest.raises(click.UsageError, match="is not KEY=VALUE"):
        parse_labels(("team-",))


def test_an_update_that_says_nothing_is_a_usage_error() -> None:
    with pytest.raises(click.UsageError, match="what to change: --instructions, --description or --label"):
        edits({"instructions": None, "description": None}, ())


def test_a_new_resource_has_only_what_was_given() -> None:
    new = draft("Support Bot", None, ("team=core",), {"instructions": "Do as you are told.", "description": ""})
    assert new.slug == "support-bot"
    assert new.body == {
        "metadata": {"name": "Support Bot", "labels": {"team": "core"}},
        "spec": {"instructions": "Do as you are told."},
    }


def test_a_slug_that_is_given_is_taken() -> None:
    assert draft("Support Bot", "bot", (), {}).slug == "bot"


def test_a_text_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "text.md").write_text("Zeile é\n", encoding="utf-8")
    assert text_of(f"@{tmp_path / 'text.md'}") == "Zeile é\n"


def test_a_file_that_is_no_text_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(click.UsageError, match="not UTF-8"):
        text_of(f"@{tmp_path / 'data'}")


def test_a_file_that_is_too_large_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(click.UsageError, match="larger than"):
        text_of(f"@{tmp_path / 'data'}")
