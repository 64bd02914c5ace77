"""Takes in the stream of ApplyChanges: every chunk is parsed, checked and prepared while the next one is on its way,
long before the writer is asked for. A stream that breaks off leaves nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from google.protobuf.message import DecodeError

from reconciler.actions import Action
from stigmer.backend.v1 import reconcile_pb2 as pb
from stigmer.contract import Kind
from stigmer.contract.claims import unpack
from stigmer.contract.limits import MAX_APPLY_BYTES, MAX_CHANGES
from stigmer.contract.slug import is_slug
from stigmer.errors import DataLoss, InvalidArgument, ResourceExhausted, StigmerError, Violation
from stigmer.server import verbs
from stigmer.server.batch import Batch, Change, Services
from stigmer.server.context import RequestContext
from stigmer.server.pipeline import prepare
from stigmer.server.steps.validate import refusal

DEFAULT_MANAGER = "stigmer"

CLAIM_SETS = 4_096
"""How many distinct sets of claims are remembered as sound."""

_ACTIONS = {
    pb.CHANGE_ACTION_CREATE: Action.CREATE,
    pb.CHANGE_ACTION_UPDATE: Action.UPDATE,
    pb.CHANGE_ACTION_DELETE: Action.DELETE,
    pb.CHANGE_ACTION_REPLACE: Action.REPLACE,
}
_SPLIT = "apply fewer resources at a time, for example one folder after the other"


@dataclass(slots=True)
class Staging:
    """The batch of one ApplyChanges as it grows. `digest` hashes the request whatever the size of its chunks."""

    services: Services
    context: RequestContext
    permission: str
    batch: Batch | None = None
    announced: int = 0
    staged_bytes: int = 0
    keys: set[tuple[str, str, str]] = field(default_factory=set)
    hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    def take(self, request: pb.ApplyChangesRequest) -> None:
        """Stage one message of the stream. Raises for what makes the whole request unusable; what is wrong with a
        single resource is noted in its change."""
        part = request.WhichOneof("part")
        if part is None:
            raise refusal("the request", [Violation("part", "give header or chunk")])
        if (part == "header") != (self.batch is None):
            raise refusal("the request", [Violation(part, "the stream begins with one header, then come chunks")])
        if part == "header":
            self._begin(request.header)
        else:
            self._add(request)

    def finish(self) -> Batch:
        if self.batch is None:
            raise refusal("the request", [Violation("header", "is missing")])
        if len(self.batch.changes) != self.announced:
            problem = f"is {self.announced}, but {len(self.batch.changes)} changes came: the stream is not whole"
            raise refusal("the request", [Violation("header.change_count", problem)])
        self.batch.digest = self.hash.digest()
        self.context.facts["changes"] = len(self.batch.changes)
        return self.batch

    def _begin(self, header: pb.ApplyHeader) -> None:
        self.services.validation.request(header)
        self.hash.update(header.SerializeToString(deterministic=True))
        self.context.request_id = header.request_id
        self.announced = header.change_count
        if header.pending_artifacts and not header.validate_only:
            raise refusal("the request", [Violation("header.pending_artifacts", "goes with validate_only")])
        self.batch = Batch(
            self.services,
            context=self.context,
            permission=self.permission,
            org=self.services.default_org,
            manager=header.manager or DEFAULT_MANAGER,
            validate_only=header.validate_only,
            independent=header.independent,
            force_conflicts=header.force_conflicts,
            pending_artifacts=frozenset(header.pending_artifacts),
        )

    def _add(self, request: pb.ApplyChangesRequest) -> None:
        assert self.batch is not None
        changes = request.chunk.changes
        self.staged_bytes += request.ByteSize()
        if len(self.batch.changes) + len(changes) > MAX_CHANGES:
            raise ResourceExhausted(f"a request has at most {MAX_CHANGES:,} changes", hint=_SPLIT)
        if self.staged_bytes > MAX_APPLY_BYTES:
            raise ResourceExhausted(f"a request has at most {MAX_APPLY_BYTES >> 20} MiB", hint=_SPLIT)
        piece = Batch(self.services, self.context, self.permission, self.batch.org)
        with self.context.step("Stage"):
            piece.changes = [self._bind(change) for change in changes]
        prepare(verbs.APPLY, piece)
        self.batch.changes += piece.changes

    def _bind(self, wanted: pb.ResourceChange) -> Change:
        """A change with its key resolved. What has no usable key cannot be reported under one and is refused."""
        data = wanted.SerializeToString(deterministic=True)
        self.hash.update(len(data).to_bytes(4, "big") + data)
        change = self._keyed(wanted)
        try:
            _check_claims(wanted.claims)
            if change.action is not Action.DELETE:
                change.wanted = parse_content(change, wanted.content)
        except DataLoss:
            change.error = refusal(str(change.key), [Violation("claims", "are not packed field paths")])
        except StigmerError as error:
            change.error = error
        return change

    def _keyed(self, wanted: pb.ResourceChange) -> Change:
        key = wanted.key
        kind: Kind | None = self.services.contract.kinds.get(key.kind)
        action = _ACTIONS.get(wanted.action)
        org = key.org or self.services.default_org
        if kind is None:
            raise self._unusable("kind", f'unknown kind "{key.kind}"')
        if action is None:
            raise self._unusable("action", "give create, update, delete or replace")
        for field_name, text in (("org", org), ("slug", key.slug)):
            if not is_slug(text):
                raise self._unusable(f"key.{field_name}", f'"{text}" is not of a-z, 0-9 and single hyphens')
        if (key.kind, org, key.slug) in self.keys:
            raise self._unusable("key", f"{org}/{key.kind}/{key.slug} is in the request twice")
        self.keys.add((key.kind, org, key.slug))
        return Change(
            kind,
            action,
            org,
            key.slug,
            if_resource_version=wanted.if_resource_version,
            if_id=wanted.if_id,
            claims=wanted.claims,
        )

    def _unusable(self, field_name: str, problem: str) -> InvalidArgument:
        return refusal("the request", [Violation(f"changes[{len(self.keys)}].{field_name}", problem)])


@lru_cache(CLAIM_SETS)
def _check_claims(claims: bytes) -> None:
    """DataLoss unless these are packed paths. Resources of one shape claim alike, so few are looked at twice."""
    unpack(claims)


def parse_content(change: Change, content: bytes) -> Any:
    """The message in `content`, whose identity must be that of the change's key."""
    kind = change.kind
    name = f"{kind.singular} {change.slug}"
    try:
        message: Any = kind.message_class.FromString(content)
    except DecodeError:
        raise refusal(name, [Violation("", f"{name}: the content is not a {kind.name} message")]) from None
    metadata = message.metadata
    for field_name, given, meant in (("slug", metadata.slug, change.slug), ("org", metadata.org, change.org)):
        if given and given != meant:
            raise refusal(name, [Violation(f"metadata.{field_name}", f"is {given}, but the key says {meant}")])
    metadata.slug = change.slug
    return message
