"""Bytes -> manifests and diagnostics: the loader's front, and the second hop of every `-f`.

`parse` is a pure function of one file's bytes, so that it can run in a worker process; `load` reads a whole tree. Each
document goes through text checks (`split`), composing under limits (`compose`), the quick walk (`construct`) and, where
anything about it is unusual, the careful one (`careful`). A document with a mistake yields diagnostics and no manifest.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, ScalarNode

from manifests.careful import CarefulWalk, ExpansionError
from manifests.compose import LimitError, compose, is_tagged
from manifests.construct import IrregularError, construct, may_have_anchors
from manifests.diagnostics import Diagnostic, ManifestError, Source, error
from manifests.document import Manifest, Text
from manifests.entry import Entry, Scan, Tree
from manifests.jsonstream import json_parts
from manifests.jsontext import read_json, yaml_twin
from manifests.limits import DEFAULT_LIMITS, MIB, Limits
from manifests.scalars import NULLS
from manifests.spelling import Path, Spelled, take_spellings
from manifests.split import Chunk, chunks, directive_fault, fault, is_suspect, unsupported_encoding
from manifests.syntax import explain, text_fault

__all__ = ["Loaded", "Manifest", "Parsed", "load", "parse"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """The documents of one file that have no mistakes, and the mistakes of the others."""

    documents: tuple[Manifest, ...]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The manifests of a tree in the order of its entries, all diagnostics, and the scan they come from."""

    manifests: tuple[Manifest, ...]
    diagnostics: tuple[Diagnostic, ...]
    scan: Scan


def load(tree: Tree, limits: Limits = DEFAULT_LIMITS, *, commit: str = "") -> Loaded:
    """Read and parse every entry of a tree. Never raises for what the files hold."""
    scan = tree.scan()
    manifests: list[Manifest] = []
    diagnostics = list(scan.diagnostics)
    with _no_collection():
        for entry in scan.entries:
            parsed = _load_one(tree, entry, limits, commit)
            manifests += parsed.documents
            diagnostics += parsed.diagnostics
    return Loaded(tuple(manifests), tuple(diagnostics), scan)


def parse(data: bytes, path: str, limits: Limits = DEFAULT_LIMITS, *, commit: str = "") -> Parsed:
    """The documents of one file. Empty documents yield nothing. Pure, and its result can be pickled."""
    refusal = _refusal(data, path, limits, commit)
    if refusal is not None:
        return Parsed((), (refusal,))
    return _File(data, path, limits, commit).read()


def _load_one(tree: Tree, entry: Entry, limits: Limits, commit: str) -> Parsed:
    try:
        data = tree.read(entry)
    except ManifestError as caught:
        return Parsed((), (caught.diagnostic,))
    return parse(data, entry.path, limits, commit=commit)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the cyclic collector: nodes are freed by their counts, and it would walk all values made so far."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _refusal(data: bytes, path: str, limits: Limits, commit: str) -> Diagnostic | None:
    source = Source(path, 0, 1, 1, commit)
    if len(data) > limits.file_bytes:
        size = f"{limits.file_bytes // MIB} MiB" if limits.file_bytes >= MIB else f"{limits.file_bytes:,} bytes"
        return error(f"the file is larger than {size}", source, code="file-too-large", hint="split it")
    if data[:1] in b"\x00\xff\xfe" or data[1:2] == b"\0":
        encoding = unsupported_encoding(data)
        if encoding:
            hint = "save the file with the encoding UTF-8"
            return error(f"the file is encoded in {encoding}, not in UTF-8", source, hint=hint, code="encoding")
    return None


class _File:
    """The reading of one file: what its documents gave so far, and how much it may still cost."""

    def __init__(self, data: bytes, path: str, limits: Limits, commit: str) -> None:
        self._data = data
        self._path = path
        self._limits = limits
        self._commit = commit
        self._nodes_left = limits.file_nodes
        self._documents: list[Manifest] = []
        self._mistakes: list[Diagnostic] = []
        self._number = 0
        self._is_spent = False

    def read(self) -> Parsed:
        for part, chunk in enumerate(self._chunks()):
            text = Text(self._path, self._number, self._commit, self._data, chunk)
            if self._is_one_too_many(part, text):
                message = f"more than {self._limits.documents:,} documents in one file"
                self._mistakes.append(error(message, text.source(0, 0), text.line(0), code="too-many-documents"))
                break
            self._document(text)
            if self._is_spent:
                break
            if len(self._mistakes) >= self._limits.mistakes:
                message = "the rest of the file is not read: too many mistakes"
                self._mistakes.append(error(message, text.source(0, 0), code="too-many-mistakes"))
                break
        return Parsed(tuple(self._documents), tuple(self._mistakes))

    def _chunks(self) -> Iterator[Chunk]:
        for chunk in chunks(self._data):
            yield from json_parts(self._data, chunk, self._limits.document_bytes)

    def _is_one_too_many(self, part: int, text: Text) -> bool:
        """Empty documents do not count, but as many of them as of others are enough."""
        most = self._limits.documents
        return part >= 2 * most or (self._number >= most and bool(text.content.strip(b"-. \t\r\n")))

    def _document(self, text: Text) -> None:
        content = text.content
        if len(content) > self._limits.document_bytes:
            message = f"the document is larger than {self._limits.document_bytes:,} bytes"
            self._mistakes.append(error(message, text.source(0, 0), text.line(0), code="document-too-large"))
            self._number += 1
            return
        if not self._json(text, content):
            self._yaml(text, content)

    def _json(self, text: Text, content: bytes) -> bool:
        marker = 3 if content.startswith(b"---") else 0
        if content[marker:].lstrip()[:1] != b"{":
            return False
        read = read_json(content[marker:], self._limits)
        if read is None or read[2] > self._nodes_left:
            return False
        value, spellings, nodes = read
        self._nodes_left -= nodes
        start = content.index(b"{")
        line = content.count(b"\n", 0, start)
        column = start - content.rfind(b"\n", 0, start) - 1
        self._documents.append(Manifest(value, text.source(line, column), spellings, text, is_json=True))
        self._number += 1
        return True

    def _yaml(self, text: Text, content: bytes) -> None:
        wrong, is_preamble = directive_fault(content)
        if wrong is None and is_suspect(content):
            wrong = fault(content)
        if wrong is not None:
            self._mistakes.append(text_fault(text, wrong))
            self._number += 1
        elif not is_preamble:
            self._composed(text, content)

    def _composed(self, text: Text, content: bytes) -> None:
        try:
            node, nodes = compose(content, self._limits, self._nodes_left)
        except LimitError as caught:
            source, line = text.place(caught.mark)
            self._mistakes.append(error(str(caught), source, line, code=caught.code))
            self._is_spent = caught.is_of_file
        except yaml.YAMLError as caught:
            self._mistakes += self._hidden_mistakes(text, content) or [explain(text, caught)]
        else:
            self._nodes_left -= nodes
            if node is None or _is_null(node):
                return
            self._constructed(text, content, node)
        self._number += 1

    def _constructed(self, text: Text, content: bytes, node: Any) -> None:
        source = text.source(node.start_mark.line, node.start_mark.column)
        if not isinstance(node, MappingNode):
            message = "a manifest must be a mapping of fields, and this document is not"
            hint = 'start with "apiVersion: ..." and "kind: ..."'
            self._mistakes.append(error(message, *text.place(node.start_mark), hint=hint, code="not-a-mapping"))
            return
        if not is_tagged(node) and not may_have_anchors(content):
            manifest = _ordinary(node, source, text, self._limits)
            if manifest is not None:
                self._documents.append(manifest)
                return
        walk = CarefulWalk(self._limits, text.place)
        try:
            value = walk.mapping(node)
        except ExpansionError as caught:
            walk.mistakes.append(caught.diagnostic)
        if walk.mistakes:
            self._mistakes += walk.mistakes
        else:
            self._documents.append(Manifest(value, source, walk.spellings, text))

    def _hidden_mistakes(self, text: Text, content: bytes) -> list[Diagnostic]:
        """The mistakes of JSON that YAML cannot read only for its escapes: they are what the writer has to mend."""
        twin = yaml_twin(content)
        if twin == content or content.lstrip()[:1] != b"{":
            return []
        try:
            node, _ = compose(twin, self._limits, self._nodes_left)
            walk = CarefulWalk(self._limits, text.place)
            if isinstance(node, MappingNode):
                walk.mapping(node)
        except (yaml.YAMLError, LimitError, ExpansionError):
            return []
        return walk.mistakes


def _ordinary(node: MappingNode, source: Source, text: Text, limits: Limits) -> Manifest | None:
    """The manifest, or None if the document needs the careful walk."""
    spelled: list[Spelled] = []
    try:
        value = construct(node, limits.depth, spelled)
    except IrregularError:
        return None
    spellings: dict[Path, str] = {}
    if spelled:
        take_spellings(value, (), spellings)
    return Manifest(value, source, spellings, text)


def _is_null(node: Any) -> bool:
    return isinstance(node, ScalarNode) and not is_tagged(node) and not node.style and node.value in NULLS
