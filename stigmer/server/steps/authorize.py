"""Authorize and CreateIamPolicies: the two steps that ask the policy."""

from __future__ import annotations

from reconciler.actions import Action
from stigmer.errors import PermissionDenied
from stigmer.server.batch import Batch, Services, Unit
from stigmer.server.policy import Caller

_GRANTS = "grant"


def authorize(batch: Batch) -> None:
    """PermissionDenied concerns the whole request: what a caller may not do is not examined further."""
    orgs = sorted({change.org for change in batch.changes} or {batch.services.default_org})
    batch.services.policy.authorize(batch.context.caller, batch.permission, orgs)


def admit_found(services: Services, caller: Caller, permission: str, asked: str, found: str) -> bool:
    """Whether a resource that was found by id in org `found` may be shown to a caller who asked in org `asked`. What
    may not is treated as not there, so that nobody learns of it."""
    if asked == found:
        return True
    try:
        services.policy.authorize(caller, permission, [found])
    except PermissionDenied:
        return False
    return True


def create_iam_policies(unit: Unit) -> None:
    """Record what the policy wants recorded of the new resources."""
    created = [effect.after.record_id for effect in unit.live(Action.CREATE, Action.REPLACE) if effect.after]
    for grant in unit.services.policy.grants(unit.batch.context.caller, created):
        resource = grant.resource
        key = f"{resource.org}/{resource.kind}/{resource.id}/{grant.relation}/{grant.principal}"
        unit.tx.kv_put(_GRANTS, key.encode(), b"")
