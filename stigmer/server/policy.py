"""Who is calling and what they may do. One place decides: the steps Authorize and CreateIamPolicies ask here, and so
do the reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, final

from stigmer.errors import PermissionDenied
from stigmer.store.base import RecordId


@dataclass(frozen=True, slots=True)
class Caller:
    """`principal` is the identity that permissions and request ids belong to, `actor` how audit fields name it."""

    principal: str
    actor: str


@dataclass(frozen=True, slots=True)
class Grant:
    """`principal` has `relation` to a resource."""

    principal: str
    relation: str
    resource: RecordId


class Policy(Protocol):
    def authorize(self, caller: Caller, permission: str, orgs: Iterable[str]) -> None:
        """Return when `caller` has `permission` in every one of `orgs`; raise PermissionDenied otherwise."""
        ...

    def grants(self, caller: Caller, created: Sequence[RecordId]) -> Sequence[Grant]:
        """What must be recorded in the transaction that creates these resources."""
        ...


LOCAL_PRINCIPAL = "local"


@final
class LocalPolicy:
    """The single local user owns everything. That is a rule and not a record: creating adds no grants."""

    def authorize(self, caller: Caller, permission: str, orgs: Iterable[str]) -> None:  # noqa: ARG002 -- one answer
        if caller.principal != LOCAL_PRINCIPAL:
            raise PermissionDenied(f"{caller.actor} may not use {permission}")

    def grants(self, caller: Caller, created: Sequence[RecordId]) -> Sequence[Grant]:  # noqa: ARG002 -- none for any
        return ()
