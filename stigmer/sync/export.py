"""The export use case: what a backend holds, as manifests in the order in which they can be applied.

Everything is read first (`export_read`), as of one revision; then each resource becomes a document, here and nowhere
else; and a sink takes the text: one stream (`export_stream`) or a folder of files (`export_files`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from manifests import DEFAULT_LIMITS, ManifestError, render, render_json
from reconciler import ResourceKey
from stigmer.errors import FailedPrecondition, StigmerError
from stigmer.sync.export_layout import Place
from stigmer.sync.export_read import Collected, Selection
from stigmer.sync.request import Emit
from stigmer.sync.spool import Spool

if TYPE_CHECKING:
    from stigmer.backend.client import GrpcBackend
    from stigmer.contract import Contract, Kind

Form: TypeAlias = Literal["yaml", "json"]
"""How documents are written: YAML, or each as JSON in one line."""

Document: TypeAlias = dict[str, Any]

Transform: TypeAlias = Callable[["Kind", Document, Place | None], Document]
"""Changes a document on its way out: for content that a manifest holds in another form. The place is where the document
will lie and may be given further files to lie beside it; it is None in a stream, where everything must be inline."""

PROGRESS_EVERY = 500
"""Resources between two progress events."""


@dataclass(frozen=True, slots=True)
class Writing:
    """Progress: so many resources have become manifests."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Oversized:
    """A warning: this manifest has more bytes than one that is read may have."""

    key: ResourceKey
    size: int


@dataclass(frozen=True, slots=True)
class Exported:
    """The end of an export: how many resources, and the revision that all of them are of."""

    resources: int
    revision: int


class Sink(Protocol):
    """Takes the manifests of one export, in order."""

    def place(self, kind: Kind, key: ResourceKey) -> Place | None:
        """Where a resource will lie; None for a sink without places."""
        ...

    def put(self, data: bytes, place: Place | None) -> None:
        """One document, whole and with a final line break, and the further files that its place was given."""
        ...

    def finish(self) -> None:
        """Nothing more will come. Not called for an export that fails."""
        ...


def export(
    selection: Selection,
    backend: GrpcBackend,
    default_org: str,
    sink: Sink,
    *,
    form: Form = "yaml",
    transform: Transform | None = None,
    emit: Emit,
) -> Exported:
    """Gives every selected resource to `sink`, default instances left out. Raises what `Collected.read` does, and
    FailedPrecondition for a resource that no manifest can hold; the sink is not finished then."""
    with Spool() as spool:
        collected = Collected(selection, backend, spool, emit)
        revision = collected.read()
        total = len(collected)
        for done, (key, message) in enumerate(collected.resources()):
            if done % PROGRESS_EVERY == 0:
                emit(Writing(done, total))
            kind = backend.contract.kinds[key.kind]
            place = sink.place(kind, key)
            document = document_of(backend.contract, message, default_org, place, transform)
            data = encode(key, document, form)
            if len(data) > DEFAULT_LIMITS.document_bytes - MARKER_BYTES:
                emit(Oversized(key, len(data)))
            sink.put(data, place)
        sink.finish()
    return Exported(total, revision)


def document_of(
    contract: Contract, message: Any, default_org: str, place: Place | None = None, transform: Transform | None = None
) -> Document:
    """What a manifest of the resource says: only what a manifest may contain, without an org where it is the backend's
    own and without a slug that the name gives."""
    kind = contract.kinds[message.DESCRIPTOR.name]
    document = contract.codec.manifest(kind, message, default_org=default_org)
    return transform(kind, document, place) if transform is not None else document


MARKER_BYTES = len("---\n")
"""Counted as part of a document that stands in a stream."""


def encode(key: ResourceKey, document: Document, form: Form) -> bytes:
    """The text of one document. Where YAML, which indents every line, would be longer than a document may be, it is
    JSON, which is YAML too. FailedPrecondition names a resource that cannot be written."""
    try:
        if form == "yaml":
            data = render([document]).encode()
            if len(data) <= DEFAULT_LIMITS.document_bytes - MARKER_BYTES:
                return data
            return min(data, _json(document), key=len)
        return _json(document)
    except ManifestError as error:
        raise _unwritable(key, error) from error


def _json(document: Document) -> bytes:
    return f"{render_json(document)}\n".encode()


def _unwritable(key: ResourceKey, error: ManifestError) -> StigmerError:
    return FailedPrecondition(
        f"{key} cannot be written as a manifest: {error.diagnostic.message}",
        hint="change the resource, or export the others by name",
        reason="NOT_RENDERABLE",
    )
