"""Nodes of an unusual or mistaken document -> plain values, spellings, and every mistake with its position.

Aliases are expanded here, each use into values of its own, while nodes, characters and depth are counted over the
expanded document. Everything wrong is collected and the walk goes on, so that one run shows all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml
from yaml.nodes import MappingNode, ScalarNode

from manifests.diagnostics import Diagnostic, Related, Source, error
from manifests.limits import Limits
from manifests.scalars import Scalar, UnfitScalarError, is_canonical, resolve, type_name
from manifests.spelling import Path

Place = Callable[[Any], tuple[Source, str]]
"""A yaml mark -> where that is, and the text of its line."""

_SHOWN_CHARACTERS = 60
_YAML_TAG = "tag:yaml.org,2002:"


class ExpansionError(Exception):
    """What aliases expand to exceeds a limit; the diagnostic says where."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class CarefulWalk:
    """One walk over one document. After `mapping`, `mistakes` and `spellings` are complete."""

    def __init__(self, limits: Limits, place: Place) -> None:
        self.mistakes: list[Diagnostic] = []
        self.spellings: dict[Path, str] = {}
        self._limits = limits
        self._place = place
        self._path: list[str | int] = []
        self._open: set[int] = set()
        self._met: set[int] = set()
        self._nodes = self._characters = self._aliases = 0
        self._expanding = False

    def mapping(self, node: MappingNode) -> dict[str, Any]:
        """The document's value; worthless if there are mistakes. Raises ExpansionError."""
        value = self._value(node)
        assert isinstance(value, dict)
        return value

    def _value(self, node: Any) -> Any:
        if not self._is_alias(node):
            return self._written(node)
        self._expanding = True
        value = self._written(node)
        self._expanding = False
        return value

    def _written(self, node: Any) -> Any:
        self._count(node)
        if node.tag is not None:
            self._mistake(node, f"tags are not supported: {_shown_tag(node.tag)}", "tag", _tag_hint(node.tag))
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            self._expanding = False
            self._mistake(node, "an alias stands inside the value it refers to", "recursive-alias")
            return None
        if len(self._open) >= self._limits.depth:
            raise self._excess(node, f"more than {self._limits.depth} levels of nesting", "too-deep")
        self._open.add(id(node))
        value = self._pairs(node) if isinstance(node, MappingNode) else self._items(node)
        self._open.discard(id(node))
        return value

    def _pairs(self, node: MappingNode) -> dict[str, Any]:
        out: dict[str, Any] = {}
        first: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in first:
                self._duplicate(key, first[key], key_node)
            elif key is not None:
                first[key] = key_node
            self._path.append("" if key is None else key)
            value = self._value(value_node)
            self._path.pop()
            if key is not None:
                out[key] = value
        return out

    def _items(self, node: yaml.SequenceNode) -> list[Any]:
        out = []
        for index, item in enumerate(node.value):
            self._path.append(index)
            out.append(self._value(item))
            self._path.pop()
        return out

    def _scalar(self, node: ScalarNode) -> Scalar:
        text: str = node.value
        if node.style:
            return text
        try:
            value = resolve(text)
        except UnfitScalarError as caught:
            self._mistake(node, str(caught), "unfit-scalar", f'to keep it as text, write "{_shown(text)}"')
            return None
        if not is_canonical(text, value):
            self.spellings[tuple(self._path)] = text
        return value

    def _key(self, node: Any) -> str | None:
        self._is_alias(node)
        self._count(node)
        if not isinstance(node, ScalarNode):
            hint = 'text with "{{ }}" or "[ ]" at its start must be quoted' if node.flow_style else ""
            self._mistake(node, "a key must be a string, not a list or a mapping", "bad-key", hint)
            return None
        if node.tag is not None:
            self._mistake(node, f"tags are not supported: {_shown_tag(node.tag)}", "tag", _tag_hint(node.tag))
        key: str = node.value
        if node.style:
            return key
        if key == "<<":
            self._mistake(node, "merge keys are not supported", "merge-key", "write the fields out")
            return None
        return key if self._is_text(node) else None

    def _is_text(self, node: ScalarNode) -> bool:
        key = node.value
        try:
            value = resolve(key)
        except UnfitScalarError:
            value = 0
        if isinstance(value, str):
            return True
        if key == "":
            self._mistake(node, "a key is missing", "bad-key")
        else:
            message = f"a key must be a string, and {_shown(key)} is {type_name(value)}"
            self._mistake(node, message, "bad-key", f'write "{_shown(key)}"')
        return False

    def _count(self, node: yaml.Node) -> None:
        self._nodes += 1
        if isinstance(node, ScalarNode):
            self._characters += len(node.value)
        if self._nodes > self._limits.nodes or self._characters > self._limits.expanded_characters:
            raise self._excess(node, "the aliases expand to a document larger than allowed", "alias-expansion")

    def _is_alias(self, node: yaml.Node) -> bool:
        """Whether the node was met before, outside of what another alias stands for."""
        if id(node) not in self._met:
            self._met.add(id(node))
            return False
        if self._expanding:
            return False
        self._aliases += 1
        if self._aliases > self._limits.aliases:
            raise self._excess(node, f"more than {self._limits.aliases:,} aliases", "too-many-aliases")
        return True

    def _duplicate(self, key: str, first: yaml.Node, second: yaml.Node) -> None:
        source, line = self._place(first.start_mark)
        related = (Related("first set here", source, line),)
        self._mistake(second, f'duplicate key "{_shown(key)}"', "duplicate-key", related=related)

    def _mistake(
        self, node: yaml.Node, message: str, code: str, hint: str = "", related: tuple[Related, ...] = ()
    ) -> None:
        if len(self.mistakes) < self._limits.mistakes and not self._expanding:  # what is written is said once
            source, line = self._place(node.start_mark)
            self.mistakes.append(error(message, source, line, hint=hint, related=related, code=code))

    def _excess(self, node: yaml.Node, message: str, code: str) -> ExpansionError:
        source, line = self._place(node.start_mark)
        return ExpansionError(error(message, source, line, code=code))


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def _shown_tag(tag: str) -> str:
    return _shown("!!" + tag.removeprefix(_YAML_TAG) if tag.startswith(_YAML_TAG) else tag)


def _tag_hint(tag: str) -> str:
    return "put the value in quotes instead" if tag == _YAML_TAG + "str" else "remove the tag"
