"""What an export makes of a resource that names an artifact: its files, so that another backend can be given them.

In a stream the archive stands in the manifest. In a folder the files lie beside it as they were packed; an archive that
another program made, and that the same files would not give again, lies there as it is.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from manifests import DEFAULT_LIMITS, render_json
from manifests.folder import is_ignored
from stigmer.contract import Kind
from stigmer.contract.archive import File, pack
from stigmer.contract.artifacts import FileFields, file_fields
from stigmer.errors import FailedPrecondition, InvalidArgument
from stigmer.sync.bundles import unpacked
from stigmer.sync.export import Document, Transform
from stigmer.sync.export_layout import Place

ARCHIVE_NAME = "bundle.zip"

FetchFrom = Callable[[str, str], bytes]
"""(digest, org; empty for the backend's own) -> the bytes of an artifact."""


def with_files(fetch: FetchFrom) -> Transform:
    """A transform for exports: artifacts become the files themselves, and the text that comes from them is left out.
    FailedPrecondition names a resource whose files are too large for a manifest of a stream."""

    def transform(kind: Kind, document: Document, place: Place | None) -> Document:
        names = file_fields(kind.shape)
        digest = document["spec"].get(names.artifact) if names is not None else None
        if names is None or digest is None:
            return document
        data = fetch(digest, document["metadata"].get("org", ""))
        rest = {key: value for key, value in document["spec"].items() if key not in (names.artifact, names.text)}
        files = _inline(kind, document, rest, names, data) if place is None else _beside(place, names, data)
        return {**document, "spec": rest | files}

    return transform


def _inline(kind: Kind, document: Document, rest: dict[str, Any], names: FileFields, data: bytes) -> dict[str, Any]:
    spec = {names.archive: base64.b64encode(data).decode()}
    size = len(render_json({**document, "spec": rest | spec}))
    if size > DEFAULT_LIMITS.document_bytes:
        metadata = document["metadata"]
        raise FailedPrecondition(
            f"the files of {kind.singular} {metadata.get('slug') or metadata['name']} have {len(data):,} bytes: "
            "more than a manifest can hold",
            hint="export into a folder, where they lie beside it: --dir DIR",
            reason="FILES_TOO_LARGE",
        )
    return spec


def _beside(place: Place, names: FileFields, data: bytes) -> dict[str, Any]:
    files = list(unpacked(data))
    if not _comes_back(files, data):
        return {names.archive: {"file": place.attach(ARCHIVE_NAME, data)}}
    for file in files:
        place.attach(file.path, file.data, executable=file.executable)
    return {names.folder: place.beside.rpartition("/")[2]}


def _comes_back(files: list[File], data: bytes) -> bool:
    """Whether a folder of these files would be packed to the same archive."""
    if any(is_ignored(part) for file in files for part in file.path.split("/")):
        return False
    try:
        return pack(files) == data
    except InvalidArgument:
        return False
