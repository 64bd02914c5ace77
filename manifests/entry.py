"""Where manifests come from, seen as one port: a tree lists entries and reads them. `tree` has the implementations;
a git commit's tree is another one, outside of this package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from manifests.diagnostics import Diagnostic


class Entry(NamedTuple):
    """One file. `path` is as users are shown it; `identity` changes whenever the content may have: the packed stat of
    `files.stat_identity`, a git blob's id, or b"" where nothing can tell (standard input)."""

    path: str
    identity: bytes


@dataclass(frozen=True, slots=True)
class Scan:
    """What a tree held at one moment. `entries` are the manifest files in an order that depends on names only;
    `project_files` are those named `Stigmer.yaml`, which are not manifests."""

    entries: tuple[Entry, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    project_files: tuple[Entry, ...] = ()


class Tree(Protocol):
    """A source of manifest files. `label` names it in messages."""

    @property
    def label(self) -> str: ...

    def scan(self) -> Scan:
        """List the entries. What cannot be listed is a diagnostic of the scan."""
        ...

    def read(self, entry: Entry) -> bytes:
        """The entry's bytes. Raises ManifestError."""
        ...
