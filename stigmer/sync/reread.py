"""Documents that are read a second time: diagnostics and plans show lines of files that a cache, or another process,
had made unnecessary to read here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from manifests import Entry, Limits, Manifest, ManifestError, Source, Tree, parse
from reconciler import Origin
from stigmer.errors import Aborted

REREAD_FILES = 64
"""Files whose documents are kept after they had to be read again: the next one asked for is often of the same file."""


@final
class Rereading:
    """Reads documents of `files`, the scanned entries by path, by their origin."""

    def __init__(self, tree: Tree, limits: Limits) -> None:
        self.files: Mapping[str, Entry] = {}
        self._tree = tree
        self._limits = limits
        self._kept: dict[str, dict[int, Manifest]] = {}

    def document(self, origin: Origin) -> Manifest | None:
        """The document as it is now, None where there is none any more. Raises Aborted for a file that has become
        unreadable."""
        return self._documents(origin.file).get(origin.document)

    def place(self, origin: Origin | None) -> tuple[Source, str]:
        """Where a resource is declared, and the line that stands there."""
        if origin is None:
            return Source("?"), ""
        manifest = self.document(origin)
        source = Source(origin.file, origin.document, origin.line, origin.column)
        return source, manifest.snippet(source) if manifest else ""

    def _documents(self, path: str) -> dict[int, Manifest]:
        known = self._kept.pop(path, None)
        if known is None:
            file = self.files.get(path)
            try:
                found = parse(self._tree.read(file), path, self._limits).documents if file is not None else ()
            except ManifestError as error:
                raise changed(path) from error
            known = {each.source.document: each for each in found}
        self._kept[path] = known
        while len(self._kept) > REREAD_FILES:
            self._kept.pop(next(iter(self._kept)))
        return known


def changed(path: str) -> Aborted:
    """A file is not what it was when this run first looked at it."""
    return Aborted(f"{path} changed while it was being applied", hint="run the command again", reason="FILE_CHANGED")
