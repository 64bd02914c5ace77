"""The typed verbs: CreateX, GetX, UpdateX, DeleteX and ListXs of every kind, as one function per verb. A request
becomes a batch of one; nothing here knows a kind by name."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

from google.protobuf.message import Message

from reconciler.actions import Action
from stigmer.contract import Kind, Method
from stigmer.errors import InvalidArgument, Violation
from stigmer.server import idempotency, verbs
from stigmer.server.batch import Batch, Change, Services
from stigmer.server.context import current_request
from stigmer.server.listing import list_page
from stigmer.server.pipeline import Pipeline, Replayed, execute, prepare
from stigmer.server.records import Stored, decode
from stigmer.server.steps.authorize import admit_found
from stigmer.server.steps.load import find, not_found
from stigmer.server.steps.references import find_missing
from stigmer.server.steps.respond import render
from stigmer.server.steps.validate import refusal
from stigmer.store.base import ReadTransaction

T = TypeVar("T")


async def create(services: Services, method: Method, request: Any) -> bytes:
    return await _mutate(services, verbs.CREATE, method, request)


async def update(services: Services, method: Method, request: Any) -> bytes:
    return await _mutate(services, verbs.UPDATE, method, request)


async def delete(services: Services, method: Method, request: Any) -> bytes:
    return await _mutate(services, verbs.DELETE, method, request)


async def get(services: Services, method: Method, request: Any) -> Message:
    kind = services.contract.kinds[method.kind]

    def show(tx: ReadTransaction, stored: Stored) -> Message:
        content = kind.message_class.FromString(stored.state.content)
        message: Message = render(kind, stored, find_missing(services.contract, tx, kind, stored.org, content))
        return message

    return await about_one(services, method, request, show)


async def about_one(
    services: Services, method: Method, request: Any, answer: Callable[[ReadTransaction, Stored], T]
) -> T:
    """What `answer` makes of the resource that the request names by id, or by slug and org, and of the snapshot it was
    read in. The resource is of the method's kind. Raises NotFound also for one that the caller may not see."""
    kind = services.contract.kinds[method.kind]
    org = request.org or services.default_org
    caller = current_request.get().caller

    def read(tx: ReadTransaction) -> T:
        record = find(tx, kind, org, request.slug, request.id)
        if record is None or not admit_found(services, caller, method.permission, org, record.org):
            raise not_found(kind, request.slug or request.id)
        return answer(tx, decode(record))

    def run() -> T:
        _admit(services, method, request, org)
        return services.store.read(read)

    return await asyncio.to_thread(run)


async def list_(services: Services, method: Method, request: Any) -> Message:
    org = request.org or services.default_org

    def run() -> Message:
        _admit(services, method, request, org)
        return list_page(services, method, request, org)

    return await asyncio.to_thread(run)


def _admit(services: Services, method: Method, request: Message, org: str) -> None:
    context = current_request.get()
    with context.step("ValidateFieldConstraints"):
        services.validation.request(request)
    with context.step("Authorize"):
        services.policy.authorize(context.caller, method.permission, [org])


async def _mutate(services: Services, pipeline: Pipeline, method: Method, request: Any) -> bytes:
    context = current_request.get()
    context.request_id = request.request_id
    batch = await asyncio.to_thread(_prepare, services, pipeline, method, request)
    (change,) = batch.changes
    if change.error is not None:
        # The snapshot may show what an earlier sending of this request has done: then its answer is kept.
        kept = await asyncio.to_thread(services.store.read, lambda tx: idempotency.find(tx, batch))
        if kept is None:
            raise change.error
        return kept
    done = await execute(pipeline, batch)
    if isinstance(done, Replayed):
        return done.response
    (effect,) = done.effects
    if effect.error is not None:
        raise effect.error
    return done.response


def _prepare(services: Services, pipeline: Pipeline, method: Method, request: Any) -> Batch:
    context = current_request.get()
    with context.step("ValidateFieldConstraints"):
        services.validation.request(request)
        change = _CHANGES[method.verb](services, services.contract.kinds[method.kind], request)
    batch = Batch(
        services,
        context=context,
        permission=method.permission,
        org=change.org,
        changes=[change],
        validate_only=request.validate_only,
        digest=hashlib.sha256(request.SerializeToString(deterministic=True)).digest(),
    )
    prepare(pipeline, batch)
    return batch


def _create_change(services: Services, kind: Kind, request: Any) -> Change:
    wanted = kind.message_class()
    if request.HasField("resource"):
        if request.HasField("spec"):
            raise refusal("the request", [Violation("spec", "give either resource, or name and spec")])
        _check_kind(kind, request.resource)
        wanted.CopyFrom(request.resource)
    elif request.HasField("spec"):
        wanted.spec.CopyFrom(request.spec)
    metadata = wanted.metadata
    metadata.name = metadata.name or request.name
    if request.org and metadata.org and request.org != metadata.org:
        raise refusal("the request", [Violation("org", f"is {request.org}, but metadata.org is {metadata.org}")])
    org = request.org or metadata.org or services.default_org
    return Change(kind, Action.CREATE, org, wanted=wanted)


def _update_change(services: Services, kind: Kind, request: Any) -> Change:
    resource = request.resource
    metadata = resource.metadata
    if not (metadata.id or metadata.slug):
        raise refusal("the request", [Violation("metadata.slug", "give metadata.id, or metadata.slug and org")])
    _check_kind(kind, resource)
    mask = tuple(request.update_mask.paths)
    if not mask and not metadata.etag:
        raise InvalidArgument(
            "an update needs metadata.etag or update_mask",
            violations=[Violation("update_mask", "is missing, and so is metadata.etag")],
            hint="send the etag that was read to replace the whole resource, or name the paths to replace",
        )
    return Change(
        kind,
        Action.UPDATE,
        org=metadata.org or services.default_org,
        slug=metadata.slug,
        id=metadata.id,
        wanted=resource,
        mask=mask,
        merges=True,
        if_etag=metadata.etag,
    )


def _delete_change(services: Services, kind: Kind, request: Any) -> Change:
    return Change(
        kind,
        Action.DELETE,
        org=request.org or services.default_org,
        slug=request.slug,
        id=request.id,
        if_etag=request.etag,
        allow_missing=request.allow_missing,
    )


def _check_kind(kind: Kind, resource: Any) -> None:
    """A resource may say what it is, but not something else."""
    given = [("apiVersion", resource.api_version, kind.api_version), ("kind", resource.kind, kind.name)]
    wrong = [
        Violation(field, f"must be {meant}, not {text}") for field, text, meant in given if text not in ("", meant)
    ]
    if wrong:
        raise refusal(f"{kind.singular} {resource.metadata.slug}".rstrip(), wrong)


_CHANGES = {"create": _create_change, "update": _update_change, "delete": _delete_change}
VERBS = {"create": create, "get": get, "update": update, "delete": delete, "list": list_}
"""What serves each verb of a typed RPC."""
