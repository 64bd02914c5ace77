"""JSON documents by the JSON parser: seven times faster than as YAML, and right where YAML is not.

JSON written by other programs spells emoji as pairs of `\\ud83d\\ude00` escapes, which YAML refuses, and may hold line
separators inside strings. Whatever this module does not accept with certainty it leaves to YAML, which knows how to
say what is wrong; `yaml_twin` is the text to give it, equal in every position.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from manifests.limits import Limits
from manifests.scalars import INT64_MIN, UINT64_MAX, is_canonical
from manifests.spelling import Path, Spelled, take_spellings

_MOST_DIGITS = 20
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_UNREADABLE = re.compile("[\x7f-\x84\x86-\x9f\ufffe\uffff]")
_RARE_BREAK = re.compile(b"\xc2\x85|\xe2\x80[\xa8\xa9]")


class _NotPlainError(ValueError):
    """JSON that YAML has to decide about."""


def read_json(content: bytes, limits: Limits) -> tuple[dict[str, Any], dict[Path, str], int] | None:
    """The value, the spellings and no less than the number of nodes of a JSON object; None where the text is
    something else, is mistaken, or comes near a limit."""
    nodes = 1 + sum(map(content.count, (b",", b":", b"[", b"{")))
    if nodes > limits.nodes:
        return None
    spelled: list[Spelled] = []

    def number(text: str) -> float | Spelled:
        value = _float(text)
        if isinstance(value, Spelled):
            spelled.append(value)
        return value

    try:
        text = content.decode()
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=number, parse_constant=_refuse
        )
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not _is_sound(content, text, value, limits):
        return None
    spellings: dict[Path, str] = {}
    if spelled:
        take_spellings(value, (), spellings)
    return value, spellings, nodes


def yaml_twin(content: bytes) -> bytes:
    """YAML of the same lines and columns as this JSON: what YAML cannot read inside strings is replaced."""
    return _RARE_BREAK.sub(b"?", _SURROGATE.sub(rb"\\u003f", content))


def _is_sound(content: bytes, text: str, value: dict[str, Any], limits: Limits) -> bool:
    if (not content.isascii() or b"\x7f" in content) and _UNREADABLE.search(text):
        return False
    if content.count(b"[") + content.count(b"{") > limits.depth and not _fits(value, limits.depth):
        return False
    if _SURROGATE.search(content):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # half of a pair
            return False
    return True


def _fits(value: Any, depth: int) -> bool:
    if not isinstance(value, (dict, list)):
        return True
    items = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(_fits(item, depth - 1) for item in items)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise _NotPlainError
    return out


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise _NotPlainError
    value = int(text)
    if not INT64_MIN <= value <= UINT64_MAX or text == "-0":
        raise _NotPlainError
    return value


def _float(text: str) -> float | Spelled:
    value = float(text)
    if math.isinf(value):
        raise _NotPlainError
    return value if is_canonical(text, value) else Spelled(value, text)


def _refuse(text: str) -> Any:
    raise _NotPlainError(text)
