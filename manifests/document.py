"""A manifest: one document's plain value, and the way back from a field to the line that wrote it.

The value carries no positions. Who needs one asks `locate`, which composes this one document again from the file's
bytes; so loading a hundred thousand documents pays nothing for the few lines that errors and plans print.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from manifests.compose import compose_again
from manifests.diagnostics import Diagnostic, Severity, Source
from manifests.jsontext import yaml_twin
from manifests.positions import Segment, find
from manifests.split import Chunk, line_at, line_starts


@dataclass(slots=True, eq=False)
class Text:
    """The text of one document and where in which file it stands."""

    path: str
    document: int
    commit: str
    data: bytes = field(repr=False)
    chunk: Chunk
    _starts: list[int] | None = field(default=None, repr=False)

    @property
    def content(self) -> bytes:
        start, end, _ = self.chunk
        return self.data[start:end]

    def source(self, line: int, column: int) -> Source:
        """The place of a line and column of the document, both from 0."""
        return Source(self.path, self.document, self.chunk.line + line + 1, column + 1, self.commit)

    def line(self, number: int) -> str:
        """The document's line, from 0."""
        if self._starts is None:
            self._starts = line_starts(self.content)
        return line_at(self.content, self._starts, number)

    def place(self, mark: Any) -> tuple[Source, str]:
        """Where a yaml mark is and the line it stands on; a mark behind the last line means that line's end."""
        if mark is None:
            return self.source(0, 0), self.line(0)
        line, column = mark.line, mark.column
        text = self.line(line)
        while line and not text.strip():
            line, column = line - 1, -1
            text = self.line(line)
        return self.source(line, len(text) if column < 0 else column), text


@dataclass(slots=True, eq=False)
class Manifest:
    """One document. `value` is made of dict, list, str, int, float, bool and None. `spellings` holds the source text
    of the plain scalars that other text than theirs would reproduce (`1e3`, `True`, `007`, `1.0`), by path. The repr
    says only where it stands: values may be secret."""

    value: dict[str, Any] = field(repr=False)
    source: Source
    spellings: Mapping[tuple[str | int, ...], str] = field(repr=False)
    text: Text = field(repr=False)
    is_json: bool = False

    def locate(self, segments: Sequence[Segment], *, key: bool = False) -> Source:
        """Where the field stands that `segments` lead to, or the nearest of its ancestors that is written.

        A str is a mapping's key (`mcp_servers` finds `mcpServers` and the reverse), an int a list's index, (k, v) the
        list item whose member k is v. With `key`, the position is that of the key instead of the value.
        """
        root = _composed(self)
        if root is None:
            return self.source
        mark = find(root, segments, key=key)
        return self.text.source(mark.line, mark.column)

    def snippet(self, source: Source) -> str:
        """The line that `source` stands on."""
        return self.text.line(source.line - 1 - self.text.chunk.line)

    def diagnose(
        self,
        message: str,
        segments: Sequence[Segment] = (),
        *,
        key: bool = False,
        severity: Severity = Severity.ERROR,
        hint: str = "",
        code: str = "",
    ) -> Diagnostic:
        """A diagnostic about the field that `segments` lead to."""
        source = self.locate(segments, key=key)
        return Diagnostic(severity, message, source, self.snippet(source), hint, (), code)


_latest: tuple[Text, yaml.Node | None] | None = None


def _composed(manifest: Manifest) -> yaml.Node | None:
    """The document's nodes. Those of the latest document are kept: fields are asked for document by document."""
    global _latest  # noqa: PLW0603 - one slot, replaced as a whole
    latest = _latest
    if latest is None or latest[0] is not manifest.text:
        content = manifest.text.content
        try:
            root = compose_again(yaml_twin(content) if manifest.is_json else content)
        except yaml.YAMLError:  # JSON that YAML cannot read: a key of more than 1,024 characters
            root = None
        latest = _latest = manifest.text, root
    return latest[1]
