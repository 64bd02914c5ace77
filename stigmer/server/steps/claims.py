"""CheckClaims: no apply manager changes a field that another one claims, unless it says so.

The client has planned by the same rule; here it is held inside the transaction, so that neither an old plan nor a
client of somebody else's making can take a field over silently.
"""

from __future__ import annotations

from reconciler.actions import Action, Outcome
from stigmer.backend.v1.metadata_pb2 import ManagerClaims
from stigmer.contract.claims import pack, unpack
from stigmer.errors import Aborted, Violation
from stigmer.server.batch import IMPERATIVE, Effect, Unit
from stigmer.server.records import Stored
from stigmer.server.steps.guard import changes_of


def check_claims(unit: Unit) -> None:
    """A typed RPC has no manager and is not checked: what it changes shows as drift to those who claim it."""
    manager = unit.batch.manager
    if manager == IMPERATIVE or unit.batch.force_conflicts:
        return
    for effect in unit.live(Action.UPDATE, Action.REPLACE):
        claimed = _claimed_by_others(effect.before, manager)
        if not claimed:
            continue
        changed = {each.path for each in changes_of(unit.services.contract, effect)}
        conflicts = {path: owner for path, owner in claimed.items() if path in changed}
        if conflicts:
            effect.fail(_conflict(effect, conflicts), Outcome.CONFLICTED)


def _claimed_by_others(stored: Stored | None, manager: str) -> dict[str, str]:
    """Claimed paths and who claims them."""
    if stored is None:
        return {}
    return {
        path: claims.manager
        for claims in stored.state.claims
        if claims.manager != manager
        for path in unpack(claims.paths)
    }


def _conflict(effect: Effect, conflicts: dict[str, str]) -> Aborted:
    managers = ", ".join(sorted(set(conflicts.values())))
    change = effect.change
    return Aborted(
        f"{change.kind.singular} {change.slug} has fields that {managers} manages",
        violations=[Violation(path, f"is claimed by {owner}") for path, owner in sorted(conflicts.items())],
        hint="agree on one manager for each field, or take them over with --force-conflicts",
        reason="CLAIM_CONFLICT",
    )


def next_claims(unit: Unit, effect: Effect) -> list[ManagerClaims]:
    """The claims of a resource after an effect, by manager. Forced changes are taken out of the other managers'."""
    before, mine = effect.before, effect.change.claims
    held = list(before.state.claims) if before is not None else []
    if mine is None:
        return held
    manager = unit.batch.manager
    others = [each for each in held if each.manager != manager]
    if others and unit.batch.force_conflicts:
        others = _without(others, {each.path for each in changes_of(unit.services.contract, effect)})
    own = [ManagerClaims(manager=manager, paths=mine)] if mine else []
    return sorted([*others, *own], key=lambda each: str(each.manager))


def _without(claims: list[ManagerClaims], taken: set[str]) -> list[ManagerClaims]:
    kept = ((each.manager, unpack(each.paths) - taken) for each in claims)
    return [ManagerClaims(manager=manager, paths=pack(paths)) for manager, paths in kept if paths]
