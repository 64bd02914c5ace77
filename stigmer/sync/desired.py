"""The desired set: manifests loaded, bound and checked, or recalled from the cache where a file has not changed.

All mistakes of all files are collected as diagnostics with their positions. Bodies are made only when somebody needs
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path

from manifests import (
    Diagnostic,
    Manifest,
    ManifestError,
    Scan,
    StatCache,
    Tree,
    has_errors,
    open_trees,
    parse,
)
from manifests import Entry as FileEntry
from reconciler import Desired, Memo, ResourceKey
from stigmer.backend.upload import EncodedBody
from stigmer.contract import Binding, Contract, Kind
from stigmer.contract.archive import Archive
from stigmer.errors import Violation
from stigmer.sync.coherence import cycles, duplicate, may_have_cycles, nothing
from stigmer.sync.documents import Row, document_of, from_row
from stigmer.sync.index import (
    INDEX_VERSION,
    Entry,
    Verified,
    cache_file,
    changed_trees,
    decode_entries,
    decode_verified,
    digest_trees,
    encode_entries,
    encode_verified,
    needle,
)
from stigmer.sync.lazykeys import LazyKeys
from stigmer.sync.positions import diagnose
from stigmer.sync.readers import Work, read_files, reader_count
from stigmer.sync.request import Emit, Loading, Request, Workspace
from stigmer.sync.reread import Rereading, changed
from stigmer.sync.sources import archive_reader, lies_in, packed_folders, reader
from stigmer.version import VERSION

PROGRESS_EVERY = 500
"""Files between two progress events."""

FEW_FILES = 64
"""Changed files among many others up to which only they are read. More of them cost as much as reading the index."""

FEW_NEW_KEYS = 16
"""New resources in them up to which it is looked up, in the index as it lies there, whether they are declared twice."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A document with mistakes: `content` is what could be bound of it, `mistakes` are the paths that are wrong."""

    kind: Kind
    manifest: Manifest
    content: bytes
    mistakes: frozenset[str]


@dataclass(slots=True)
class DesiredSet:
    """What a set of paths declares. `memo` is what the cache knows of it. `broken` are resources whose documents have
    mistakes, with what could be bound of them; `is_partial` says that some documents could not even be told apart.
    `rest` are the keys of unchanged files that nobody had to look at: `resources` are then those of the others."""

    resources: dict[ResourceKey, Desired] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    files: int = 0
    documents: int = 0
    memo: Memo | None = None
    broken: dict[ResourceKey, Broken] = field(default_factory=dict)
    is_partial: bool = False
    rest: Sequence[ResourceKey] = ()

    @property
    def has_errors(self) -> bool:
        return has_errors(self.diagnostics)


@dataclass(frozen=True, slots=True)
class Few:
    """A few files of a verified set have changed: `fresh` have to be read, `stale` is what they and files that have
    gone declared. `is_lasting` says that remembering it spares the next run the reading."""

    verified: Verified
    fresh: tuple[FileEntry, ...]
    stale: tuple[Entry, ...]
    is_lasting: bool


class Loader:
    """Loads one request's paths. Keeps what `remember` and `manifest_of` need after the run."""

    def __init__(self, request: Request, workspace: Workspace) -> None:
        self._request = request
        self._workspace = workspace
        self._contract: Contract = workspace.contract
        self._org = request.org or workspace.default_org
        self._tree: Tree = open_trees(
            request.paths, workspace.stdin or BytesIO(), recursive=request.recursive, limits=request.limits
        )
        self._payloads: dict[str, bytes] = {}
        self._volatile: set[str] = set()
        self._manifests: dict[ResourceKey, Manifest] = {}
        self._again = Rereading(self._tree, request.limits)
        self._archives: dict[ResourceKey, tuple[Archive, ...]] = {}
        self._packed: set[str] = set()
        """Folders that become artifacts as a whole: what lies in them is no manifest."""

    @cached_property
    def scan(self) -> Scan:
        """What there is to load. The cache is opened before: it trusts only what is older than its opening."""
        _ = self._cache
        return self._tree.scan()

    @cached_property
    def _cache(self) -> StatCache | None:
        workspace, request = self._workspace, self._request
        if workspace.cache_dir is None or not request.use_cache or "-" in request.paths:
            return None
        roots = [str(Path(path).absolute()) for path in request.paths]
        scope = (*roots, str(request.recursive), workspace.backend_id, self._org, request.manager)
        return StatCache.open(
            cache_file(workspace.cache_dir, *scope), f"{INDEX_VERSION}:{VERSION}:{self._contract.hash}"
        )

    def recall(self) -> Verified | None:
        """What was verified of this very set, when no file has changed since; nothing is read for it."""
        if self._cache is None or self.scan.diagnostics:
            return None
        summary = self._cache.unchanged(self.scan)
        return decode_verified(summary) if summary else None

    def load(self, emit: Emit) -> DesiredSet:
        """The desired set, from the cache where it can be and from the files where it must be."""
        result = DesiredSet(diagnostics=list(self.scan.diagnostics), files=len(self.scan.entries))
        self._again.files = {entry.path: entry for entry in self.scan.entries}
        recalled = self._recall_entries(result)
        rows = self._read_ahead([file for file in self.scan.entries if file.path not in recalled], result, emit)
        for done, file in enumerate(self.scan.entries):
            if not rows and done % PROGRESS_EVERY == 0:
                emit(Loading(done, result.files))
            known = recalled.get(file.path)
            if self._packed and self._is_packed(file.path):
                result.files -= 1
                self._payloads.pop(file.path, None)
            elif known is not None:
                for entry in known:
                    self._declare(
                        Desired(entry.key, entry.digest, self._lazy_body(entry), entry.origin, entry.references), result
                    )
            elif file.path in rows:
                self._take(file.path, rows.pop(file.path), result)
            else:
                self._read(file, result)
        if self._packed and sum(map(self._is_packed, self._again.files)) > len(self.scan.entries) - result.files:
            return self.load(emit)  # a folder was named after what lies in it: now it is known
        emit(Loading(result.files, result.files))
        if not result.documents and not result.diagnostics:
            result.diagnostics.append(nothing(self._request.paths))
        result.diagnostics += cycles(result.resources, self._contract.kinds.rank, self._again.place)
        return result

    def few(self) -> Few | None:
        """The changed files, if they are few among those of a set that was verified."""
        verified = decode_verified(self._cache.summary()) if self._cache is not None else None
        if self._cache is None or verified is None:
            return None
        found = self._cache.difference(self.scan, FEW_FILES)
        if found is None:
            return None
        payloads = [payload for payload in found.stale if payload]
        stale = [entry for entries in decode_entries([""] * len(payloads), payloads) for entry in entries]
        return Few(verified, found.fresh, tuple(stale), found.is_lasting)

    def load_few(self, few: Few) -> DesiredSet | None:
        """What the changed files declare, and how many resources the others do. None when that cannot be all: the
        whole set has to be looked at for what is wrong, or for what belongs together."""
        result = DesiredSet(files=len(self.scan.entries))
        self._again.files = {entry.path: entry for entry in few.fresh}
        for file in few.fresh:
            self._read(file, result)
        known = {entry.key for entry in few.stale}
        new = [key for key in result.resources if key not in known]
        rank = self._contract.kinds.rank
        if (
            not result.resources
            or result.diagnostics
            or self._packed
            or len(new) > FEW_NEW_KEYS
            or may_have_cycles(result.resources, rank)
            or any(self._cache is None or self._cache.contains(needle(key)) for key in new)
        ):
            return None
        rest = few.verified.documents - len(few.stale)
        result.documents += rest
        result.rest = LazyKeys(rest, self.recalled_keys)
        digests = {entry.key: entry.digest for entry in few.stale}
        result.memo = Memo(few.verified.epoch, few.verified.revision, digests)
        return result

    def remember_few(self, few: Few, resources: Mapping[ResourceKey, Desired], revision: int) -> None:
        """Keep what was verified by looking at a few files and asking about the rest, which was held at `revision`."""
        if self._cache is None:
            return
        digests = {key: want.digest for key, want in resources.items()}
        trees = changed_trees(few.verified.trees, few.stale, digests)
        documents = few.verified.documents - len(few.stale) + len(resources)
        verified = Verified(few.verified.epoch, revision, trees, len(self.scan.entries), documents)
        fresh = {entry.path for entry in few.fresh}
        payloads = [
            self._payloads.get(entry.path) if entry.path in fresh else self._cache.lookup(entry)
            for entry in self.scan.entries
        ]
        self._cache.save(self.scan, payloads, encode_verified(verified), self._volatile)

    def remember(self, resources: Mapping[ResourceKey, Desired], revision: int, epoch: str) -> None:
        """Keep what this run verified: every resource of the set needed no change at `revision`."""
        if self._cache is None or not epoch:
            return
        digests = {key: want.digest for key, want in resources.items()}
        verified = Verified(epoch, revision, digest_trees(digests), len(self.scan.entries), len(resources))
        self._cache.save(self.scan, self._payloads, encode_verified(verified), self._volatile)

    def advance(self, verified: Verified, revision: int) -> None:
        """Note a later revision at which the recalled set still holds."""
        if self._cache is not None and revision != verified.revision:
            moved = Verified(verified.epoch, revision, verified.trees, verified.files, verified.documents)
            self._cache.update_summary(encode_verified(moved))

    def recalled_keys(self) -> list[ResourceKey]:
        """Every key of the recalled set, in file order."""
        result = DesiredSet()
        return [entry.key for entries in self._recall_entries(result).values() for entry in entries]

    def archives_of(self, key: ResourceKey) -> Sequence[Archive]:
        """The archives whose files a resource's manifest gives, once its body was asked for."""
        return self._archives.get(key, ())

    def manifest_of(self, want: Desired) -> Manifest | None:
        """The manifest that declares a resource, read again if it came from the cache."""
        known = self._manifests.get(want.key)
        if known is None and want.origin is not None:
            known = self._again.document(want.origin)
        return known

    def _recall_entries(self, result: DesiredSet) -> dict[str, list[Entry]]:
        """Entries of all files that have not changed, and what is known of them as the memo."""
        if self._cache is None:
            return {}
        found = [
            (file.path, payload) for file in self.scan.entries if (payload := self._cache.lookup(file)) is not None
        ]
        if not found:
            return {}
        paths = [path for path, _ in found]
        self._payloads.update(found)
        recalled = dict(zip(paths, decode_entries(paths, [payload for _, payload in found]), strict=True))
        verified = decode_verified(self._cache.summary())
        if verified is not None:
            digests = {entry.key: entry.digest for entries in recalled.values() for entry in entries}
            result.memo = Memo(verified.epoch, verified.revision, digests)
        return recalled

    def _read_ahead(self, files: Sequence[FileEntry], result: DesiredSet, emit: Emit) -> dict[str, list[Row]]:
        """What several processes can read of many new files; none of a few."""
        count = reader_count(len(files), self._contract)
        if count < 1:
            return {}
        recalled = result.files - len(files)
        work = Work(self._contract, self._org, self._tree.read)
        return read_files(files, work, count, lambda done: emit(Loading(recalled + done, result.files)))

    def _take(self, path: str, rows: Iterable[Row], result: DesiredSet) -> None:
        """Declare what a reader has read."""
        entries = []
        for row in rows:
            document, load = from_row(row)
            self._declare(document.desired(load), result)
            entries.append(Entry(document.key, document.digest, document.origin, document.references))
        self._payloads[path] = encode_entries(entries)

    def _read(self, file: FileEntry, result: DesiredSet) -> None:
        """Parse, bind and check one file."""
        try:
            parsed = parse(self._tree.read(file), file.path, self._request.limits)
        except ManifestError as error:
            result.diagnostics.append(error.diagnostic)
            result.is_partial = True
            return
        result.diagnostics += parsed.diagnostics
        result.is_partial |= has_errors(parsed.diagnostics)
        entries = []
        for manifest in parsed.documents:
            binding = self._bind(manifest)
            if binding.sources:
                self._volatile.add(file.path)
                self._packed.update(packed_folders(file.path, binding.sources))
            violations = self._violations(binding)
            result.diagnostics += self._diagnostics(manifest, binding, violations)
            if binding.kind is None or not binding.slug:
                result.is_partial = True
            elif binding.errors or violations:
                key = self._key(binding.kind, binding)
                result.broken[key] = self._broken(manifest, binding.kind, binding, violations)
            else:
                entries.append(self._declare_fresh(manifest, binding, binding.kind, result))
        self._payloads[file.path] = encode_entries(entries)

    def _bind(self, manifest: Manifest) -> Binding:
        path = manifest.source.path
        read, read_archive = reader(path, self._workspace.environ), archive_reader(path)
        return self._contract.codec.bind(manifest.value, manifest.spellings, read, read_archive)

    def _is_packed(self, path: str) -> bool:
        """Whether a file lies in a folder that becomes an artifact. One that the user named is a manifest still."""
        return path not in self._request.paths and lies_in(path, self._packed)

    def _violations(self, binding: Binding) -> list[Violation]:
        """Rules of the contract that a document breaks although it could be bound."""
        return self._contract.check(binding.kind, binding.message) if binding.kind and binding.message else []

    def _diagnostics(
        self, manifest: Manifest, binding: Binding, violations: Iterable[Violation]
    ) -> Iterable[Diagnostic]:
        kind, hidden = binding.kind, self._contract.secret_fields
        for error in binding.errors:
            yield diagnose(
                manifest, kind, error.path, error.message, hidden=hidden, hint=error.hint, at_key=error.at_key
            )
        for violation in violations:
            related = [(path, f"{path} takes part") for path in violation.related[1:]]
            yield diagnose(manifest, kind, violation.field, violation.description, hidden=hidden, related=related)

    def _broken(self, manifest: Manifest, kind: Kind, binding: Binding, violations: Iterable[Violation]) -> Broken:
        mistakes = [each.field for each in (*binding.violations, *violations)]
        message = binding.message or binding.partial or kind.message_class()
        return Broken(kind, manifest, self._contract.codec.content(message), frozenset(mistakes))

    def _key(self, kind: Kind, binding: Binding) -> ResourceKey:
        return ResourceKey(kind.name, binding.org or self._org, binding.slug)

    def _declare_fresh(self, manifest: Manifest, binding: Binding, kind: Kind, result: DesiredSet) -> Entry:
        codec = self._contract.codec
        document = document_of(self._contract, manifest, binding, kind, self._org)

        def body() -> EncodedBody:
            return EncodedBody(codec.body(kind, codec.parse(kind, document.content)), document.content)

        if self._declare(document.desired(body), result):
            self._manifests[document.key] = manifest
            if binding.archives:
                self._archives[document.key] = tuple(binding.archives)
        return Entry(document.key, document.digest, document.origin, document.references)

    def _declare(self, want: Desired, result: DesiredSet) -> bool:
        result.documents += 1
        first = result.resources.setdefault(want.key, want)
        if first is want:
            return True
        result.diagnostics.append(duplicate(first, want, self._again.place))
        return False

    def _lazy_body(self, entry: Entry) -> Callable[[], EncodedBody]:
        def body() -> EncodedBody:
            codec = self._contract.codec
            manifest = self._again.document(entry.origin)
            binding = self._bind(manifest) if manifest is not None else None
            if binding is None or binding.kind is None or binding.errors:
                raise changed(entry.origin.file)
            content = codec.content(binding.message)
            if codec.resource_digest(binding.kind, content) != entry.digest:
                raise changed(entry.origin.file)
            if binding.archives:
                self._archives[entry.key] = tuple(binding.archives)
            return EncodedBody(codec.body(binding.kind, binding.message), content)

        return body
