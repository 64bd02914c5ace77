"""References between resources, checked against the state that the transaction will leave.

Required targets must be there. Optional ones need not be: what is missing becomes a warning, and a condition that is
computed whenever the resource is read and stored nowhere, so that it heals by itself when the target appears. What is
referred to, by a required or an optional reference, is not deleted unless its referrers leave with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from reconciler.actions import Action, Outcome
from reconciler.resource import ResourceKey
from stigmer.contract import Contract, Kind
from stigmer.errors import FailedPrecondition, Violation
from stigmer.server.batch import Effect, Services, Target, Unit
from stigmer.server.records import REFERENCE, slug_key
from stigmer.server.steps.resolve import instance_key
from stigmer.store.base import Query, ReadTransaction

MAX_REFERRERS = 20
"""How many referrers a refusal lists."""

TRUE, FALSE = "True", "False"


def settle_references(unit: Unit) -> None:
    """Fail what would leave a dangling reference. One failure may cause the next, so this goes on until none does."""
    check = _Check(unit.services, unit)
    while check.deletions() or check.targets():
        pass


@dataclass(slots=True)
class _Check:
    services: Services
    unit: Unit
    referrers: dict[ResourceKey, list[ResourceKey]] = field(default_factory=dict)

    def deletions(self) -> bool:
        """Fail deletions of what somebody will still refer to. True when any failed."""
        leaving = {key: effect for effect in self.unit.live(Action.DELETE) for key in _leaving_keys(effect)}
        if not leaving:
            return False
        self._look_up_referrers(leaving)
        writers = {effect.change.key: effect for effect in self.unit.effects}
        arriving = _arriving_referrers(self.unit, leaving)
        failed = False
        for key, effect in leaving.items():
            remaining = [each for each in self.referrers[key] if _remains(writers.get(each), each, key, leaving)]
            remaining += arriving.get(key, [])
            if remaining and effect.live:
                self._refuse_deletion(effect, sorted(set(remaining)), writers)
                failed = True
        return failed

    def _refuse_deletion(
        self, effect: Effect, remaining: list[ResourceKey], writers: dict[ResourceKey, Effect]
    ) -> None:
        blocker = next((each for each in remaining if each in writers and writers[each].failed), None)
        error = _referenced(effect, remaining)
        if blocker is not None and self.unit.batch.independent:
            effect.fail(error, Outcome.BLOCKED, blocker)
        else:
            effect.fail(error)

    def _look_up_referrers(self, keys: Iterable[ResourceKey]) -> None:
        for key in keys:
            if key not in self.referrers:
                self.referrers[key] = find_referrers(self.services.contract, self.unit.tx, key)

    def targets(self) -> bool:
        """Fail what refers to something that will not be there. True when any failed."""
        writing = [
            effect
            for effect in self.unit.effects
            if effect.content is not None and (effect.live or effect.outcome is Outcome.UNCHANGED)
        ]
        exists = self._existence({target.key for effect in writing for target in _content_targets(effect)})
        failed = False
        for effect in writing:
            absent = [target for target in _content_targets(effect) if not exists(target.key)]
            effect.missing = [target for target in absent if not target.required]
            required = [target for target in absent if target.required]
            if required and effect.live:
                effect.fail(_dangling(effect, required))
                failed = True
        return self._block(writing) or failed

    def _block(self, writing: list[Effect]) -> bool:
        """In an independent batch, what requires something that failed is not written either."""
        if not self.unit.batch.independent:
            return False
        broken = {
            effect.change.key: effect
            for effect in self.unit.effects
            if effect.failed and effect.change.action is not Action.DELETE
        }
        blocked = False
        for effect in writing if broken else ():
            cause = next((t for t in _content_targets(effect) if t.required and t.key in broken), None)
            if cause is not None and effect.live:
                effect.fail(_blocked(effect, cause), Outcome.BLOCKED, cause.key)
                blocked = True
        return blocked

    def _existence(self, keys: set[ResourceKey]) -> Callable[[ResourceKey], bool]:
        """Whether a key will exist. What failed counts as it would be: its own error says enough."""
        known: dict[ResourceKey, bool] = {}
        for effect in self.unit.effects:
            child = instance_key(effect.change)
            there = effect.change.action is not Action.DELETE or (effect.failed and effect.before is not None)
            known[effect.change.key] = there
            if child is not None and effect.change.action is not Action.UPDATE:
                known[child] = there
        unknown = [key for key in keys if key not in known]
        heads = self.unit.tx.find_heads([slug_key(key) for key in unknown])
        known.update((key, head is not None) for key, head in zip(unknown, heads, strict=True))
        return known.__getitem__


def _content_targets(effect: Effect) -> tuple[Target, ...]:
    return effect.content.targets if effect.content is not None else ()


def _leaving_keys(effect: Effect) -> list[ResourceKey]:
    return [effect.change.key] + ([effect.child.key] if effect.child is not None else [])


def _arriving_referrers(unit: Unit, leaving: Iterable[ResourceKey]) -> dict[ResourceKey, list[ResourceKey]]:
    """Which live changes will refer to a key that leaves, optionally or not."""
    wanted = set(leaving)
    found: dict[ResourceKey, list[ResourceKey]] = {}
    for effect in unit.live(Action.CREATE, Action.UPDATE, Action.REPLACE):
        for target in _content_targets(effect):
            if target.key in wanted:
                found.setdefault(target.key, []).append(effect.change.key)
    return found


def _remains(
    writer: Effect | None, referrer: ResourceKey, target: ResourceKey, leaving: dict[ResourceKey, Effect]
) -> bool:
    """Whether a stored referrer will still be there and still refer to `target`."""
    if referrer in leaving and leaving[referrer].live:
        return False
    if writer is None or not writer.live or writer.content is None:
        return True
    return any(each.key == target for each in writer.content.targets)


def find_referrers(contract: Contract, tx: ReadTransaction, target: ResourceKey) -> list[ResourceKey]:
    """The stored resources, in any org, that refer to `target`."""
    found: list[ResourceKey] = []
    for kind in referring_kinds(contract, target.kind):
        after = ""
        while records := tx.list(Query(kind=kind.name, index=(REFERENCE, str(target)), after=after)):
            found += [ResourceKey(each.kind, each.org, each.slug) for each in records]
            after = records[-1].id
    return [key for key in found if key != target]


def referring_kinds(contract: Contract, target: str) -> list[Kind]:
    """The kinds whose resources may refer to resources of kind `target`."""
    return [kind for kind in contract.kinds.values() if target in kind.targets]


def find_missing(contract: Contract, tx: ReadTransaction, kind: Kind, org: str, message: Any) -> list[Target]:
    """The optional targets of a resource that are not there, in a snapshot."""
    if not kind.conditions:
        return []
    targets = [
        Target(found.path, ResourceKey(found.kind, found.org or org, found.slug), False, found.condition)
        for found in contract.references(kind, message)
        if not found.required
    ]
    heads = tx.find_heads([slug_key(target.key) for target in targets])
    return [target for target, head in zip(targets, heads, strict=True) if head is None]


def add_conditions(kind: Kind, message: Any, missing: Iterable[Target]) -> None:
    """Write the conditions of optional references into the status: False for those with a missing target."""
    names: dict[str, list[str]] = {}
    for target in missing:
        names.setdefault(target.condition, []).append(f"{target.key.kind.lower()} {target.key.slug}")
    for condition in kind.conditions:
        absent = names.get(condition)
        message.status.conditions.add(
            type=condition,
            status=FALSE if absent else TRUE,
            reason="NotFound" if absent else "Resolved",
            message=f"not found: {', '.join(dict.fromkeys(absent))}" if absent else "",
        )


def warning(target: Target) -> str:
    return f"{target.path}: {target.key.kind.lower()} not found: {target.key.slug}"


def _dangling(effect: Effect, targets: list[Target]) -> FailedPrecondition:
    change = effect.change
    return FailedPrecondition(
        f"{change.kind.singular} {change.slug}: {warning(targets[0])}",
        violations=[
            Violation(target.path, f"{target.key.kind.lower()} not found: {target.key.slug}", key=str(change.key))
            for target in targets
        ],
        reason="REFERENCE_NOT_FOUND",
    )


def _referenced(effect: Effect, referrers: list[ResourceKey]) -> FailedPrecondition:
    change = effect.change
    names = [f"{key.kind.lower()} {key.slug}" for key in referrers[:MAX_REFERRERS]]
    if len(referrers) > MAX_REFERRERS:
        names.append(f"{len(referrers) - MAX_REFERRERS} more")
    return FailedPrecondition(
        f"{change.kind.singular} {change.slug} is referenced by {', '.join(names)}",
        violations=[
            Violation("metadata.slug", f"{key.kind.lower()} {key.slug} refers to it", key=str(key))
            for key in referrers[:MAX_REFERRERS]
        ],
        hint="delete or change what refers to it first, or in the same request",
        reason="REFERENCED",
    )


def _blocked(effect: Effect, cause: Target) -> FailedPrecondition:
    change = effect.change
    return FailedPrecondition(
        f"{change.kind.singular} {change.slug}: {cause.path}: {cause.key.kind.lower()} {cause.key.slug} has failed",
        violations=[Violation(cause.path, f"{cause.key.slug} has failed", key=str(change.key))],
        reason="BLOCKED",
    )
