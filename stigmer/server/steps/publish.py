"""Publish: the unit's write set goes to the store, and with it the digest trees and one commit of the change log."""

from __future__ import annotations

from reconciler.actions import Action, Outcome
from stigmer.backend.v1.reconcile_pb2 import StoredEvent, StoredNote
from stigmer.server import trees
from stigmer.server.batch import Unit
from stigmer.server.records import Stored, encode
from stigmer.store.base import Event

CREATED, UPDATED, DELETED = "created", "updated", "deleted"
"""Types of events."""

RECORDS_AT_ONCE = 5_000
"""How many encoded records are in memory at a time: each is a second copy of its content."""

_OUTCOMES = {
    Action.CREATE: Outcome.CREATED,
    Action.UPDATE: Outcome.UPDATED,
    Action.DELETE: Outcome.DELETED,
    Action.REPLACE: Outcome.REPLACED,
}


def publish(unit: Unit) -> None:
    """A unit that changes nothing writes nothing and gets no revision; a refused one is about to be undone."""
    for effect in unit.live():
        effect.outcome = _OUTCOMES[effect.change.action]
    if unit.refused or not (unit.saves or unit.removals):
        return
    tx = unit.tx
    # Deletions first: a replaced resource frees the slug that its successor takes.
    tx.delete_many([stored.record_id for stored in unit.removals.values()])
    saves = list(unit.saves.values())
    for start in range(0, len(saves), RECORDS_AT_ONCE):
        tx.save_many([encode(stored, indexes) for stored, indexes in saves[start : start + RECORDS_AT_ONCE]])
    trees.update(tx, unit)
    unit.revision = tx.append(_events(unit), _note(unit))


def _events(unit: Unit) -> list[Event]:
    events = [_event(stored, DELETED) for stored in unit.removals.values()]
    events += [
        _event(stored, UPDATED if record_id in unit.replaced else CREATED)
        for record_id, (stored, _) in unit.saves.items()
    ]
    return events


def _event(stored: Stored, what: str) -> Event:
    state = stored.state
    payload = StoredEvent(
        resource_version=state.resource_version, digest=state.digest, managed=bool(state.parent)
    ).SerializeToString()
    return Event(stored.org, stored.kind, stored.id, stored.slug, what, payload)


def _note(unit: Unit) -> bytes:
    context = unit.batch.context
    note = StoredNote(
        actor=context.caller.actor,
        method=context.method,
        request_id=context.request_id,
        manager=unit.batch.manager,
    )
    data: bytes = note.SerializeToString()
    return data
