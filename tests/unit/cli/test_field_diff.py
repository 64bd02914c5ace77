"""Field-level differences as lines. Assumes nothing below."""

from __future__ import annotations

import time
from typing import Any

import pytest

from stigmer.cli.views.changes import ChangeLine, FieldLine
from stigmer.cli.views.diff import MAX_SHOWN, MAX_TEXT, field_lines
from stigmer.cli.views.freeform import inner_changes
from stigmer.cli.views.unified import hunks


def shown(op: str, before: Any, after: Any, path: str = "spec.x") -> list[str]:
    return [line.text for line in field_lines(FieldLine(path, op, before, after), "")]


@pytest.mark.parametrize(
    ("op", "before", "after", "lines"),
    [
        ("replace", "old", "new", ['~ spec.x: "old" → "new"']),
        ("replace", 1, 2.5, ["~ spec.x: 1 → 2.5"]),
        ("replace", False, True, ["~ spec.x: false → true"]),
        ("add", None, "new", ['+ spec.x: "new"']),
        ("remove", "old", None, ['- spec.x: "old"']),
        ("add", None, ["a", "b"], ['+ spec.x: ["a", "b"]']),
        ("replace", "", "x", ['~ spec.x: "" → "x"']),
        ("replace", "1", 1, ['~ spec.x: "1" → 1']),
    ],
)
def test_a_short_value_stands_on_the_line_of_its_field(op: str, before: Any, after: Any, lines: list[str]) -> None:
    assert shown(op, before, after) == lines


def test_a_text_of_several_lines_is_compared_line_by_line() -> None:
    before = "".join(f"line {n}\n" for n in range(20))
    after = before.replace("line 9\n", "line nine\n") + "line 20\n"
    assert shown("replace", before, after) == [
        "~ spec.x: 20 lines → 21 lines",
        "      line 7",
        "      line 8",
        "    - line 9",
        "    + line nine",
        "      line 10",
        "      line 11",
        "    …",
        "      line 18",
        "      line 19",
        "    + line 20",
    ]


def test_only_the_changed_part_of_a_long_line_is_shown() -> None:
    before = "a" * 500 + "OLD" + "b" * 500
    after = "a" * 500 + "NEW" + "b" * 500
    assert shown("replace", before, after) == [
        "~ spec.x: one line",
        f"    - …{'a' * 18}OLD{'b' * 18}…",
        f"    + …{'a' * 18}NEW{'b' * 18}…",
    ]


def test_texts_that_differ_in_their_last_line_break_are_told_apart() -> None:
    assert shown("replace", "a\nb\n", "a\nb") == ["~ spec.x: only the line ends differ"]


def test_a_new_text_is_shown_in_full() -> None:
    assert shown("add", None, "one\ntwo\n") == ["+ spec.x: 2 lines", "    + one", "    + two"]


def test_control_characters_are_visible_and_harmless() -> None:
    (line,) = shown("replace", "a", "\x1b[31ma\u202e")
    assert line == '~ spec.x: "a" → "\\u001b[31ma\\u202e"'
    assert "\x1b" not in "".join(shown("add", None, "one\n\x1b[2Jtwo"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x" * (MAX_TEXT + 1), "y"),
        ("a\n" * 3_000, "b\n" * 3_000),
        ({"k": "x" * MAX_TEXT}, {"k": "y" * MAX_TEXT}),
    ],
    ids=["characters", "lines", "structure"],
)
def test_what_is_larger_than_the_limits_is_named_by_size_and_digest(before: Any, after: Any) -> None:
    lines = shown("replace", before, after)
    assert len(lines) == 1
    assert "characters (sha256 " in lines[0]


def test_a_huge_text_takes_no_time() -> None:
    started = time.perf_counter()
    shown("replace", "word " * 400_000, "Word " * 400_000)
    assert time.perf_counter() - started < 1


def test_the_worst_text_within_the_limits_is_compared_soon() -> None:
    before = "".join(f"{n % 7}\n" for n in range(1_900))
    after = "".join(f"{n % 11}\n" for n in range(1_900))
    started = time.perf_counter()
    lines = shown("replace", before, after)
    assert time.perf_counter() - started < 2
    assert len(lines) == MAX_SHOWN + 2


def test_a_free_form_value_shows_the_places_that_differ() -> None:
    before = {"retry": {"limit": 3, "delay": {"seconds": 1}}, "with": ["a", "b"], "gone": True, "same": "x" * 80}
    after = {"retry": {"limit": 5, "delay": {"seconds": 1}}, "with": ["a", "c"], "a.b": 1, "same": "x" * 80}
    assert shown("replace", before, after) == [
        "~ spec.x: 4 differences inside",
        '    + ["a.b"]: 1',
        "    - gone: true",
        "    ~ retry.limit: 3 → 5",
        '    ~ with[1]: "b" → "c"',
    ]


def test_a_number_and_a_truth_value_are_different_inside_a_free_form_value() -> None:
    assert [(one.path, one.before, one.after) for one in inner_changes({"a": 1}, {"a": True})] == [("a", 1, True)]


def test_a_unified_diff_has_one_hunk_for_each_field() -> None:
    change = ChangeLine(
        kind="Agent",
        slug="bot",
        org="local",
        action="update",
        fields=(
            FieldLine("metadata.labels.team", "add", None, "core"),
            FieldLine("spec.instructions", "replace", "one\ntwo\n", "one\n2\n"),
            FieldLine("spec.config.n", "remove", "1", None),
        ),
        file="agents.yaml",
        line=3,
    )
    assert [line.text for line in hunks(change)] == [
        "--- live/local/Agent/bot",
        "+++ agents.yaml:3 local/Agent/bot",
        "@@ metadata.labels.team @@",
        "+core",
        "@@ spec.instructions @@",
        " one",
        "-two",
        "+2",
        "@@ spec.config.n @@",
        "-1",
    ]


def test_a_unified_diff_of_a_new_resource_compares_with_nothing() -> None:
    change = ChangeLine("Agent", "bot", "local", "create", fields=(FieldLine("metadata.name", "add", None, "Bot"),))
    assert [line.text for line in hunks(change)] == [
        "--- /dev/null",
        "+++ manifest local/Agent/bot",
        "@@ metadata.name @@",
        "+Bot",
    ]
