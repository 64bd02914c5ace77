"""Preconditions of changes to what exists: CheckEtag, SkipUnchanged, CheckImmutable, CheckProtection."""

from __future__ import annotations

from functools import cache

from reconciler.actions import Action, Outcome
from reconciler.diff import FieldChange, three_way
from reconciler.leaves import leaf_paths
from reconciler.schema import Node
from stigmer.contract import Contract, Kind
from stigmer.errors import Aborted, FailedPrecondition, StigmerError, Violation
from stigmer.server.batch import Content, Effect, Unit
from stigmer.server.records import Stored, content_of


def check_etag(unit: Unit) -> None:
    """A change that was computed against another state than the one that is there is ABORTED."""
    for effect in unit.live(Action.UPDATE, Action.DELETE, Action.REPLACE):
        if (problem := _stale(effect)) is not None:
            effect.fail(problem)


def _stale(effect: Effect) -> Aborted | None:
    change, before = effect.change, effect.before
    assert before is not None
    name = f"{change.kind.singular} {change.slug}"
    if change.if_id and change.if_id != before.id:
        return Aborted(f"{name} was made anew since it was read", hint="read it again, then repeat")
    version = change.if_resource_version
    if (version and version != before.state.resource_version) or (change.if_etag and change.if_etag != before.etag):
        return Aborted(f"{name} has changed since it was read", hint="read it again, then repeat")
    return None


def skip_unchanged(unit: Unit) -> None:
    """An update to what is already there writes nothing."""
    for effect in unit.live(Action.UPDATE):
        assert effect.before is not None
        assert effect.content is not None
        if effect.content.digest == effect.before.state.digest and _claims_stay(unit, effect):
            effect.after = effect.before
            effect.outcome = Outcome.UNCHANGED


def _claims_stay(unit: Unit, effect: Effect) -> bool:
    claims = effect.change.claims
    if claims is None:
        return True
    assert effect.before is not None
    held = {each.manager: each.paths for each in effect.before.state.claims}
    return bool(held.get(unit.batch.manager, b"") == claims)


def check_immutable(unit: Unit) -> None:
    """Fields that cannot change after creation are refused, naming them."""
    for effect in unit.live(Action.UPDATE):
        assert effect.before is not None
        assert effect.content is not None
        if has_immutable_fields(effect.change.kind) and effect.content.spec_digest != effect.before.state.spec_digest:
            paths = [each.path for each in changes_of(unit.services.contract, effect) if each.immutable]
            if paths:
                effect.fail(_immutable(effect, paths))


def _immutable(effect: Effect, paths: list[str]) -> StigmerError:
    change = effect.change
    return FailedPrecondition(
        f"{change.kind.singular} {change.slug}: {paths[0]} cannot change",
        violations=[Violation(path, "cannot change after creation") for path in paths],
        hint="delete it and create it again",
        reason="IMMUTABLE_FIELD",
    )


def check_protection(unit: Unit) -> None:
    """What is protected, or made by the server for a parent, is neither deleted nor replaced by itself."""
    for effect in unit.live(Action.DELETE, Action.REPLACE):
        assert effect.before is not None
        problem = _protected(unit.services.contract, effect.before) or _managed(effect.before)
        if problem is None and effect.child is not None:
            problem = _protected(unit.services.contract, effect.child)
        if problem is not None:
            effect.fail(problem)


def _protected(contract: Contract, stored: Stored) -> StigmerError | None:
    kind = contract.kinds[stored.kind]
    if not content_of(kind, stored).metadata.protect:
        return None
    return FailedPrecondition(
        f"{kind.singular} {stored.slug} is protected",
        violations=[Violation("metadata.protect", "forbids deleting and replacing", key=str(stored.key))],
        hint="set metadata.protect to false first",
        reason="PROTECTED",
    )


def _managed(stored: Stored) -> StigmerError | None:
    if not stored.managed:
        return None
    _, parent_kind, parent_slug = stored.state.parent.split("/")
    return FailedPrecondition(
        f"{stored.kind.lower()} {stored.slug} is the default instance of {parent_kind.lower()} {parent_slug}",
        violations=[Violation("metadata.parent", "goes with its parent only", key=str(stored.key))],
        hint=f"delete {parent_kind.lower()} {parent_slug} instead",
        reason="DEFAULT_INSTANCE",
    )


def changes_of(contract: Contract, effect: Effect) -> tuple[FieldChange, ...]:
    """Every field that differs between what is stored and what an effect writes."""
    assert effect.before is not None
    assert effect.content is not None
    kind = effect.change.kind
    return _differences(contract, kind, effect.before, effect.content)


def _differences(contract: Contract, kind: Kind, before: Stored, content: Content) -> tuple[FieldChange, ...]:
    live = contract.codec.body(kind, content_of(kind, before))
    wanted = contract.codec.body(kind, kind.message_class.FromString(content.data))
    return three_way(kind.schema, wanted, live, leaf_paths(kind.schema, live), {}).changes


@cache
def has_immutable_fields(kind: Kind) -> bool:
    """Whether any field of the kind's body is immutable, so that most kinds need no comparison."""
    seen: set[int] = set()
    pending: list[Node] = [kind.schema]
    while pending:
        node = pending.pop()
        if node.immutable or node.immutable_presence:
            return True
        if id(node) not in seen:
            seen.add(id(node))
            pending.extend(node.fields.values())
            if node.item is not None:
                pending.append(node.item)
    return False
