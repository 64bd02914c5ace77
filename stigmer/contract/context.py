"""What binding one document collects: mistakes with their paths, and the external values it draws in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from reconciler import path as field_path
from stigmer.errors import Violation

if TYPE_CHECKING:
    from stigmer.contract.archive import Archive

T = TypeVar("T")

Path = tuple[str | int, ...]
"""A path as written in the document: keys and list indexes."""


@dataclass(frozen=True, slots=True)
class BindingError:
    """One mistake, at the path as written. `at_key`: the key is wrong rather than its value."""

    path: tuple[field_path.Segment, ...]
    message: str
    hint: str = ""
    at_key: bool = False

    def violation(self) -> Violation:
        return Violation(field_path.format(self.path), f"{self.message}; {self.hint}" if self.hint else self.message)


@dataclass(frozen=True, slots=True)
class ExternalSource:
    """A value that lies outside the manifest: `kind` is env, file, sops or folder. Reading `name` gives the value of
    the field at `path`."""

    kind: str
    name: str
    path: Path


ReadSource = Callable[[ExternalSource], str]
"""Reads an external value, or raises SourceError with a message for the user."""

ReadArchive = Callable[[ExternalSource], bytes]
"""The bytes of an archive file, or of the one archive that the files of a folder make. Raises SourceError."""


class SourceError(Exception):
    """An external value cannot be read."""


@dataclass(slots=True)
class Context:
    """What binding one document collects."""

    spellings: Mapping[tuple[str | int, ...], str] = field(default_factory=dict)
    read_source: ReadSource | None = None
    read_archive: ReadArchive | None = None
    errors: list[BindingError] = field(default_factory=list)
    sources: list[ExternalSource] = field(default_factory=list)
    archives: list[Archive] = field(default_factory=list)

    def error(self, path: Path, message: str, hint: str = "", *, at_key: bool = False) -> None:
        self.errors.append(BindingError(path, message, hint, at_key))

    def read(self, source: ExternalSource) -> str | None:
        """The value of `source`, or None after noting an error."""
        return self._read(source, self.read_source)

    def archive(self, source: ExternalSource) -> bytes | None:
        """The archive that `source` is or makes, or None after noting an error."""
        return self._read(source, self.read_archive)

    def _read(self, source: ExternalSource, read: Callable[[ExternalSource], T] | None) -> T | None:
        self.sources.append(source)
        if read is None:
            self.error(source.path, f"a value from {source.kind} cannot be read here")
            return None
        try:
            return read(source)
        except SourceError as error:
            self.error(source.path, str(error))
            return None


def describe(value: object) -> str:
    """How messages name a YAML value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return "a string"
    return "a map" if isinstance(value, Mapping) else "a list"


SECRETS_REFUSED = (
    "secret values cannot be stored yet: this version has no encryption at rest; "
    "leave the value out, or keep it outside stigmer"
)
"""Why a manifest with a secret value is refused. Nothing secret is ever stored plain."""
