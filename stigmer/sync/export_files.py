"""An export as a folder with one file per resource, made to lie in a repository: a file whose content is right is not
touched, and what the folder holds beyond the export is reported, or removed where an export made it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, final

from manifests import DEFAULT_LIMITS, parse
from reconciler import ResourceKey
from stigmer.contract.artifacts import file_fields
from stigmer.sync.export import Document, Form, encode
from stigmer.sync.export_layout import OTHER_ORGS, SUFFIXES, Place, folder_of, is_manifest_name, key_of, place_of
from stigmer.sync.export_read import ALL_ORGS, Selection
from stigmer.sync.folder import Folder, Item, is_unfinished

if TYPE_CHECKING:
    from stigmer.contract import Kind, Kinds

FORMS: tuple[Form, ...] = ("yaml", "json")


@final
class FolderSink:
    """Writes below `folder` as manifests come. After `finish`: `written`, `unchanged` and `removed` count files, and
    `foreign` are the paths of files that the selection covers, does not hold, and that were left."""

    def __init__(
        self,
        folder: Folder,
        selection: Selection,
        kinds: Kinds,
        default_org: str,
        *,
        form: Form = "yaml",
        prune: bool = False,
    ) -> None:
        self._folder = folder
        self._selection = selection
        self._kinds = kinds
        self._default_org = default_org
        self._suffix = SUFFIXES[form]
        self.prune = prune
        self._made: set[str] = set()
        self._beside: list[str] = []
        self.written = 0
        self.unchanged = 0
        self.removed = 0
        self.foreign: list[str] = []

    def place(self, kind: Kind, key: ResourceKey) -> Place:
        return place_of(kind, key, self._default_org, self._suffix)

    def put(self, data: bytes, place: Place | None) -> None:
        """Further files first: a manifest does not name what is not there."""
        assert place is not None
        for path in sorted(place.files):
            self._write(f"{place.beside}/{path}", place.files[path], executable=path in place.programs)
        if place.files:
            self._beside.append(place.beside)
        self._write(place.manifest, data)

    def finish(self) -> None:
        """Looks for what lies in the folders of the selected kinds and is not of this export. Resources that were
        selected by name cover no folder."""
        beside = list(self._beside)
        for path, item in list(self._strange_manifests()):
            folders = self._ours(path) if self.prune and item.is_file else None
            if folders is None:
                self.foreign.append(path)
            else:
                self._remove(path)
                beside += folders
        for path, item in list(self._strange_files(beside)):
            if self.prune and item.is_file:
                self._remove(path)
            else:
                self.foreign.append(path)

    def _write(self, path: str, data: bytes, *, executable: bool | None = None) -> None:
        if self._folder.write(path, data, executable=executable):
            self.written += 1
        else:
            self.unchanged += 1
        self._made.add(path)

    def _remove(self, path: str) -> None:
        self._folder.remove(path)
        self.removed += 1

    def _strange_manifests(self) -> Iterator[tuple[str, Item]]:
        for folder in self._covered():
            for item in self._folder.items(folder):
                path = f"{folder}/{item.name}"
                is_of_export = is_manifest_name(item.name) or is_unfinished(item.name)
                if not item.is_folder and is_of_export and path not in self._made:
                    yield path, item

    def _strange_files(self, folders: Iterable[str]) -> Iterator[tuple[str, Item]]:
        """What lies in folders of further files, and in their folders, and is none of this export's."""
        pending = sorted(folders, reverse=True)
        while pending:
            folder = pending.pop()
            for item in self._folder.items(folder):
                path = f"{folder}/{item.name}"
                if item.is_folder:
                    pending.append(path)
                elif path not in self._made:
                    yield path, item

    def _covered(self) -> list[str]:
        """The folders that hold whole kinds of this export."""
        selection = self._selection
        if selection.keys:
            return []
        orgs = [selection.org or self._default_org]
        if selection.org == ALL_ORGS:
            orgs = [self._default_org, *(each.name for each in self._folder.items(OTHER_ORGS) if each.is_folder)]
        return [folder_of(kind.plural, org, self._default_org) for org in orgs for kind in selection.kinds]

    def _ours(self, path: str) -> list[str] | None:
        """None for a file that no export could have written: as it is, byte for byte, and at this path. Otherwise the
        folder of the further files that it speaks of, if it does."""
        if is_unfinished(path.rpartition("/")[2]):
            return []
        data = self._folder.read(path, 2 * DEFAULT_LIMITS.document_bytes)
        suffix = path[path.rindex(".") :]
        form: Form | None = next((form for form in FORMS if SUFFIXES[form] == suffix), None)
        documents = parse(data, path).documents if data is not None and form is not None else ()
        if len(documents) != 1 or form is None:
            return None
        value = documents[0].value
        key = key_of(value, self._kinds, self._default_org)
        if key is None or encode(key, value, form) != data:
            return None
        kind = self._kinds[key.kind]
        place = place_of(kind, key, self._default_org, suffix)
        if place.manifest != path:
            return None
        return [place.beside] if _speaks_of(kind, value, place) else []


def _speaks_of(kind: Kind, document: Document, place: Place) -> bool:
    """Whether a manifest says that the files of its resource lie beside it."""
    fields, spec = file_fields(kind.shape), document.get("spec")
    if fields is None or not isinstance(spec, dict):
        return False
    name, archive = place.beside.rpartition("/")[2], spec.get(fields.archive)
    in_archive = isinstance(archive, dict) and str(archive.get("file")).startswith(f"{name}/")
    return spec.get(fields.folder) == name or in_archive
