"""ResolveSlug: a resource gets its identity, and with it every form that the writer will need.

All that can be computed from the content alone is computed here, before the writer is taken: bytes, digests,
references, index entries, and the default instance that comes with a new parent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from reconciler.actions import Action
from reconciler.resource import ResourceKey
from stigmer.backend.v1 import options_pb2
from stigmer.contract import Contract, Kind
from stigmer.contract.slug import DEFAULT_INSTANCE_SUFFIX, is_slug
from stigmer.errors import Internal
from stigmer.server.batch import Batch, Change, Content, Target
from stigmer.server.records import content_indexes


def skill_version(message: Any) -> dict[str, Any]:
    """The content address of a skill: of its text, and of the artifact if it has one."""
    text = hashlib.sha256(message.spec.skill_md.encode()).hexdigest()
    artifact = message.spec.artifact
    return {"version": hashlib.sha256(f"{text}\n{artifact}".encode()).hexdigest() if artifact else text}


KEPT_STATUS: dict[str, Callable[[Any], dict[str, Any]]] = {"Skill": skill_version}
"""Status fields that follow from the spec and are kept with it, by kind."""


def resolve_slug(batch: Batch) -> None:
    for change in batch.changes:
        if change.error is None and change.wanted is not None and not change.merges:
            change.slug = change.wanted.metadata.slug
            change.content = seal(batch.services.contract, change.kind, change.org, change.wanted)
            if change.action is not Action.UPDATE:
                change.content.instance = default_instance(batch.services.contract, change)
            change.wanted = None


def seal(contract: Contract, kind: Kind, org: str, message: Any) -> Content:
    """All forms of a canonical message."""
    codec = contract.codec
    data = codec.content(message)
    targets = tuple(
        Target(found.path, ResourceKey(found.kind, found.org or org, found.slug), found.required, found.condition)
        for found in contract.references(kind, message)
    )
    status = KEPT_STATUS.get(kind.name)
    return Content(
        data=data,
        digest=codec.resource_digest(kind, data),
        spec_digest=_spec_digest(contract, message),
        targets=targets,
        indexes=content_indexes(
            (target.key for target in targets if is_slug(target.key.slug)), message.metadata.labels.items()
        ),
        status=status(message) if status else {},
        artifacts=tuple(contract.artifacts(kind, message)),
    )


def _spec_digest(contract: Contract, message: Any) -> bytes:
    return hashlib.sha256(contract.codec.content(message.spec)).digest()


def default_instance(contract: Contract, parent: Change) -> Change | None:
    """The instance `<slug>-default` that is made with `parent`, or None for kinds that have none. Its one reference
    is the parent, which arrives with it and so needs no check."""
    if not parent.kind.default_instance_kind:
        return None
    kind = contract.kinds[parent.kind.default_instance_kind]
    slug = parent.slug + DEFAULT_INSTANCE_SUFFIX
    message = kind.message_class(
        metadata={"name": slug, "slug": slug}, spec={reference_field(kind, parent.kind): parent.slug}
    )
    data = contract.codec.content(message)
    content = Content(
        data=data,
        digest=contract.codec.resource_digest(kind, data),
        spec_digest=_spec_digest(contract, message),
        targets=(),
        indexes=content_indexes((parent.key,), ()),
        status={},
    )
    return Change(kind, Action.CREATE, parent.org, slug, content=content)


def instance_key(parent: Change) -> ResourceKey | None:
    """The key of the parent's default instance, or None for kinds that have none."""
    kind = parent.kind.default_instance_kind
    return ResourceKey(kind, parent.org, parent.slug + DEFAULT_INSTANCE_SUFFIX) if kind else None


def reference_field(kind: Kind, parent: Kind) -> str:
    """The field of an instance's spec that names its parent."""
    for field in kind.descriptor.fields_by_name["spec"].message_type.fields:
        rules = field.GetOptions().Extensions[options_pb2.rules]
        if rules.reference.kind == parent.name and field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated:
            return str(field.name)
    raise Internal(f"{kind.name} has no field that refers to {parent.name}")
