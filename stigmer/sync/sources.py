"""External values of a manifest: variables of the client's environment, and files beneath the manifest's folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from manifests import ManifestError, read_beneath
from stigmer.contract.context import ExternalSource, ReadSource, SourceError

MAX_SOURCE_BYTES = 1024 * 1024
"""The largest file that a manifest may draw in: as much as a document."""


def reader(manifest_path: str, environ: Mapping[str, str]) -> ReadSource:
    """Reads the values that the manifest at `manifest_path` names; files are relative to its folder."""
    folder = Path(manifest_path).parent if manifest_path != "-" else Path()

    def read(source: ExternalSource) -> str:
        if source.kind == "env":
            if source.name not in environ:
                raise SourceError(f"the environment variable {source.name} is not set")
            return environ[source.name]
        if source.kind == "file":
            return _read_file(folder, source.name)
        raise SourceError(f"values from {source.kind} are not supported by this version")

    return read


def _read_file(folder: Path, name: str) -> str:
    try:
        return read_beneath(str(folder), name, MAX_SOURCE_BYTES).decode()
    except ManifestError as error:
        raise SourceError(error.diagnostic.message) from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{name} is not UTF-8 text") from error
