"""Layer: how a mistake is shown, to people and to machines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests import Diagnostic, ManifestError, Position, Related, Severity, Source, has_errors, parse, suggest
from manifests.diagnostics import error
from manifests.excerpt import SNIPPET_CHARACTERS, clip, excerpt, visible


def test_a_diagnostic_shows_place_line_caret_and_hint() -> None:
    source = Source("agents.yaml", 0, 14, 3)
    shown = error(
        'unknown field "instrutions"',
        source,
        "  instrutions: Help people",
        hint='did you mean "instructions"?',
    ).render()
    assert shown == (
        'agents.yaml:14:3: error: unknown field "instrutions"\n'
        "   14 |   instrutions: Help people\n"
        "      |   ^^^^^^^^^^^\n"
        'help: did you mean "instructions"?'
    )


def test_related_places_are_shown_as_notes() -> None:
    first = Related("first set here", Source("a.yaml", 0, 2, 1), "name: x")
    shown = error('duplicate key "name"', Source("a.yaml", 0, 5, 1), "name: y", related=(first,)).render()
    assert shown.splitlines()[3:] == ["a.yaml:2:1: note: first set here", "    2 | name: x", "      | ^^^^"]


def test_color_is_added_only_on_request() -> None:
    item = Diagnostic(Severity.WARNING, "odd", Source("a.yaml", 0, 1, 1), "a: b", "change it")
    assert "\x1b[" not in item.render()
    assert "\x1b[1;33mwarning:\x1b[0m odd" in item.render(color=True)


def test_a_diagnostic_about_a_whole_file_has_no_excerpt() -> None:
    assert error("no such file", Source("a.yaml")).render() == "a.yaml: error: no such file"
    assert error("nothing to do").render() == "error: nothing to do"


def test_the_caret_stands_under_the_word_after_wide_characters() -> None:
    shown = excerpt("名前: 値 b", 7)
    assert shown == ("名前: 値 b", " " * 9 + "^")


@pytest.mark.parametrize(
    ("line", "column", "carets"),
    [
        ('a: "b c" d', 4, "   ^^^^^"),
        ("a: b", 9, "    ^"),
        ("a: [b, c]", 4, "   ^"),
        ("é: x", 1, "^"),
        ("e\u0301a: x", 1, "^^"),
        ("", 1, "^"),
    ],
    ids=["a quoted word", "behind the line", "a bracket", "one letter", "combining marks", "an empty line"],
)
def test_the_carets_cover_the_word(line: str, column: int, carets: str) -> None:
    assert excerpt(line, column)[1] == carets


def test_a_long_line_is_cut_around_the_caret() -> None:
    line, carets = excerpt("x" * 500 + " target " + "y" * 500, 502)
    at = len(carets) - len(carets.lstrip())
    assert line.startswith("…")
    assert line.endswith("…")
    assert line[at : at + 6] == "target"
    assert len(line) < 110


def test_a_diagnostic_does_not_keep_a_line_of_a_megabyte() -> None:
    item = error("bad", Source("a.yaml", 0, 1, 700_001), "x" * 700_000 + "target" + "y" * 300_000)
    assert len(item.snippet) <= SNIPPET_CHARACTERS + 2
    text, carets = item.render().splitlines()[1:]
    assert text[carets.index("^") :].startswith("target")


@given(st.text(), st.integers(0, 40))
def test_an_excerpt_never_holds_what_drives_a_terminal(line: str, column: int) -> None:
    for text in excerpt(line, column):
        assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or 0x202A <= ord(c) <= 0x202E for c in text)
        text.encode()


@given(st.text(max_size=600), st.integers(1, 600), st.integers(30, 90))
def test_clipping_keeps_the_character_at_the_column(line: str, column: int, width: int) -> None:
    cut, at = clip(line, column, width)
    assert len(cut) <= width + 2
    if column <= len(line):
        assert cut[at - 1] == line[column - 1]


def test_control_characters_of_path_and_message_are_made_visible() -> None:
    shown = error("bad\x1b[2J", Source("a\x07\nb\udcff.yaml", 0, 1, 1), "x\t\x1b]0;\u202e").render()
    assert "bad␛[2J" in shown
    assert "a␇␊b<U+DCFF>.yaml:1:1" in shown
    assert "x→␛]0;<U+202E>" in shown


def test_ordinary_text_is_shown_as_it_is() -> None:
    assert visible("Ünï 👨\u200d👩 → “quotes”") == "Ünï 👨\u200d👩 → “quotes”"


def test_the_json_form_holds_everything() -> None:
    first = Related("first set here", Source("a.yaml", 1, 2, 1), "name: x")
    second = Source("a.yaml", 1, 5, 1, "c0ffee")
    item = error("dup", second, "name: y", hint="h", related=(first,), code="duplicate-key")
    assert json.loads(json.dumps(item.to_json())) == {
        "severity": "error",
        "code": "duplicate-key",
        "message": "dup",
        "source": {"file": "a.yaml", "line": 5, "column": 1, "document": 1, "commit": "c0ffee"},
        "snippet": "name: y",
        "hint": "h",
        "related": [
            {
                "message": "first set here",
                "source": {"file": "a.yaml", "line": 2, "column": 1, "document": 1},
                "snippet": "name: x",
            }
        ],
    }
    assert error("x").to_json()["source"] is None


def test_only_errors_count_as_errors() -> None:
    warning = Diagnostic(Severity.WARNING, "odd")
    assert not has_errors([warning])
    assert has_errors([warning, error("bad")])


def test_a_manifest_error_reads_like_its_diagnostic() -> None:
    assert str(ManifestError(error("bad", Source("a.yaml", 0, 2, 3)))) == "a.yaml:2:3: bad"
    assert Source("a.yaml", 0, 2, 3).position == Position(2, 3)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("instrutions", "instructions"),
        ("mcp_servers", "mcpServers"),
        ("MCPSERVERS", "mcpServers"),
        ("naem", "name"),
        ("depends-on", "dependsOn"),
        ("colour", None),
        ("x", None),
        ("", None),
        ("z" * 5_000, None),
    ],
)
def test_a_near_miss_is_suggested(word: str, meant: str | None) -> None:
    assert suggest(word, ["name", "instructions", "mcpServers", "dependsOn", "description"]) == meant


def test_mistakes_of_a_pickled_result_survive() -> None:
    import pickle

    parsed = parse(b"a: 1\na: 2\n---\nb: [1, 1e3]\n", "a.yaml")
    again = pickle.loads(pickle.dumps(parsed))
    assert again.diagnostics == parsed.diagnostics
    assert again.documents[0].value == {"b": [1, 1000.0]}
    assert again.documents[0].locate(["b", 1]) == parsed.documents[0].locate(["b", 1])
