"""Authorize and CreateIamPolicies: the two steps that ask the policy."""

from __future__ import annotations

from reconciler.actions import Action
from stigmer.server.batch import Batch, Unit

_GRANTS = "grant"


def authorize(batch: Batch) -> None:
    """PermissionDenied concerns the whole request: what a caller may not do is not examined further."""
    orgs = sorted({change.org for change in batch.changes} or {batch.services.default_org})
    batch.services.policy.authorize(batch.context.caller, batch.permission, orgs)


def create_iam_policies(unit: Unit) -> None:
    """Record what the policy wants recorded of the new resources."""
    created = [effect.after.record_id for effect in unit.live(Action.CREATE, Action.REPLACE) if effect.after]
    for grant in unit.services.policy.grants(unit.batch.context.caller, created):
        resource = grant.resource
        key = f"{resource.org}/{resource.kind}/{resource.id}/{grant.relation}/{grant.principal}"
        unit.tx.kv_put(_GRANTS, key.encode(), b"")
