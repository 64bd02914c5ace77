"""Layer: text -> documents and mistakes. Assumes the scalars and the nesting tested elsewhere."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests import Entry, Limits, MemoryTree, Scan, load, parse, render
from manifests.diagnostics import ManifestError, error

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALAR = st.one_of(
    TEXT, st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()
)
VALUE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


def only(data: str | bytes) -> Any:
    parsed = parse(data.encode() if isinstance(data, str) else data, "a.yaml")
    assert parsed.diagnostics == ()
    (manifest,) = parsed.documents
    return manifest.value


def positions(data: str | bytes) -> list[tuple[int, int, str]]:
    parsed = parse(data.encode() if isinstance(data, str) else data, "a.yaml")
    return [(*item.source.position, item.code) for item in parsed.diagnostics if item.source]


NOTHING = [
    b"",
    b"\n",
    b" \n# a comment\n",
    b"---\n",
    b"---\n---\n...\n",
    b"--- ~",
    b"null",
    b"\xef\xbb\xbf",
    b"%YAML 1.2",
]


@pytest.mark.parametrize("data", NOTHING)
def test_a_file_without_content_holds_nothing_and_no_mistake(data: bytes) -> None:
    parsed = parse(data, "a.yaml")
    assert (parsed.documents, parsed.diagnostics) == ((), ())


def test_documents_know_their_number_line_and_column() -> None:
    text = "# first\na: 1\n---\n# nothing\n---\n  b: 2\n--- {c: 3}\n...\n\nd: 4\n"
    parsed = parse(text.encode(), "dir/a.yaml", commit="c0ffee")
    assert [item.value for item in parsed.documents] == [{"a": 1}, {"b": 2}, {"c": 3}, {"d": 4}]
    assert [item.source for item in parsed.documents] == [
        ("dir/a.yaml", 0, 2, 1, "c0ffee"),
        ("dir/a.yaml", 1, 6, 3, "c0ffee"),
        ("dir/a.yaml", 2, 7, 5, "c0ffee"),
        ("dir/a.yaml", 3, 10, 1, "c0ffee"),
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_every_line_ending_gives_the_same_documents_and_lines(ending: str) -> None:
    text = "a: |\n  x\n  y\n---\nb: [1,\n 2]\n---\nc: 1\nc: 2\n".replace("\n", ending)
    parsed = parse(text.encode(), "a.yaml")
    assert [item.value for item in parsed.documents] == [{"a": "x\ny\n"}, {"b": [1, 2]}]
    assert [item.source.line for item in parsed.documents] == [1, 5]
    assert positions(text) == [(9, 1, "duplicate-key")]


def test_a_byte_order_mark_is_accepted_and_takes_no_column() -> None:
    assert only(b"\xef\xbb\xbfa: 1") == {"a": 1}
    assert positions(b"\xef\xbb\xbfa: b: c") == [(1, 5, "syntax")]
    assert positions(b"\xef\xbb\xbf---\na: b: c") == [(2, 5, "syntax")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_are_named(encoding: str) -> None:
    (item,) = parse("apiVersion: v1\n".encode(encoding), "a.yaml").diagnostics
    assert item.code == "encoding"
    assert "UTF-32" in item.message if encoding == "utf-32" else "UTF-16" in item.message


def test_a_mistake_in_one_document_does_not_hide_those_of_the_others() -> None:
    text = 'a: "x\n---\nb: 1\nb: 2\nc: !!int 3\n---\n\td: 1\n---\ne: {f: 1\n---\n\x00\n---\ng: ok\n'
    assert positions(text) == [
        (1, 4, "syntax"),
        (4, 1, "duplicate-key"),
        (5, 4, "tag"),
        (7, 1, "syntax"),
        (9, 9, "syntax"),
        (11, 1, "control-character"),
    ]
    assert [item.value for item in parse(text.encode(), "a.yaml").documents] == [{"g": "ok"}]


def test_all_mistakes_of_a_document_are_found_at_once() -> None:
    text = """
a: 1
a: 2
8080: x
b: {<<: {}, true: y, [c]: z, ~: n}
c: !custom [.inf, 99999999999999999999]
? {d: e}
: f
"""
    assert positions(text) == [
        (3, 1, "duplicate-key"),
        (4, 1, "bad-key"),
        (5, 5, "merge-key"),
        (5, 13, "bad-key"),
        (5, 22, "bad-key"),
        (5, 30, "bad-key"),
        (6, 4, "tag"),
        (6, 13, "unfit-scalar"),
        (6, 19, "unfit-scalar"),
        (7, 3, "bad-key"),
    ]


def test_a_duplicate_key_shows_both_places() -> None:
    (item,) = parse(b"a:\n  name: x\n  'name': y\n", "a.yaml").diagnostics
    assert item.message == 'duplicate key "name"'
    assert item.source is not None
    assert item.source.position == (3, 3)
    assert [(note.source.position, note.snippet) for note in item.related] == [((2, 3), "  name: x")]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a:\n\tb: 1", 2, 1, "tabs cannot be used for indentation"),
        ("a: 1\r\n\tb: 2", 2, 1, "tabs cannot be used for indentation"),
        ("a: |\n\tb", 2, 1, "tabs cannot be used for indentation"),
        ('a: b\nc: "x\ny: z\n', 2, 4, "this quote is never closed"),
        ("a: 'x", 1, 4, "this quote is never closed"),
        ("a: [1, 2\nb: 3", 2, 2, 'this list needs "," or "]"'),
        ("a: {b: 1\n", 1, 9, 'this mapping needs "," or "}"'),
        ("a: b: c", 1, 5, 'unexpected ":"'),
        ("a: 1\n  b: 2", 2, 4, 'unexpected ":"'),
        ("a: - b", 1, 4, 'unexpected "-"'),
        ("a: 1\nab\nc: 2", 2, 1, 'this line has no ":"'),
        ("a:\n  - b\n - c", 3, 2, 'this is not a field of the mapping above: "name: value" is expected'),
        ("- a\nb: c", 2, 1, "a list item is expected here"),
        ("a: `x`", 1, 4, 'a value cannot start with "`"'),
        ("a: @x", 1, 4, 'a value cannot start with "@"'),
        ('a: "\\q"', 1, 5, "unknown escape in double quotes"),
        ('a: "\\ud83d\\ude00"', 1, 7, "this escape is not a character"),
        ("a: *b", 1, 4, "this alias has no anchor before it"),
        ("a: &b 1\nc: &b 2", 2, 4, "this anchor is already in use"),
        ("a: [", 1, 5, "a value is missing here"),
        ("a: >x\n y", 1, 5, 'unexpected text after "|" or ">"'),
        ("a: !x!y z", 1, 4, "tags are not supported"),
        ("%TAG ! x\n---\na: 1", 1, 1, "directives are not supported"),
        ("%YAML 1.2\na: 1", 2, 1, "a directive is not followed by ---"),
        ("a: x\x00y", 1, 5, "U+0000 (NUL) is not allowed"),
        ("é: x\u2028b: y", 1, 5, "U+2028 (line separator) is not allowed"),
        ("é: x\x85b: y", 1, 5, "U+0085 (next line) is not allowed"),
        ("a: \x1b[31m", 1, 4, "the control character U+001B is not allowed"),
        ("99999999999999999999", 1, 1, "a manifest must be a mapping of fields, and this document is not"),
        ("- a", 1, 1, "a manifest must be a mapping of fields, and this document is not"),
        ("# x\nhello", 2, 1, "a manifest must be a mapping of fields, and this document is not"),
        ("a: !!str 12", 1, 4, "tags are not supported: !!str"),
        ("!!map {a: b}", 1, 1, "tags are not supported: !!map"),
        ("a: !x {b: c}", 1, 4, "tags are not supported: !x"),
        ("<<: {a: b}", 1, 1, "merge keys are not supported"),
        ("8080: a", 1, 1, "a key must be a string, and 8080 is an integer"),
        ("a: {1.5: b}", 1, 5, "a key must be a string, and 1.5 is a number"),
        ("true: a", 1, 1, "a key must be a string, and true is a boolean"),
        ("{{ .name }}: a", 1, 1, "a key must be a string, not a list or a mapping"),
        ("? a\n? b\n: c\n?\n: d", 4, 2, "a key is missing"),
        ("a: &x [*x]", 1, 4, "an alias stands inside the value it refers to"),
    ],
)
def test_a_mistake_is_said_where_it_is(text: str, line: int, column: int, message: str) -> None:
    (item,) = parse(text.encode(), "a.yaml").diagnostics
    assert item.source is not None
    assert (*item.source.position, item.message) == (line, column, message)
    assert item.snippet in text


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [
        (b"a: 1\nb: \xc3\xa9\xff", 2, 5),
        (b"a: \xc0\x80", 1, 4),
        (b"a: \xed\xa0\x80", 1, 4),
        (b"x\n---\na: \xe2\x82", 3, 4),
    ],
    ids=["not a character", "overlong", "a surrogate", "cut off"],
)
def test_invalid_utf8_is_located(data: bytes, line: int, column: int) -> None:
    assert (line, column, "invalid-utf8") in positions(data)


def test_aliases_give_every_use_a_value_of_its_own() -> None:
    value = only("a: &a {b: [1]}\nc: *a\nd: [*a, *a]\n")
    assert value == {"a": {"b": [1]}, "c": {"b": [1]}, "d": [{"b": [1]}, {"b": [1]}]}
    value["c"]["b"].append(2)
    assert value["a"] == value["d"][0] == {"b": [1]}


def test_mistakes_inside_an_anchor_are_said_once() -> None:
    assert positions("a: &a {b: 1, b: 2}\nc: [*a, *a]\n") == [(1, 14, "duplicate-key")]


def test_an_alias_may_be_a_key() -> None:
    assert only("a: &a x\n*a : y\n") == {"a": "x", "x": "y"}


def test_spellings_are_kept_by_path() -> None:
    text = "a: {b: [1e3, 1000, x], True: 1}\nc: True\nd: 0.7\ne: 1.0\nf: 007\ng: 0x1F\nh: '1e3'\ni: true\nj: ~\n"
    (manifest,) = parse(text.replace("True: 1", "t: 1").encode(), "a.yaml").documents
    assert manifest.spellings == {("a", "b", 0): "1e3", ("c",): "True", ("e",): "1.0", ("f",): "007", ("g",): "0x1F"}
    assert manifest.value["a"]["b"] == [1000.0, 1000, "x"]
    assert type(manifest.value["c"]) is bool
    assert type(manifest.value["e"]) is float


def test_spellings_inside_an_alias_are_kept_at_every_use() -> None:
    (manifest,) = parse(b"a: &a [1e3]\nb: *a\n", "a.yaml").documents
    assert manifest.spellings == {("a", 0): "1e3", ("b", 0): "1e3"}


@pytest.mark.parametrize("key", ['"a"', "a"], ids=["json", "yaml"])
def test_json_keeps_the_same_spellings_as_yaml(key: str) -> None:
    text = f'{{{key}: 1e3, "b": [1.0, {{"c": 2.50}}], "d": 0.5}}'
    (manifest,) = parse(text.encode(), "a.json").documents
    assert manifest.spellings == {("a",): "1e3", ("b", 0): "1.0", ("b", 1, "c"): "2.50"}
    assert manifest.value == {"a": 1000.0, "b": [1.0, {"c": 2.5}], "d": 0.5}
    assert type(manifest.value["a"]) is float


def test_emoji_in_json_escapes_are_read_as_the_characters() -> None:
    value = {"name": "😀", "text": "a\u2028b"}
    assert only(json.dumps(value)) == value
    assert only(json.dumps(value, ensure_ascii=False)) == value


def test_a_mistake_in_json_with_emoji_escapes_is_the_one_reported() -> None:
    assert positions('{"a": "\\ud83d\\ude00",\n "b": 1,\n "b": 2}') == [(3, 2, "duplicate-key")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a": NaN}', None),
        ('{"a": Infinity}', None),
        ('{"a": 1e999}', "unfit-scalar"),
        ('{"a": 99999999999999999999}', "unfit-scalar"),
        ('{"a": "\\ud800"}', "syntax"),
        ('{"a": 1, "a": 2}', "duplicate-key"),
        ('{"a": "x\ty"}', None),
        ('{"a": "\x7f"}', "control-character"),
        ('{"a": 1', "syntax"),
        ("[1, 2]", "not-a-mapping"),
        ('{"a": 1,}', None),
        ('{"a": -0}', None),
    ],
)
def test_json_is_read_as_strictly_as_yaml(text: str, code: str | None) -> None:
    assert [item.code for item in parse(text.encode(), "a.json").diagnostics] == ([code] if code else [])


def test_several_json_documents_may_follow_each_other() -> None:
    parsed = parse(b'{"a": 1}\n---\n  {"b": 2}\n---\nc: 3\n', "a.json")
    assert [(item.value, item.source.position) for item in parsed.documents] == [
        ({"a": 1}, (1, 1)),
        ({"b": 2}, (3, 3)),
        ({"c": 3}, (5, 1)),
    ]


def same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and (not isinstance(one, float) or math.copysign(1, one) == math.copysign(1, other))


@given(st.dictionaries(TEXT, VALUE, max_size=4))
def test_whatever_json_writes_is_read_back(value: dict[str, Any]) -> None:
    assert same(only(json.dumps(value)), value)
    raw = json.dumps(value, ensure_ascii=False)
    if not re.search("[\x7f-\x84\x86-\x9f\ufffe\uffff]", raw):  # refused in every text, so written as escapes only
        assert same(only(raw), value)


@given(st.lists(st.dictionaries(TEXT, VALUE, min_size=1, max_size=3), min_size=1, max_size=4), st.data())
def test_documents_are_found_whatever_separates_them(values: list[dict[str, Any]], data: st.DataObject) -> None:
    separators = st.sampled_from(["---\n", "--- # next\n", "...\n---\n", "---\n# a\n---\n", "...\n", "\n---\n\n"])
    text, expected = "", []
    for number, value in enumerate(values):
        text += data.draw(separators) if number else ""
        expected.append(text.count("\n") + 1)
        text += render([{"document": value}])
    parsed = parse(text.encode(), "a.yaml")
    assert parsed.diagnostics == ()
    assert [item.source.line for item in parsed.documents] == expected
    assert len(parsed.documents) == len(values)
    assert [item.source.document for item in parsed.documents] == list(range(len(values)))


def test_too_many_mistakes_stop_the_file() -> None:
    diagnostics = parse(b"a: 1\na: 2\n---\n" * 20, "a.yaml", Limits(mistakes=5)).diagnostics
    assert [item.code for item in diagnostics] == ["duplicate-key"] * 5 + ["too-many-mistakes"]


def test_a_tree_is_loaded_in_its_order_with_all_diagnostics() -> None:
    tree = MemoryTree({"b.yaml": "a: 1", "Stigmer.yaml": "name: x", "a.yaml": "b: [", "c.yml": b"c: 1\n---\nc: 2"})
    loaded = load(tree, commit="c0ffee")
    assert [str(item.source) for item in loaded.manifests] == ["b.yaml:1:1", "c.yml:1:1", "c.yml:3:1"]
    assert {item.source.commit for item in loaded.manifests} == {"c0ffee"}
    assert [item.code for item in loaded.diagnostics] == ["syntax"]
    assert [entry.path for entry in loaded.scan.project_files] == ["Stigmer.yaml"]


def test_an_entry_that_cannot_be_read_is_a_diagnostic() -> None:
    class Broken(MemoryTree):
        def scan(self) -> Scan:
            scan = super().scan()
            return Scan((Entry("gone.yaml", b""), *scan.entries), (error("an empty folder", code="no-manifests"),))

        def read(self, entry: Entry) -> bytes:
            if entry.path == "gone.yaml":
                raise ManifestError(error("cannot be read: gone", code="unreadable"))
            return super().read(entry)

    loaded = load(Broken({"a.yaml": "a: 1"}))
    assert [item.code for item in loaded.diagnostics] == ["no-manifests", "unreadable"]
    assert [item.value for item in loaded.manifests] == [{"a": 1}]


def test_the_repr_of_a_manifest_holds_none_of_its_values() -> None:
    (manifest,) = parse(b"token: hunter2", "a.yaml").documents
    assert "hunter2" not in repr(manifest)
    assert "a.yaml" in repr(manifest)


def test_loading_leaves_the_garbage_collector_as_it_was() -> None:
    import gc

    assert gc.isenabled()
    load(MemoryTree({"a.yaml": "a: ["}))
    assert gc.isenabled()
