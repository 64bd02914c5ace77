"""Plain values -> YAML or JSON that loads back to the same values, here and in readers of YAML 1.1 alike.

Written by hand instead of through PyYAML's dumper, which escapes every emoji, folds long lines, makes aliases, and
takes several times as long: what JSON can hold needs only block mappings and lists, plain or double-quoted scalars, and
`|` for text of several lines.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

from yaml.resolver import Resolver

from manifests.diagnostics import ManifestError, error
from manifests.limits import DEFAULT_LIMITS
from manifests.scalars import INT64_MIN, MAYBE_TYPED, UINT64_MAX, UnfitScalarError, resolve

_INDENT = "  "
_SIMPLE_KEY = 800
"""Characters of a written key. A longer one takes the form `? key`: YAML looks for its ":" within 1,024 only."""

# What YAML text may not hold (controls, NEL, LS, PS, BOM, surrogates), and what would mislead who reads it (bidi).
_UNPRINTABLE = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff"
_PLAIN = re.compile(
    rf"""(?: -{{1,2}}(?=[^\s-]) | (?![-?:,\[\]{{}}\#&*!|>'"%@` ] | \.\.\.) )  # starts like nothing else
         (?: [^\t\n:\#{_UNPRINTABLE}] | :(?![ ]|\Z) | (?<![ ])\# )+ (?<![ ])\Z""",
    re.VERBOSE,
)
_BLOCK = re.compile(rf"[^{_UNPRINTABLE}]*\Z")
_ESCAPED = re.compile(rf'["\\\t\n{_UNPRINTABLE}]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_UNREADABLE = re.compile(f"[{_UNPRINTABLE}]")
_TOO_DEEP = f"more than {DEFAULT_LIMITS.depth} levels of nesting"
_TYPED_STARTS = frozenset(MAYBE_TYPED).union(start for start in Resolver.yaml_implicit_resolvers if start)
_LONGEST_WORD = len("false")
_LETTERS = frozenset({"y", "Y", "n", "N"})  # booleans of YAML 1.1


def render(documents: Iterable[dict[str, Any]]) -> str:
    """The documents as one YAML text, `---` between them, keys in the order given.

    Values are dict with str keys, list, str, int within 64 bits, finite float, bool and None. Raises ManifestError for
    anything else, and for what no manifest may hold: nesting beyond the limit, half of a surrogate pair.
    """
    texts = []
    for document in documents:
        out: list[str] = []
        _mapping(document, "", out, DEFAULT_LIMITS.depth)
        texts.append("".join(out) if document else "{}\n")
    return "---\n".join(texts)


def render_json(document: dict[str, Any]) -> str:
    """The document as JSON in one line, without a line break at its end. Values and errors are those of `render`."""
    _check(document, DEFAULT_LIMITS.depth)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return _UNREADABLE.sub(_escape_json, text)


def _check(value: Any, depth: int) -> None:
    """Raises ManifestError for what JSON would write and no manifest may hold."""
    if isinstance(value, (dict, list)):
        if depth <= 0:
            raise _unfit(_TOO_DEEP)
        if isinstance(value, dict):
            for key in value:
                if not isinstance(key, str):
                    raise _unfit(f"a key must be a string, and {key!r} is not")
        for item in value.values() if isinstance(value, dict) else value:
            _check(item, depth - 1)
    elif not isinstance(value, str):
        _scalar(value, "", 0)


def _mapping(value: dict[str, Any], indent: str, out: list[str], depth: int) -> None:
    """Lines of a mapping; the first one starts where the caller has already indented."""
    if depth <= 0:
        raise _unfit(_TOO_DEEP)
    lead = ""
    for key, item in value.items():
        if not isinstance(key, str):
            raise _unfit(f"a key must be a string, and {key!r} is not")
        text = _inline(key)
        out.append(lead)
        lead = indent
        out.append(f"? {text}\n{indent}:" if len(text) > _SIMPLE_KEY else text + ":")
        _member(item, indent, out, depth)


def _member(item: Any, indent: str, out: list[str], depth: int) -> None:
    """What follows `key:`, to the end of its last line."""
    if item and isinstance(item, dict):
        out.append(f"\n{indent}{_INDENT}")
        _mapping(item, indent + _INDENT, out, depth - 1)
    elif item and isinstance(item, list):
        out.append(f"\n{indent}{_INDENT}")
        _sequence(item, indent + _INDENT, out, depth - 1)
    else:
        out.append(f" {_scalar(item, indent, depth)}\n")


def _sequence(value: list[Any], indent: str, out: list[str], depth: int) -> None:
    if depth <= 0:
        raise _unfit(_TOO_DEEP)
    lead = "- "
    for item in value:
        out.append(lead)
        lead = f"{indent}- "
        if item and isinstance(item, dict):
            _mapping(item, indent + _INDENT, out, depth - 1)
        elif item and isinstance(item, list):
            _sequence(item, indent + _INDENT, out, depth - 1)
        else:
            out.append(_scalar(item, indent, depth) + "\n")


def _scalar(value: Any, indent: str, depth: int) -> str:
    kind = type(value)
    if kind is str:
        return _block(value, indent + _INDENT) if "\n" in value else _inline(value)
    if kind is bool:
        return "true" if value else "false"
    if value is None:
        return "null"
    if kind is int and INT64_MIN <= value <= UINT64_MAX:
        return str(value)
    if kind is float and math.isfinite(value):
        text = repr(value)
        return text.replace("e", ".0e") if "e" in text and "." not in text else text
    if kind in (dict, list) and depth > 1:
        return "{}" if kind is dict else "[]"
    raise _unfit(f"{value!r:.60} cannot be written as a manifest value")


def _inline(text: str) -> str:
    """Text of one line, quoted unless it is plainly a string to every reader."""
    if _PLAIN.match(text) and _is_string(text):
        return text
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _is_string(text: str) -> bool:
    """Whether no reader takes plain text for anything else, this one or one of YAML 1.1."""
    first = text[0]
    if first not in _TYPED_STARTS or (first.isalpha() and len(text) > _LONGEST_WORD):
        return True
    if text in _LETTERS:
        return False
    try:
        if resolve(text) is not text:
            return False
    except UnfitScalarError:
        return False
    return not any(pattern.match(text) for _, pattern in Resolver.yaml_implicit_resolvers.get(first, ()))


def _block(text: str, indent: str) -> str:
    """Text of several lines after `|`, or quoted where `|` cannot hold it. Without a line break at its end."""
    body = text.rstrip("\n")
    last = body.rsplit("\n", 1)[-1]
    if not _BLOCK.match(text) or not last.strip(" \t"):
        return _inline(text)
    breaks = len(text) - len(body)
    header = "|" + ("2" if body[0] in " \t\n" else "") + ("-", "", "+")[min(breaks, 2)]
    lines = [indent + line if line else "" for line in body.split("\n")]
    return "\n".join([header, *lines]) + "\n" * max(0, breaks - 1)


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        raise _unfit("half of a surrogate pair cannot be written")
    return _ESCAPES.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _escape_json(match: re.Match[str]) -> str:
    code = ord(match.group())
    if 0xD800 <= code <= 0xDFFF:
        raise _unfit("half of a surrogate pair cannot be written")
    return f"\\u{code:04x}"


def _unfit(message: str) -> ManifestError:
    return ManifestError(error(message, code="not-renderable"))
