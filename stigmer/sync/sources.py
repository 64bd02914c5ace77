"""External values of a manifest: variables of the client's environment, and files and folders beneath its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from posixpath import dirname, join, normpath

from manifests import ManifestError, read_beneath, read_folder
from stigmer.contract.context import ExternalSource, ReadArchive, ReadSource, SourceError
from stigmer.contract.limits import MAX_ARTIFACT_BYTES
from stigmer.errors import InvalidArgument

MAX_SOURCE_BYTES = 1024 * 1024
"""The largest file that a manifest may draw in: as much as a document."""


def reader(manifest_path: str, environ: Mapping[str, str]) -> ReadSource:
    """Reads the values that the manifest at `manifest_path` names; files are relative to its folder."""
    folder = _folder_of(manifest_path)

    def read(source: ExternalSource) -> str:
        if source.kind == "env":
            if source.name not in environ:
                raise SourceError(f"the environment variable {source.name} is not set")
            return environ[source.name]
        if source.kind == "file":
            return _read_file(folder, source.name)
        raise SourceError(f"values from {source.kind} are not supported by this version")

    return read


def archive_reader(manifest_path: str) -> ReadArchive:
    """Reads the archives that the manifest at `manifest_path` names, and makes those of the folders that it names; both
    are relative to its folder."""
    folder = _folder_of(manifest_path)

    def read(source: ExternalSource) -> bytes:
        try:
            if source.kind == "file":
                return read_beneath(str(folder), source.name, MAX_ARTIFACT_BYTES)
            return _packed(folder, source.name)
        except ManifestError as error:
            raise _source_error(error) from error

    return read


def packed_folders(manifest_path: str, sources: Iterable[ExternalSource]) -> Iterator[str]:
    """The folders among the sources of a manifest, as paths like its own; only those that lie below its folder."""
    for source in sources:
        below = normpath(source.name)
        if source.kind == "folder" and below.split("/")[0] not in ("", ".", ".."):
            yield normpath(join(dirname(manifest_path), below))


def lies_in(path: str, folders: Collection[str]) -> bool:
    """Whether a file lies in one of the folders, at whatever depth."""
    return any(above in folders for above in map(str, PurePosixPath(normpath(path)).parents))


def _packed(folder: Path, name: str) -> bytes:
    from stigmer.contract.archive import File, pack  # noqa: PLC0415 -- few manifests name a folder

    files = read_folder(str(folder), name)
    try:
        return pack(File(*file) for file in files)
    except InvalidArgument as error:
        raise SourceError(error.message) from error


def _folder_of(manifest_path: str) -> Path:
    return Path(manifest_path).parent if manifest_path != "-" else Path()


def _source_error(error: ManifestError) -> SourceError:
    found = error.diagnostic
    return SourceError(f"{found.message}; {found.hint}" if found.hint else found.message)


def _read_file(folder: Path, name: str) -> str:
    try:
        return read_beneath(str(folder), name, MAX_SOURCE_BYTES).decode()
    except ManifestError as error:
        raise SourceError(error.diagnostic.message) from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{name} is not UTF-8 text") from error
