"""The codec: one document -> one typed message, one message -> body, manifest, canonical bytes and digests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from reconciler import path as field_path
from stigmer.contract import bodies, canonical
from stigmer.contract.binder import bind_message
from stigmer.contract.canonical import Digests
from stigmer.contract.context import BindingError, Context, ExternalSource, ReadArchive, ReadSource
from stigmer.contract.slug import is_slug, slugify
from stigmer.contract.suggest import did_you_mean
from stigmer.errors import Internal, InvalidArgument, Violation

if TYPE_CHECKING:
    from stigmer.contract.archive import Archive
    from stigmer.contract.kinds import Contract, Kind

__all__ = ["Binding", "Codec", "Digests"]

ENVELOPE = ("apiVersion", "kind", "metadata", "spec", "status")


@dataclass(slots=True)
class Binding:
    """One bound document. `message` is canonical with metadata.org cleared, `org` is what the manifest says ("" for
    none); with errors, `message` is None and `partial` holds what could be bound, to be checked and never written.
    `sources` are the external values it reads, `archives` the artifacts whose files it gives."""

    kind: Kind | None = None
    org: str = ""
    slug: str = ""
    message: Any = None
    partial: Any = None
    errors: list[BindingError] = field(default_factory=list)
    sources: list[ExternalSource] = field(default_factory=list)
    archives: list[Archive] = field(default_factory=list)

    @property
    def violations(self) -> list[Violation]:
        return [error.violation() for error in self.errors]


class Codec:
    """Translation for every kind of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def bind(
        self,
        document: Mapping[str, Any],
        spellings: Mapping[tuple[str | int, ...], str] | None = None,
        read_source: ReadSource | None = None,
        read_archive: ReadArchive | None = None,
    ) -> Binding:
        """The typed, canonical message of a document; every mistake is in `errors`, none is raised."""
        context = Context(spellings=spellings or {}, read_source=read_source, read_archive=read_archive)
        binding = Binding(errors=context.errors, sources=context.sources, archives=context.archives)
        binding.kind = kind = self._envelope(document, context)
        if kind is None:
            return binding
        content = {key: document[key] for key in ("metadata", "spec") if document.get(key) is not None}
        kwargs = bind_message(kind.shape, content, (), context)
        if kwargs is None or not self._identity(kwargs, document, binding, context):
            return binding
        message = kind.message_class(**kwargs)
        for violation in canonical.normalise(kind.shape, message):
            context.errors.append(BindingError(field_path.parse(violation.field), violation.description))
        if context.errors:
            binding.partial = message
        else:
            binding.message = message
        return binding

    def body(self, kind: Kind, message: Any) -> dict[str, Any]:
        """The canonical body {metadata, spec}: what the reconciler compares. Slug and org are left out."""
        whole = bodies.to_body(kind.shape, message)
        metadata = {key: value for key, value in whole.get("metadata", {}).items() if key in _BODY_METADATA}
        return {"metadata": metadata, "spec": whole.get("spec", {})}

    def from_body(self, kind: Kind, slug: str, body: Mapping[str, Any]) -> Message:
        """The canonical message of a body. Raises InvalidArgument when the body does not fit the kind."""
        context = Context()
        metadata = {**body.get("metadata", {}), "slug": slug}
        kwargs = bind_message(kind.shape, {"metadata": metadata, "spec": body.get("spec", {})}, (), context)
        if kwargs is None or context.errors:
            violations = [error.violation() for error in context.errors]
            raise InvalidArgument(f"{kind.singular} {slug} is not valid", violations=violations)
        message = kind.message_class(**kwargs)
        canonical.normalise(kind.shape, message)
        return message

    def canonical(self, kind: Kind, message: Any) -> Any:
        """A canonical copy of any message of the kind, with metadata.org cleared.

        Raises InvalidArgument when a field is given in two spellings or no slug can be made.
        """
        copy = kind.message_class()
        copy.CopyFrom(message)
        canonical.strip_server_fields(kind.shape, copy)
        copy.DiscardUnknownFields()
        violations = canonical.normalise(kind.shape, copy)
        if violations:
            raise InvalidArgument(f"{kind.singular} is not valid", violations=violations)
        metadata = copy.metadata
        metadata.ClearField("org")
        if not metadata.slug and metadata.name:
            metadata.slug = slugify(metadata.name)
        if not metadata.name:
            metadata.name = metadata.slug
        copy.spec.SetInParent()
        return copy

    def content(self, message: Message) -> bytes:
        """Canonical bytes of a canonical message."""
        return canonical.content_bytes(message)

    def digests(self, kind: Kind, message: Any) -> Digests:
        """Digests of a canonical message."""
        return canonical.digests(kind.name, message)

    def resource_digest(self, kind: Kind, content: bytes) -> bytes:
        return canonical.resource_digest(kind.name, content)

    def parse(self, kind: Kind, content: bytes) -> Any:
        """The message of content bytes. Raises InvalidArgument when they are not one."""
        from google.protobuf.message import DecodeError  # noqa: PLC0415 -- only the class is needed, on this path

        try:
            return kind.message_class.FromString(content)
        except DecodeError as error:
            raise InvalidArgument(f"the content is not a {kind.name} message") from error

    def manifest(self, kind: Kind, message: Any, *, default_org: str = "", full: bool = False) -> dict[str, Any]:
        """The resource as a manifest: apiVersion, kind, metadata, spec. An org equal to `default_org` and a slug that
        the name gives are left out. `full` adds what the server sets: id, versions, audit, status."""
        whole = bodies.to_manifest(kind.shape, message)
        shown = _SERVER_METADATA | _MANIFEST_METADATA if full else _MANIFEST_METADATA
        metadata = {key: value for key, value in whole.get("metadata", {}).items() if key in shown}
        if metadata.get("org") == default_org:
            metadata.pop("org", None)
        if not full and metadata.get("slug") == _slug_or_none(metadata.get("name", "")):
            metadata.pop("slug", None)
        out: dict[str, Any] = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata}
        out["spec"] = whole.get("spec", {})
        if full and whole.get("status"):
            out["status"] = whole["status"]
        return out

    def _envelope(self, document: Mapping[str, Any], context: Context) -> Kind | None:
        for key in document:
            if key not in ENVELOPE and key != "api_version":
                context.error((key,), f'unknown field "{key}"', did_you_mean(key, ENVELOPE), at_key=True)
        api_version = document.get("apiVersion", document.get("api_version"))
        name = document.get("kind")
        kinds = self._contract.kinds
        if not isinstance(name, str) or not name:
            context.error(("kind",), "kind is missing" if name is None else "kind must be a string")
            return None
        kind = kinds.get(name)
        if kind is None:
            context.error(("kind",), f'unknown kind "{name}"', did_you_mean(name, kinds) or _known(kinds))
        known = {each.api_version for each in kinds.values()} if kind is None else {kind.api_version}
        if not isinstance(api_version, str) or api_version not in known:
            problem = "apiVersion is missing" if api_version is None else f'unknown apiVersion "{api_version}"'
            hint = f"{name} is of {kind.api_version}" if kind else f"known: {', '.join(sorted(known))}"
            context.error(("apiVersion",), problem, hint)
        return kind

    def _identity(
        self, kwargs: dict[str, Any], document: Mapping[str, Any], binding: Binding, context: Context
    ) -> bool:
        """Set slug and name by the slug rule and take the org out. False when there is no identity."""
        metadata = kwargs.get("metadata")
        if metadata is None:
            if document.get("metadata") is None:
                context.error(("metadata",), "metadata is missing", "give metadata.name")
            return False
        kwargs.setdefault("spec", {})
        binding.org = metadata.pop("org", "")
        name, slug = metadata.get("name", ""), metadata.get("slug", "")
        if not name and not slug:
            if not any(error.path[:1] == ("metadata",) for error in context.errors):
                context.error(("metadata",), "metadata.name is missing")
            return False
        if binding.org and not is_slug(binding.org):
            context.error(("metadata", "org"), f'"{binding.org}" is not a valid org', _slug_hint(binding.org))
        if not slug:
            slug = _slug_or_none(name)
            if slug is None:
                context.error(("metadata", "name"), f"no slug can be made from the name {name!r}", "give metadata.slug")
                return False
        elif not is_slug(slug):
            context.error(("metadata", "slug"), f'"{slug}" is not a valid slug', _slug_hint(slug))
            return False
        metadata["slug"] = binding.slug = slug
        metadata["name"] = name or slug
        return True


_BODY_METADATA = frozenset({"name", "labels", "annotations", "tags", "protect"})
_MANIFEST_METADATA = _BODY_METADATA | {"slug", "org"}
_SERVER_METADATA = frozenset({"id", "resourceVersion", "etag", "generation", "owner", "audit", "parent"})


def _slug_or_none(name: str) -> str | None:
    try:
        return slugify(name)
    except InvalidArgument:
        return None


def _slug_hint(text: str) -> str:
    meant = _slug_or_none(text)
    rule = "use a-z, 0-9 and single hyphens"
    return f'{rule}; did you mean "{meant}"?' if meant else rule


def _known(kinds: Mapping[str, Any]) -> str:
    if not kinds:
        raise Internal("the contract has no kinds")
    return f"the kinds are {', '.join(kinds)}"
