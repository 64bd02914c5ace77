"""What is there already: LoadResource before and under the writer, CheckDuplicate."""

from __future__ import annotations

from reconciler.actions import Action, Outcome
from reconciler.resource import ResourceKey
from stigmer.backend.v1.reconcile_pb2 import StoredHead
from stigmer.contract import Kind
from stigmer.errors import Aborted, AlreadyExists, NotFound
from stigmer.server.batch import Batch, Change, Effect, Unit
from stigmer.server.records import Stored, decode, slug_key
from stigmer.server.steps.authorize import admit_found
from stigmer.server.steps.resolve import instance_key
from stigmer.store.base import Head, ReadTransaction, Record, RecordId


def load_base(batch: Batch) -> None:
    """Read the resources that changes are about from a snapshot, so that merging needs no writer. What is not found
    here is looked for again under the writer, where the answer counts."""

    services, caller = batch.services, batch.context.caller

    def read(tx: ReadTransaction) -> None:
        for change in batch.changes:
            record = find(tx, change.kind, change.org, change.slug, change.id)
            if record is not None and admit_found(services, caller, batch.permission, change.org, record.org):
                change.org, change.slug, change.base = record.org, record.slug, decode(record)

    services.store.read(read)


def find(tx: ReadTransaction, kind: Kind, org: str, slug: str, resource_id: str) -> Record | None:
    """By id, in `org` or wherever it is when the id is not there; else by slug and org."""
    if not resource_id:
        return tx.find_many([slug_key(ResourceKey(kind.name, org, slug))])[0]
    orgs = [org, *(other for other in tx.orgs() if other != org)]
    found = tx.get_many([RecordId(each, kind.name, resource_id) for each in orgs])
    return next((record for record in found if record is not None), None)


def load_resources(unit: Unit) -> None:
    """The resources as they are now, and the default instances that go with deletions."""
    effects = unit.live(Action.UPDATE, Action.DELETE, Action.REPLACE)
    records = unit.tx.find_many([slug_key(effect.change.key) for effect in effects])
    for effect, record in zip(effects, records, strict=True):
        if record is None or (effect.change.id and record.id != effect.change.id):
            _miss(effect)
        else:
            effect.before = decode(record)
    _load_children(unit)


def _load_children(unit: Unit) -> None:
    parents = [
        (effect, key)
        for effect in unit.live(Action.DELETE, Action.REPLACE)
        if (key := instance_key(effect.change)) is not None
    ]
    records = unit.tx.find_many([slug_key(key) for _, key in parents])
    for (effect, _), record in zip(parents, records, strict=True):
        child = decode(record) if record is not None else None
        if child is not None and child.state.parent == str(effect.change.key):
            effect.child = child


def _miss(effect: Effect) -> None:
    change = effect.change
    if change.allow_missing:
        effect.outcome = Outcome.UNCHANGED
    elif change.if_id or change.if_resource_version:
        effect.fail(Aborted(f"{change.kind.singular} {change.slug} is gone since it was read"))
    else:
        effect.fail(not_found(change.kind, change.slug or change.id))


def not_found(kind: Kind, name: str) -> NotFound:
    return NotFound(f"{kind.singular} not found: {name}")


def check_duplicate(unit: Unit) -> None:
    """A slug is taken once, also by default instances: those that exist and those that this batch makes."""
    creates = unit.live(Action.CREATE)
    heads = unit.tx.find_heads([slug_key(effect.change.key) for effect in creates])
    for effect, head in zip(creates, heads, strict=True):
        if head is not None:
            effect.fail(_taken(unit, effect.change, head))
    parents = {
        effect.content.instance.key: effect
        for effect in unit.live(Action.CREATE, Action.REPLACE)
        if effect.content is not None and effect.content.instance is not None
    }
    for effect in unit.live(Action.CREATE):
        parent = parents.get(effect.change.key)
        if parent is not None:
            effect.fail(_reserved(effect.change, parent.change))
    _check_instances(unit, parents)


def _check_instances(unit: Unit, parents: dict[ResourceKey, Effect]) -> None:
    """No default instance can be made where somebody's own resource has its slug."""
    heads = unit.tx.find_heads([slug_key(key) for key in parents])
    for (key, effect), head in zip(parents.items(), heads, strict=True):
        if head is not None and not _is_own_child(head, effect.child):
            kind = effect.change.kind
            effect.fail(
                AlreadyExists(
                    f"{key.kind.lower()} with slug {key.slug} exists, and {kind.singular} {effect.change.slug} "
                    "needs that slug for its default instance",
                    hint=f"delete that {key.kind.lower()}, or choose another slug",
                )
            )


def _is_own_child(head: Head, child: Stored | None) -> bool:
    return child is not None and child.id == head.id


def _taken(unit: Unit, change: Change, head: Head) -> AlreadyExists:
    text = f"{change.kind.singular} with slug {change.slug} exists"
    if not StoredHead.FromString(head.head).managed:
        return AlreadyExists(text)
    (record,) = unit.tx.find_many([slug_key(change.key)])
    assert record is not None
    parent = ResourceKey.parse(decode(record).state.parent)
    return AlreadyExists(f"{text}: it is the default instance of {parent.kind.lower()} {parent.slug}")


def _reserved(change: Change, parent: Change) -> AlreadyExists:
    return AlreadyExists(
        f"{change.kind.singular} {change.slug} would take the slug of the default instance of "
        f"{parent.kind.singular} {parent.slug}",
        hint="choose another slug",
    )
