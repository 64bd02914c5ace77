"""The plan: what has to be written so that the backend holds what is desired. Made once, purely, from the desired set
and a snapshot; shown, confirmed, sent and reported as the same value.

Creation of a resource is planned without a field-by-field account (`fields` is empty, the body says it all); so is
deletion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.actions import Action, Outcome
from reconciler.diff import CauseKind, FieldChange, three_way
from reconciler.graph import order
from reconciler.guards import Policy, Refusal, refuse
from reconciler.leaves import leaf_paths
from reconciler.resource import Body, Desired, Observed, Origin, Reference, ResourceKey, Snapshot
from reconciler.schema import Node

__all__ = ["Action", "Change", "Outcome", "Plan", "Policy", "plan", "plan_delete"]


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource, and why.

    `body` is the full resulting body, None for a delete. `claims` are all paths that the manager declares afterwards.
    `desired` is the declaration that led here (of a delete: the one that names the resource, if any), `observed` the
    live resource that the change was computed against. A change with a `refusal` is shown and not made.
    """

    key: ResourceKey
    action: Action
    desired: Desired | None
    observed: Observed | None
    body: Body | None
    fields: tuple[FieldChange, ...]
    cause: str
    claims: frozenset[str]
    origin: Origin | None
    refusal: Refusal | None = None

    @property
    def references(self) -> Sequence[Reference]:
        return self.desired.references if self.desired else ()

    @property
    def outcome(self) -> Outcome:
        """What the change comes to if all goes well."""
        return self.refusal.outcome if self.refusal else self.action.outcome

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; secrets are masked."""
        answer: dict[str, Any] = {
            "kind": self.key.kind,
            "slug": self.key.slug,
            "org": self.key.org,
            "action": str(self.action),
            "cause": self.cause,
            "fields": [
                {"path": f.path, "op": f.op, "before": f.before, "after": f.after, "cause": str(f.cause)}
                for f in self.fields
            ],
            "source": {"file": self.origin.file, "line": self.origin.line} if self.origin else None,
        }
        if self.refusal:
            refusal = self.refusal
            answer["refusal"] = {"reason": str(refusal.reason), "message": refusal.message, "flag": refusal.flag}
        return answer


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in the order in which they could be made one by one, and the keys that need none, in the order given.
    Computed at `base_revision` in the name of `manager`."""

    changes: tuple[Change, ...]
    unchanged: Sequence[ResourceKey]
    base_revision: int
    manager: str
    policy: Policy

    @property
    def writes(self) -> tuple[Change, ...]:
        """The changes that nothing forbids."""
        return tuple(change for change in self.changes if change.refusal is None)

    @property
    def refused(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.refusal is not None)

    @property
    def is_empty(self) -> bool:
        """Whether everything is as desired."""
        return not self.changes

    @property
    def can_apply(self) -> bool:
        """Whether applying the plan may write: one refusal stops everything, unless the policy is to keep going."""
        return self.policy.keep_going or not self.refused

    @property
    def destroys(self) -> bool:
        """Whether applying the plan loses a live resource."""
        return any(change.action.destroys for change in self.writes)

    def counts(self) -> dict[str, int]:
        """How many resources come to each outcome if all goes well; every outcome word is there."""
        counts = {str(outcome): 0 for outcome in Outcome}
        for change in self.changes:
            counts[change.outcome] += 1
        counts[Outcome.UNCHANGED] += len(self.unchanged)
        return counts

    def summary(self) -> str:
        """One line for people: `2 to create, 1 to update, 1 refused, 5 unchanged`."""
        writes = [change.action for change in self.writes]
        parts = [f"{writes.count(action)} to {action}" for action in Action if action in writes]
        if self.refused:
            parts.append(f"{len(self.refused)} refused")
        return ", ".join([*parts, f"{len(self.unchanged)} unchanged"])

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, the same for the same plan; secrets are masked."""
        return {
            "base_revision": self.base_revision,
            "manager": self.manager,
            "changes": [change.to_json() for change in self.changes],
            "summary": self.counts(),
        }


def plan(
    desired: Mapping[ResourceKey, Desired],
    snapshot: Snapshot,
    schemas: Callable[[str], Node],
    ranks: Callable[[str], int],
    policy: Policy,
    manager: str,
) -> Plan:
    """What makes the backend hold `desired`. `snapshot` covers at least the same keys; `schemas` and `ranks` answer by
    kind. Other resources are not touched. With `policy.delete`, the desired keys are deleted instead."""
    if policy.delete:
        return plan_delete(desired, snapshot, ranks, policy, manager, declared=desired)
    changes, unchanged = [], []
    for key, want in desired.items():
        change = None
        if key not in snapshot.unchanged:
            change = _change(want, snapshot.resources.get(key), schemas(key.kind), policy, manager)
        if change is None:
            unchanged.append(key)
        else:
            changes.append(change)
    return Plan(tuple(order(changes, ranks)), tuple(unchanged), snapshot.revision, manager, policy)


def plan_delete(
    keys: Iterable[ResourceKey],
    snapshot: Snapshot,
    ranks: Callable[[str], int],
    policy: Policy,
    manager: str,
    declared: Mapping[ResourceKey, Desired] | None = None,
) -> Plan:
    """What makes the backend hold none of `keys`, referring resources first; absent ones count as unchanged.

    Each delete is bound to the resource that was seen, so `snapshot` must hold them in full (`Backend.get_many`):
    ValueError if it only knows that one is unchanged. `declared` are the manifests that name them, where there are any.
    """
    changes, absent = [], []
    for key in keys:
        if key in snapshot.unchanged:
            raise ValueError(f"{key} was not fetched: a delete needs the id and version of what it deletes")
        live = snapshot.resources.get(key)
        if live is None:
            absent.append(key)
        else:
            changes.append(_delete(live, (declared or {}).get(key), policy))
    return Plan(tuple(reversed(order(changes, ranks))), tuple(absent), snapshot.revision, manager, policy)


def _change(want: Desired, have: Observed | None, schema: Node, policy: Policy, manager: str) -> Change | None:
    """The change of one resource, None if it is as desired."""
    if have is None:
        body = want.body
        cause = f"new{_at(want.origin)}"
        return Change(want.key, Action.CREATE, want, None, body, (), cause, leaf_paths(schema, body), want.origin)
    if have.digest == want.digest:
        return None
    ours = have.claims.get(manager, frozenset())
    others = {path: name for name in have.claims if name != manager for path in have.claims[name]}
    merge = three_way(schema, want.body, have.body, ours, others)
    if not merge.changes:
        return None
    action = Action.REPLACE if any(change.immutable for change in merge.changes) else Action.UPDATE
    refusal = refuse(action, have, merge.changes, policy)
    cause = _cause(merge.changes, want.origin)
    return Change(want.key, action, want, have, merge.body, merge.changes, cause, merge.claims, want.origin, refusal)


def _delete(live: Observed, declared: Desired | None, policy: Policy) -> Change:
    origin = declared.origin if declared else None
    refusal = refuse(Action.DELETE, live, (), policy)
    cause = f"to be deleted{_at(origin)}"
    return Change(live.key, Action.DELETE, declared, live, None, (), cause, frozenset(), origin, refusal)


def _cause(fields: Iterable[FieldChange], origin: Origin | None) -> str:
    """The causes of all fields, each named once."""
    causes = dict.fromkeys(field.cause for field in fields)
    located = _at(origin)
    return "; ".join(f"{cause}{located}" if cause.kind is CauseKind.MANIFEST else str(cause) for cause in causes)


def _at(origin: Origin | None) -> str:
    return f" at {origin}" if origin else ""
