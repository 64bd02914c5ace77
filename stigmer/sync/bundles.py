"""The files of a resource, from its artifact: put into a folder, or told one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler import ResourceKey
from stigmer.contract import Contract
from stigmer.contract.archive import File
from stigmer.contract.archive_directory import entries
from stigmer.contract.artifacts import FileFields, file_fields
from stigmer.contract.unpack import content, inspect
from stigmer.errors import FailedPrecondition, InvalidArgument
from stigmer.sync.folder import Folder

Fetch = Callable[[str], bytes]
"""A digest -> the bytes of that artifact of the resource's org."""


@dataclass(frozen=True, slots=True)
class PulledFile:
    """One file that was written, with its path in the folder."""

    path: str
    size: int
    executable: bool


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was put into a folder. `artifact` is empty for a resource whose only file is its text."""

    key: ResourceKey
    artifact: str
    folder: Path
    files: tuple[PulledFile, ...]


def pull(contract: Contract, key: ResourceKey, message: Any, fetch: Fetch, folder: Path, *, force: bool) -> Pulled:
    """Write the files of a resource into `folder`, which is made unless it exists. FailedPrecondition when it holds
    anything and `force` is not given; with it, files of the same names are replaced and all others stay. Nothing is
    written outside, whatever the archive or the folder holds."""
    kind = contract.kinds[key.kind]
    names = file_fields(kind.shape)
    if names is None:
        raise InvalidArgument(f"{kind.plural} have no files")
    spec = contract.codec.body(kind, message)["spec"]
    files = files_of(spec, names, fetch)
    first = next(files)
    written = []
    with Folder(folder) as target:
        if not force and target.items("."):
            raise FailedPrecondition(
                f"{folder} is not empty",
                hint="choose another folder, or replace its files: --force",
                reason="NOT_EMPTY",
            )
        for file in (first, *files):
            target.write(file.path, file.data, executable=file.executable)
            written.append(PulledFile(file.path, len(file.data), file.executable))
    return Pulled(key, str(spec.get(names.artifact, "")), folder, tuple(written))


def files_of(spec: Mapping[str, Any], names: FileFields, fetch: Fetch) -> Iterator[File]:
    """The files of a resource; without an artifact, the one that its text stands for. An artifact is checked as a whole
    before the first file comes."""
    digest = spec.get(names.artifact)
    if digest is None:
        yield File(names.text_file, str(spec.get(names.text, "")).encode(), False)
    else:
        yield from unpacked(fetch(digest))


def unpacked(data: bytes) -> Iterator[File]:
    """The files of an archive, which is checked as a whole before the first one comes."""
    inspect(data)
    for entry in entries(data):
        yield File(entry.path, b"".join(content(data, entry)), entry.executable)
