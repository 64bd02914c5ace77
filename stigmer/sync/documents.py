"""What a manifest declares, as plain values: made where the file is read, in this process or in a reader's."""

from __future__ import annotations

import marshal
from collections.abc import Callable
from typing import Any, NamedTuple

from manifests import Manifest, parse
from reconciler import Desired, Origin, Reference, ResourceKey
from stigmer.backend.upload import EncodedBody
from stigmer.contract import Binding, Contract, Kind


class Document(NamedTuple):
    """One document without mistakes. `content` are the canonical bytes of its resource."""

    key: ResourceKey
    digest: bytes
    content: bytes
    origin: Origin
    references: tuple[Reference, ...]

    def desired(self, load: Callable[[], EncodedBody]) -> Desired:
        return Desired(self.key, self.digest, load, self.origin, self.references)


Row = tuple[tuple[str, ...], bytes, bytes, bytes, tuple[Any, ...], tuple[Any, ...]]
"""A document and its marshalled body, made of built-in types only: what passes between processes."""


def document_of(contract: Contract, manifest: Manifest, binding: Binding, kind: Kind, org: str) -> Document:
    """The document of a binding without errors; `org` is the one that a manifest without an org means."""
    key = ResourceKey(kind.name, binding.org or org, binding.slug)
    content = contract.codec.content(binding.message)
    references = tuple(
        Reference(each.path, ResourceKey(each.kind, each.org or key.org, each.slug), each.required)
        for each in contract.references(kind, binding.message)
    )
    source = manifest.source
    origin = Origin(source.path, source.line, source.column or 1, source.document)
    return Document(key, contract.codec.resource_digest(kind, content), content, origin, references)


def read_rows(contract: Contract, data: bytes, path: str, org: str) -> list[Row] | None:
    """The documents of one file. None if there is anything to say about it, or if it draws in values from elsewhere:
    the loader then reads the file itself."""
    parsed = parse(data, path)
    if parsed.diagnostics:
        return None
    rows = []
    for manifest in parsed.documents:
        binding = contract.codec.bind(manifest.value, manifest.spellings)
        kind, message = binding.kind, binding.message
        if kind is None or message is None or binding.sources or binding.archives or contract.check(kind, message):
            return None
        rows.append(_row(document_of(contract, manifest, binding, kind, org), contract.codec.body(kind, message)))
    return rows


def _row(document: Document, body: dict[str, Any]) -> Row:
    references = tuple((path, tuple(target), required) for path, target, required in document.references)
    key, origin = tuple(document.key), tuple(document.origin)
    return key, document.digest, document.content, marshal.dumps(body), origin, references


def from_row(row: Row) -> tuple[Document, Callable[[], EncodedBody]]:
    """The document of a row, and what makes its body."""
    key, digest, content, body, origin, references = row
    document = Document(
        ResourceKey(*key),
        digest,
        content,
        Origin(*origin),
        tuple(Reference(path, ResourceKey(*target), required) for path, target, required in references),
    )
    return document, lambda: EncodedBody(marshal.loads(body), content)  # noqa: S302 -- made by a process of ours
