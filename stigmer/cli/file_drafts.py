"""A resource that is created from one file: a manifest of its kind, or the spec alone.

What is wrong with it is told like every other error of the typed commands, each mistake with its place in the file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stigmer.cli.drafts import read_bytes
from stigmer.errors import InvalidArgument, Violation

if TYPE_CHECKING:
    from manifests import Manifest
    from stigmer.cli.world import World
    from stigmer.contract import Kind

ENVELOPE = frozenset({"apiVersion", "api_version", "kind", "metadata", "spec"})
"""A document with one of these fields is meant as a manifest."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says of the resource; it counts more than the file."""

    name: str = ""
    slug: str = ""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResourceFile:
    """One document of one file."""

    manifest: Manifest

    @property
    def value(self) -> Mapping[str, Any]:
        return self.manifest.value

    @property
    def place(self) -> str:
        return self.manifest.source.path

    @property
    def is_spec(self) -> bool:
        """Whether the document is the spec alone."""
        return ENVELOPE.isdisjoint(self.value)

    def create(self, world: World, kind: Kind, given: Given) -> Any:
        """The resource as created. Raises AlreadyExists, and InvalidArgument with all mistakes."""
        message, org = self._bound(world, kind, given)
        try:
            return world.backend.create(kind, message, org=org)
        except InvalidArgument as error:
            if not error.violations:
                raise
            raise self._refusal(kind, [self._placed(kind, violation) for violation in error.violations]) from None

    def _bound(self, world: World, kind: Kind, given: Given) -> tuple[Any, str]:
        from stigmer.sync.sources import reader

        self._check_kind(world, kind)
        spellings = self.manifest.spellings
        if self.is_spec:
            spellings = {("spec", *path): text for path, text in spellings.items()}
        read = reader(self.place, os.environ)
        binding = world.contract.codec.bind(self._document(kind, given), spellings, read)
        wrong = [self._placed(kind, error.violation(), at_key=error.at_key) for error in binding.errors]
        wrong = wrong or [self._placed(kind, violation) for violation in world.contract.check(kind, binding.message)]
        if wrong:
            raise self._refusal(kind, wrong)
        return binding.message, binding.org or world.org

    def _check_kind(self, world: World, kind: Kind) -> None:
        declared = self.value.get("kind")
        if isinstance(declared, str) and declared != kind.name and declared in world.contract.kinds:
            hint = f"stigmer apply -f {self.place} takes every kind"
            raise InvalidArgument(f"{self.place} declares a resource of kind {declared}, not {kind.name}", hint=hint)

    def _document(self, kind: Kind, given: Given) -> dict[str, Any]:
        document = dict(self.value)
        if self.is_spec:
            document = {"apiVersion": kind.api_version, "kind": kind.name, "spec": document}
        own = {"name": given.name, "slug": given.slug}
        _merge(document, "metadata", {key: text for key, text in own.items() if text})
        if given.labels:
            _merge(document["metadata"], "labels", given.labels)
        _merge(document, "spec", {"description": given.description} if given.description else {})
        return document

    def _refusal(self, kind: Kind, violations: Sequence[Violation]) -> InvalidArgument:
        return InvalidArgument(f"the {kind.singular} in {self.place} is not valid", violations=violations)

    def _placed(self, kind: Kind, violation: Violation, *, at_key: bool = False) -> Violation:
        """The violation with its place, its path as it is in the file."""
        from reconciler import path as field_path
        from stigmer.sync.positions import locate

        segments = field_path.parse(violation.field)
        if self.is_spec and segments[:1] != ("spec",):
            return violation
        segments = segments[1:] if self.is_spec else segments
        source = locate(self.manifest, None if self.is_spec else kind, segments, at_key=at_key)
        return Violation(field_path.format(segments), f"{violation.description} ({source})")


def read_resource(file: str) -> ResourceFile:
    """The one document of a file, or of standard input for "-". Raises InvalidArgument for none, several or a broken
    one."""
    from manifests import has_errors, parse

    place = "<stdin>" if file == "-" else file
    parsed = parse(read_bytes(file), place)
    if has_errors(parsed.diagnostics):
        violations = [
            Violation(str(item.source or place), f"{item.message}; {item.hint}" if item.hint else item.message)
            for item in parsed.diagnostics
        ]
        raise InvalidArgument(f"{place} cannot be read", violations=violations)
    if len(parsed.documents) != 1:
        found = f"{len(parsed.documents)} documents" if parsed.documents else "no document"
        raise InvalidArgument(f"{place} holds {found}; one is needed", hint="stigmer apply -f takes any number of them")
    return ResourceFile(parsed.documents[0])


def _merge(document: dict[str, Any], name: str, more: Mapping[str, Any]) -> None:
    """Adds entries to a map of a document; what is no map stays, for the contract to refuse."""
    present = document.get(name)
    if present is None or isinstance(present, dict):
        document[name] = {**(present or {}), **more}
