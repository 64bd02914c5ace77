"""The comments of the .proto files by full name: what documentation says of a kind or a field is written there once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_MESSAGES, _ENUMS, _SERVICES, _EXTENSIONS = 4, 5, 6, 7
"""Field numbers of FileDescriptorProto, which are the path elements of a comment's place."""

_MEMBERS: dict[str, dict[int, str]] = {
    "FileDescriptorProto": {
        _MESSAGES: "message_type",
        _ENUMS: "enum_type",
        _SERVICES: "service",
        _EXTENSIONS: "extension",
    },
    "DescriptorProto": {2: "field", 3: "nested_type", 4: "enum_type", 6: "extension", 8: "oneof_decl"},
    "EnumDescriptorProto": {2: "value"},
    "ServiceDescriptorProto": {2: "method"},
}


class Comments:
    """Comments by full name (`stigmer.backend.v1.AgentSpec.skills`). A value of an enum is a member of the enum."""

    def __init__(self, files: Iterable[Any]) -> None:
        """`files` are FileDescriptorProto messages; those without comments have none to give."""
        self._texts = {name: text for file in files for name, text in _comments(file) if text}

    def of(self, full_name: str) -> str:
        """Paragraphs separated by an empty line, each one line; empty when there is no comment."""
        return self._texts.get(full_name, "")


def paragraphs(comment: str) -> str:
    """A comment's text without the marks of its lines: wrapped lines joined, lists and paragraphs kept apart."""
    lines = [line.strip() for line in comment.strip().splitlines()]
    blocks = re.split(r"\n(?:\n+|(?=[-*] ))", "\n".join(lines))
    return "\n\n".join(" ".join(block.split("\n")) for block in blocks)


def _comments(file: Any) -> Iterator[tuple[str, str]]:
    for place in file.source_code_info.location:
        name = _name(file, place.path)
        if name:
            yield name, paragraphs(place.leading_comments or place.trailing_comments)


def _name(file: Any, path: Sequence[int]) -> str:
    """The full name of what stands at `path`, or an empty string for something that has no name."""
    current, names = file, [file.package]
    for number, index in zip(path[::2], path[1::2], strict=False):
        member = _MEMBERS.get(current.DESCRIPTOR.name, {}).get(number)
        if member is None:
            return ""
        current = getattr(current, member)[index]
        names.append(current.name)
    return ".".join(names) if len(names) > 1 and len(path) % 2 == 0 else ""
