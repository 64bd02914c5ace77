"""Default instances: CreateDefaultInstance, UpdateStatusWithDefaultInstance, DeleteDefaultInstance.

A kind that declares a default instance gets one with each resource, `<slug>-default`. It belongs to its parent, goes
with it, and is in no digest tree: nobody's manifest is expected to name it.
"""

from __future__ import annotations

from reconciler.actions import Action
from stigmer.server.batch import Content, Effect, Unit
from stigmer.server.steps.persist import new_resource, status_bytes

STATUS_FIELD = "default_instance_id"


def create_default_instance(unit: Unit) -> None:
    for effect in unit.live(Action.CREATE, Action.REPLACE):
        content = effect.content
        if content is not None and content.instance is not None:
            _create(unit, effect, content)


def _create(unit: Unit, parent: Effect, content: Content) -> None:
    instance = content.instance
    assert instance is not None
    assert instance.content is not None
    stored = new_resource(unit, instance.kind, instance.org, instance.slug, instance.content)
    stored.state.parent = str(parent.change.key)
    parent.instance = stored
    unit.saves[stored.record_id] = (stored, instance.content.indexes)


def update_status_with_default_instance(unit: Unit) -> None:
    """The parent's status names the instance that was made for it."""
    for effect in unit.live(Action.CREATE, Action.REPLACE):
        if effect.instance is not None:
            assert effect.after is not None
            effect.after.state.content += status_bytes(effect.change.kind, {STATUS_FIELD: effect.instance.id})


def delete_default_instance(unit: Unit) -> None:
    for effect in unit.live(Action.DELETE, Action.REPLACE):
        if effect.child is not None:
            unit.removals[effect.child.record_id] = effect.child
