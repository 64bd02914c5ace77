"""Kinds and fields as documentation shows them, made from the registry: `stigmer explain` and the reference pages.

Everything is read from descriptors, comments and constraints; no field is named here. Fields are found by the paths
that manifests have (`spec.mcpServers.name`), in either spelling, with or without list indexes and map keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from stigmer.backend.v1 import options_pb2
from stigmer.contract.annotations import Annotations, default_annotations
from stigmer.contract.constraints import needs_value
from stigmer.contract.kinds import Contract, Kind, default_contract
from stigmer.contract.phrases import (
    constraint_phrases,
    enum_words,
    shorthand_phrases,
    type_text,
    value_shape,
)
from stigmer.contract.shapes import FieldShape, MessageShape, lower_camel
from stigmer.contract.spellings import stand_ins
from stigmer.contract.suggest import did_you_mean
from stigmer.errors import NotFound

KEY = "NAME"
"""What stands for a map's key in a field's path."""

ENVELOPE = {
    "apiVersion": "Group and version that the kind belongs to.",
    "kind": "What the manifest describes.",
    "metadata": "Names and labels: what every resource carries beside its spec.",
    "spec": "What the resource is to be.",
    "status": "What the server says of the resource. Ignored in a manifest.",
}
"""Descriptions of the fields that every kind has, where the contract has no comment on them."""

_LIST_TYPES = {
    options_pb2.LIST_TYPE_SET: "set",
    options_pb2.LIST_TYPE_MAP: "map",
}

_SEGMENT = re.compile(r"""\.?([^.\[\]]+)|\[("(?:[^"\\]|\\.)*"|[^\]]*)\]""")


@dataclass(frozen=True, slots=True)
class Target:
    """The kind that a reference names. `required`: a missing target is an error, otherwise a warning."""

    kind: str
    required: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values that a field may have."""

    text: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class FieldEntry:
    """One field of a kind, or the kind itself (empty `path`).

    `path` is the manifest's, with [] behind a list and NAME for a map's key. `type` is worded like `[]string`. A
    `required` field may be left out where one of `unless` is given. `list_type` is set, map or empty (replaced as a
    whole); `list_key` the member by which the items of a map are found. `secret_when` is the flag beside the field that
    makes it secret; `sibling` the list whose items it names; `one_of` the fields of which one at most is given, this
    one included. `default` is JSON, empty for none. `constraints` are on the value, `rules` on what the fields below it
    say together.
    """

    kind: str
    path: str
    name: str
    type: str
    description: str
    required: bool = False
    unless: tuple[str, ...] = ()
    read_only: bool = False
    immutable: bool = False
    deprecated: bool = False
    secret: bool = False
    secret_when: str = ""
    list_type: str = ""
    list_key: str = ""
    reference: Target | None = None
    sibling: str = ""
    one_of: tuple[str, ...] = ()
    default: str = ""
    choices: tuple[Choice, ...] = ()
    constraints: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    shorthands: tuple[str, ...] = ()
    examples: tuple[Any, ...] = ()
    shape: MessageShape | None = field(default=None, repr=False)

    @property
    def has_fields(self) -> bool:
        return self.shape is not None

    @property
    def marks(self) -> tuple[str, ...]:
        """The properties that a table shows, in words."""
        reference = self.reference
        marks = (
            (self.required, f"required unless {' or '.join(self.unless)} is given" if self.unless else "required"),
            (self.read_only, "read-only"),
            (self.immutable, "immutable"),
            (self.deprecated, "deprecated"),
            (self.secret, "secret"),
            (bool(self.secret_when), f"secret when {self.secret_when}"),
            (self.list_type == "set", "set"),
            (self.list_type == "map", f"map by {self.list_key}"),
            (reference is not None, f"reference to {reference.kind if reference else ''}"),
            (bool(self.sibling), f"names of {self.sibling}"),
            (bool(self.one_of), f"one of {', '.join(self.one_of)}"),
        )
        return tuple(text for holds, text in marks if holds)


class Explainer:
    """The entries of one contract. `annotations` are those of the descriptor set that the contract was made from."""

    def __init__(self, contract: Contract, annotations: Annotations) -> None:
        self.contract = contract
        self.comments = annotations.comments
        self.constraints = annotations.constraints

    def kind(self, kind: Kind) -> FieldEntry:
        """The kind itself."""
        return FieldEntry(
            kind=kind.name,
            path="",
            name=kind.name,
            type=kind.name,
            description=self.comments.of(kind.descriptor.full_name),
            shape=kind.shape,
        )

    def children(self, entry: FieldEntry) -> tuple[FieldEntry, ...]:
        """The fields written below `entry`, in the contract's order; none for a value without fields."""
        if entry.shape is None:
            return ()
        return tuple(self._entry(entry, entry.shape, each) for each in entry.shape.fields)

    def members(self, shape: MessageShape) -> tuple[FieldEntry, ...]:
        """The fields of a message type wherever it is used; their paths are their names."""
        owner = FieldEntry(kind="", path="", name=shape.descriptor.name, type="", description="", shape=shape)
        return self.children(owner)

    def walk(self, entry: FieldEntry) -> Iterator[tuple[int, FieldEntry]]:
        """Every field below `entry` with its depth from 0. A type inside itself is named and not entered again."""
        yield from self._walk(entry, 0, (entry.shape,))

    def resolve(self, kind: Kind, path: str) -> FieldEntry:
        """The entry at a path below the kind, such as `spec.mcp_servers[0].name`. List indexes and map keys may be
        given and are passed over. Raises NotFound, which names the fields there are."""
        entry = self.kind(kind)
        may_skip = False
        segments = [match[1] or match[2] for match in _SEGMENT.finditer(path)]
        bracketed = [match[1] is None for match in _SEGMENT.finditer(path)]
        for index, segment in enumerate(segments):
            skippable = self._is_container(entry) and may_skip
            if bracketed[index] and skippable:
                continue
            found = self._child(entry, segment)
            if found is not None:
                entry, may_skip = found, True
            elif skippable and self._is_key(entry, segment, last=index == len(segments) - 1):
                may_skip = False
            else:
                raise self._unknown(entry, segment)
        return entry

    def _walk(
        self, entry: FieldEntry, depth: int, above: tuple[MessageShape | None, ...]
    ) -> Iterator[tuple[int, FieldEntry]]:
        for child in self.children(entry):
            yield depth, child
            if child.shape is not None and child.shape not in above:
                yield from self._walk(child, depth + 1, (*above, child.shape))

    def _child(self, entry: FieldEntry, segment: str) -> FieldEntry | None:
        if entry.shape is None:
            return None
        shape = entry.shape.by_key.get(segment)
        return self._entry(entry, entry.shape, shape) if shape is not None else None

    def _is_container(self, entry: FieldEntry) -> bool:
        return entry.type.startswith(("[]", "map["))

    def _is_key(self, entry: FieldEntry, segment: str, *, last: bool) -> bool:
        """Whether a word that is no field can be a map's key or a list's index rather than a mistyped field."""
        if "map[" not in entry.type:
            return segment.isdecimal()
        return not (last and self._near(entry, segment))

    def _near(self, entry: FieldEntry, segment: str) -> str:
        return did_you_mean(segment, (child.name for child in self.children(entry)))

    def _unknown(self, entry: FieldEntry, segment: str) -> NotFound:
        names = [child.name for child in self.children(entry)]
        where = f"{entry.kind}.{entry.path}" if entry.path else entry.kind
        if not names:
            return NotFound(f'there is no "{segment}": {where} is of type {entry.type}, which has no fields')
        hint = "; ".join(text for text in (self._near(entry, segment), f"the fields are {', '.join(names)}") if text)
        return NotFound(f'{where} has no field "{segment}"', hint=hint)

    def _entry(self, parent: FieldEntry, owner: MessageShape, shape: FieldShape) -> FieldEntry:
        rules = shape.rules
        constraints = self.constraints.of_field(shape.descriptor.full_name)
        below = value_shape(shape)
        target = Target(rules.reference.kind, rules.reference.required) if rules.HasField("reference") else None
        envelope = bool(parent.kind) and not parent.path and shape.key in {"apiVersion", "kind"}
        return FieldEntry(
            kind=parent.kind,
            path=_path(parent, shape.key),
            name=shape.key,
            type=type_text(shape),
            description=self._description(parent, shape),
            required=envelope or needs_value(shape, constraints),
            unless=tuple(other.key for other in stand_ins(owner).get(shape.name, ())),
            read_only=rules.output_only or parent.read_only,
            immutable=rules.immutable,
            deprecated=shape.descriptor.GetOptions().deprecated,
            secret=rules.secret,
            secret_when=lower_camel(rules.secret_when),
            list_type=_LIST_TYPES.get(rules.list_type, ""),
            list_key=lower_camel(rules.list_key),
            reference=target,
            sibling=rules.sibling.list,
            one_of=_one_of(owner, shape),
            default=rules.default_value,
            choices=self._choices(shape),
            constraints=tuple(constraint_phrases(constraints)),
            rules=tuple(self._rules(below)),
            shorthands=tuple(shorthand_phrases(shape)),
            examples=constraints.examples,
            shape=below,
        )

    def _description(self, parent: FieldEntry, shape: FieldShape) -> str:
        own = self.comments.of(shape.descriptor.full_name)
        if not own and parent.kind and not parent.path:
            return ENVELOPE.get(shape.key, "")
        if own:
            return own
        below = value_shape(shape)
        return self.comments.of(below.full_name) if below is not None else ""

    def _choices(self, shape: FieldShape) -> tuple[Choice, ...]:
        return tuple(Choice(word, self.comments.of(name)) for word, name in enum_words(shape).items())

    def _rules(self, shape: MessageShape | None) -> Iterator[str]:
        if shape is None:
            return
        for rule in self.constraints.of_message(shape.full_name):
            yield rule.message or rule.expression
        for oneof in shape.descriptor.oneofs:
            if self.constraints.is_required_oneof(oneof.full_name):
                yield f"exactly one of {', '.join(lower_camel(each.name) for each in oneof.fields)}"


@cache
def default_explainer() -> Explainer:
    """Of the contract this version of stigmer was built with."""
    return Explainer(default_contract(), default_annotations())


def _path(parent: FieldEntry, key: str) -> str:
    if not parent.path:
        return key
    suffix = "[]" if parent.type.startswith("[]") else ""
    return f"{parent.path}{suffix}.{KEY}.{key}" if "map[" in parent.type else f"{parent.path}{suffix}.{key}"


def _one_of(owner: MessageShape, shape: FieldShape) -> tuple[str, ...]:
    return tuple(each.key for each in owner.fields if shape.oneof and each.oneof == shape.oneof)
