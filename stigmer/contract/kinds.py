"""The registry: every kind and RPC of the contract, read from the descriptors' options.

A `Contract` is a value made from a descriptor pool; nothing here is global, so that a test can compile the tree plus
one more kind into a pool of its own. Adding a kind is a change of the .proto files only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor
from google.protobuf.message import Message

from stigmer.backend.v1 import options_pb2
from stigmer.contract.shapes import MessageShape, Shapes
from stigmer.contract.slug import MAX_SLUG_LENGTH
from stigmer.contract.suggest import did_you_mean
from stigmer.errors import InvalidArgument, Violation

if TYPE_CHECKING:
    from reconciler.schema import Node
    from stigmer.contract.artifacts import ArtifactUse
    from stigmer.contract.codec import Codec
    from stigmer.contract.references import ResolvedReference
    from stigmer.contract.secrecy import SecretFields

SERVICE = "stigmer.backend.v1.BackendService"


@dataclass(frozen=True)
class Method:
    """One RPC. `verb` is create, get, update, delete, list or custom; `kind` is empty for the generic ones."""

    name: str
    verb: str
    kind: str
    permission: str
    input_class: type[Message]
    output_class: type[Message]
    client_streaming: bool
    server_streaming: bool


class Kind:
    """All that the descriptors say of one declarative kind."""

    def __init__(self, shape: MessageShape, methods: Mapping[str, Method]) -> None:
        options = shape.descriptor.GetOptions().Extensions[options_pb2.kind]
        self.shape = shape
        self.methods = dict(methods)
        self.name: str = shape.descriptor.name
        self.singular: str = self.name.lower()
        self.plural: str = options.plural
        self.api_version: str = options.api_version
        self.id_prefix: str = options.id_prefix
        self.rank: int = options.apply_rank
        self.short_names: tuple[str, ...] = tuple(options.short_names)
        self.default_instance_kind: str = options.default_instance_kind
        self.max_slug_length: int = options.max_slug_length or MAX_SLUG_LENGTH

    def __repr__(self) -> str:
        return f"Kind({self.name})"

    @property
    def descriptor(self) -> Any:
        return self.shape.descriptor

    @property
    def message_class(self) -> type[Message]:
        return self.shape.message_class

    @property
    def words(self) -> tuple[str, ...]:
        """Every word that names the kind on a command line, in lower case."""
        return (self.singular, self.plural, *self.short_names)

    @cached_property
    def schema(self) -> Node:
        from stigmer.contract.schema import resource_schema  # noqa: PLC0415 -- most commands compare nothing

        return resource_schema(self.shape)

    @cached_property
    def targets(self) -> frozenset[str]:
        """Names of the kinds that resources of this one may refer to."""
        from stigmer.contract.references import target_kinds  # noqa: PLC0415 -- as above

        return target_kinds(self.shape)

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """Condition types of the kind's optional references, such as AgentsResolved."""
        from stigmer.contract.references import condition_types  # noqa: PLC0415 -- as above

        return condition_types(self.shape)


class Kinds(Mapping[str, Kind]):
    """The kinds by name, in (rank, name) order."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        ordered = sorted(kinds, key=lambda kind: (kind.rank, kind.name))
        self._by_name = {kind.name: kind for kind in ordered}
        self._by_word = {word: kind for kind in ordered for word in kind.words}

    def __getitem__(self, name: str) -> Kind:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def find(self, word: str) -> Kind:
        """The kind that a word of the command line names: singular, plural or short, in any case."""
        kind = self._by_word.get(word.lower())
        if kind is None:
            known = ", ".join(kind.plural for kind in self.values())
            raise InvalidArgument(
                f'unknown kind "{word}"',
                hint=did_you_mean(word.lower(), self._by_word) or f"the kinds are {known}",
            )
        return kind

    def rank(self, name: str) -> int:
        return self._by_name[name].rank


class Contract:
    """The contract in one descriptor pool. Raises ValueError when the pool lacks the service or an option."""

    def __init__(self, pool: descriptor_pool.DescriptorPool, service: str = SERVICE) -> None:
        self.service_name = service
        self._service = pool.FindServiceByName(service)
        self.shapes = Shapes()
        self.methods: dict[str, Method] = {method.name: _method(method) for method in self._service.methods}
        self.kinds = Kinds(self._kinds())

    @cached_property
    def codec(self) -> Codec:
        from stigmer.contract.codec import Codec  # noqa: PLC0415 -- codec and registry name each other

        return Codec(self)

    @cached_property
    def hash(self) -> str:
        """SHA-256 in lower-case hex over the descriptors the service needs."""
        digest = hashlib.sha256()
        for file in sorted(_files(self._service.file), key=lambda file: str(file.name)):
            if not file.name.startswith("google/"):
                digest.update(hashlib.sha256(file.serialized_pb).digest())
        return digest.hexdigest()

    @cached_property
    def secret_fields(self) -> SecretFields:
        """The fields that hold secrets, of all kinds."""
        from stigmer.contract.secrecy import secret_fields  # noqa: PLC0415 -- as above

        return secret_fields([kind.shape for kind in self.kinds.values()])

    def references(self, kind: Kind, message: Message) -> list[ResolvedReference]:
        """Every reference the resource makes, in field order."""
        from stigmer.contract.references import references  # noqa: PLC0415 -- as above

        return references(kind.shape, message)

    def artifacts(self, kind: Kind, message: Message) -> list[ArtifactUse]:
        """Every artifact the resource names, in field order."""
        from stigmer.contract.artifacts import artifacts  # noqa: PLC0415 -- as above

        return artifacts(kind.shape, message)

    def check(self, kind: Kind, message: Message) -> list[Violation]:
        """Rules that constraints cannot say: slug length, sibling names and cycles, secrets, workflow expressions."""
        from stigmer.contract.checks import check  # noqa: PLC0415 -- as above

        return check(kind, message)

    def _kinds(self) -> Iterator[Kind]:
        typed: dict[str, dict[str, Method]] = {}
        for method in self.methods.values():
            if method.kind:
                typed.setdefault(method.kind, {})[method.verb] = method
        for name, methods in typed.items():
            if "get" not in methods:
                raise ValueError(f"kind {name} has no get RPC")
            descriptor = methods["get"].output_class.DESCRIPTOR
            if not descriptor.GetOptions().HasExtension(options_pb2.kind):
                raise ValueError(f"message {descriptor.full_name} has no kind option")
            yield Kind(self.shapes.of(descriptor), methods)


def _method(method: MethodDescriptor) -> Method:
    options = method.GetOptions().Extensions[options_pb2.rpc]
    raw = descriptor_pb2.MethodDescriptorProto()
    method.CopyToProto(raw)
    return Method(
        name=method.name,
        verb=options_pb2.Verb.Name(options.verb).removeprefix("VERB_").lower(),
        kind=options.kind,
        permission=options.permission,
        input_class=message_factory.GetMessageClass(method.input_type),
        output_class=message_factory.GetMessageClass(method.output_type),
        client_streaming=raw.client_streaming,
        server_streaming=raw.server_streaming,
    )


def _files(file: FileDescriptor) -> list[FileDescriptor]:
    """`file` and all it imports, each once."""
    seen: dict[str, FileDescriptor] = {}
    pending = [file]
    while pending:
        current = pending.pop()
        if current.name not in seen:
            seen[current.name] = current
            pending.extend(current.dependencies)
    return list(seen.values())


@cache
def default_contract() -> Contract:
    """The contract this version of stigmer was built with."""
    from stigmer.backend.v1 import backend_pb2  # noqa: PLC0415 -- registers the descriptors

    return Contract(backend_pb2.DESCRIPTOR.pool)
