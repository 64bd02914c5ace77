"""SetDefaults and Persist: what the server says of a resource, put together with its content and into the unit's
write set."""

from __future__ import annotations

from typing import Any

from reconciler.actions import Action
from stigmer.backend.v1.reconcile_pb2 import StoredResource
from stigmer.contract import Kind
from stigmer.server.batch import Content, Effect, Unit
from stigmer.server.records import Stored, content_of
from stigmer.server.steps.artifacts import check_artifacts
from stigmer.server.steps.claims import next_claims
from stigmer.server.steps.references import settle_references


def set_defaults(unit: Unit) -> None:
    """Id, versions and audit of new resources; a status that the client sent is already gone."""
    for effect in unit.live(Action.CREATE, Action.REPLACE):
        assert effect.content is not None
        change = effect.change
        effect.after = new_resource(unit, change.kind, change.org, change.slug, effect.content)
        effect.after.state.claims.extend(next_claims(unit, effect))
        if effect.before is not None:
            effect.after.state.owner = effect.before.state.owner


def new_resource(unit: Unit, kind: Kind, org: str, slug: str, content: Content) -> Stored:
    context = unit.batch.context
    state = StoredResource(
        content=content.data,
        digest=content.digest,
        spec_digest=content.spec_digest,
        resource_version=unit.tx.next_revision,
        generation=1,
        created_by=context.caller.actor,
        created_at=context.at,
        updated_by=context.caller.actor,
        updated_at=context.at,
    )
    if content.status:
        state.content += status_bytes(kind, content.status)
    return Stored(org, kind.name, unit.services.ids.new(kind.id_prefix), slug, state)


def status_bytes(kind: Kind, status: Any) -> bytes:
    """A message with only a status: appended to content bytes it is merged into them (protobuf concatenation)."""
    data: bytes = kind.message_class(status=status).SerializeToString()
    return data


def persist(unit: Unit) -> None:
    """Refuse what would leave dangling references, then put what is left into the write set."""
    check_artifacts(unit)
    settle_references(unit)
    for effect in unit.live(Action.UPDATE):
        effect.after = _updated(unit, effect)
    for effect in unit.live():
        if effect.before is not None:
            replaced = effect.change.action is Action.UPDATE
            (unit.replaced if replaced else unit.removals)[effect.before.record_id] = effect.before
        if effect.after is not None:
            assert effect.content is not None
            unit.saves[effect.after.record_id] = (effect.after, effect.content.indexes)


def _updated(unit: Unit, effect: Effect) -> Stored:
    """Identity, creation and kept status stay; generation counts changes of the spec."""
    before, content = effect.before, effect.content
    assert before is not None
    assert content is not None
    context = unit.batch.context
    state = StoredResource()
    state.CopyFrom(before.state)
    state.content = content.data + _kept_status(effect.change.kind, before, content)
    state.digest = content.digest
    state.spec_digest = content.spec_digest
    state.resource_version = unit.tx.next_revision
    state.generation += content.spec_digest != before.state.spec_digest
    state.updated_by, state.updated_at = context.caller.actor, context.at
    del state.claims[:]
    state.claims.extend(next_claims(unit, effect))
    return Stored(before.org, before.kind, before.id, before.slug, state)


def _kept_status(kind: Kind, before: Stored, content: Content) -> bytes:
    status = content_of(kind, before).status
    for name, value in content.status.items():
        setattr(status, name, value)
    return status_bytes(kind, status) if status.ByteSize() else b""
