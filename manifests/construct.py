"""Nodes of an ordinary document -> plain values, in one quick walk.

It knows only what ordinary manifests contain. On anything else (an anchor, a tag, a duplicate or untyped key, a number
whose spelling has to be kept, a value out of range) it raises IrregularError, and `careful` walks the same nodes again:
that one explains mistakes, this one has none to explain.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.nodes import MappingNode, ScalarNode

from manifests.scalars import MAYBE_TYPED, Scalar, UnfitScalarError, is_canonical, resolve
from manifests.spelling import Spelled

REMEMBERED_KEYS = 4096
"""Key texts known to be strings; sharing them also saves the memory of one copy per document."""

_LONGEST_REMEMBERED = 64

# The look-behind stands after the & so that the search runs from one & to the next.
_ANCHOR = re.compile(rb"&(?<![0-9A-Za-z]&)[0-9A-Za-z_-]")
_known_keys: dict[str, str] = {}


class IrregularError(Exception):
    """The document needs the careful walk."""


def may_have_anchors(text: bytes) -> bool:
    """False only if no node of the text can have an anchor, so that no node is met twice. An anchor starts a token,
    and libyaml ends none between a letter or digit and `&`: `Q&A` has none, nor have `a && b` and `x & y`."""
    return _ANCHOR.search(text) is not None


def construct(node: MappingNode, depth: int, spelled: list[Spelled]) -> dict[str, Any]:
    """The mapping's value; `depth` more levels of collections are allowed, this one included. Scalars whose spelling
    has to be kept stand in it as Spelled, and are listed in `spelled`. Raises IrregularError."""
    if depth <= 0:
        raise IrregularError
    out: dict[str, Any] = {}
    pairs = node.value
    for key_node, value_node in pairs:
        try:
            key = _known_keys[key_node.value]
        except (KeyError, TypeError):
            key = _learn(key_node)
        if value_node.tag is not None or key_node.tag is not None:
            raise IrregularError
        kind = type(value_node)
        if kind is ScalarNode:
            text = value_node.value
            out[key] = _typed(text, spelled) if not value_node.style and text[:1] in MAYBE_TYPED else text
        elif kind is MappingNode:
            out[key] = construct(value_node, depth - 1, spelled)
        else:
            out[key] = _sequence(value_node, depth - 1, spelled)
    if len(out) != len(pairs):
        raise IrregularError
    return out


def _sequence(node: yaml.SequenceNode, depth: int, spelled: list[Spelled]) -> list[Any]:
    if depth <= 0:
        raise IrregularError
    out: list[Any] = []
    for item in node.value:
        if item.tag is not None:
            raise IrregularError
        kind = type(item)
        if kind is ScalarNode:
            text = item.value
            out.append(_typed(text, spelled) if not item.style and text[:1] in MAYBE_TYPED else text)
        elif kind is MappingNode:
            out.append(construct(item, depth - 1, spelled))
        else:
            out.append(_sequence(item, depth - 1, spelled))
    return out


def _typed(text: str, spelled: list[Spelled]) -> Scalar | Spelled:
    try:
        value = resolve(text)
    except UnfitScalarError:
        raise IrregularError from None
    if is_canonical(text, value):
        return value
    item = Spelled(value, text)
    spelled.append(item)
    return item


def _learn(node: yaml.Node) -> str:
    """The key's text, if it is a string for certain; and remember it, if it would be one without quotes too."""
    if type(node) is not ScalarNode:
        raise IrregularError
    key: str = node.value
    if key == "<<" or key[:1] in MAYBE_TYPED:
        if not node.style and (key == "<<" or not _is_text(key)):
            raise IrregularError
        if node.style:
            return key
    if len(_known_keys) < REMEMBERED_KEYS and len(key) <= _LONGEST_REMEMBERED:
        _known_keys[key] = key
    return key


def _is_text(key: str) -> bool:
    try:
        return resolve(key) is key
    except UnfitScalarError:
        return False
