"""StoreArtifact, GetArtifact and FindMissingArtifacts: files that resources refer to, found by their content.

An upload is taken in and checked before the writer is asked for, and written in one transaction: it is there whole or
not at all, and an upload that breaks off has left nothing. Artifacts belong to one org, never change and are never
removed: an older version of a resource may need them again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from google.protobuf.message import DecodeError

from stigmer.backend.v1 import artifact_pb2 as pb
from stigmer.contract import Method
from stigmer.contract.archive import ZIP
from stigmer.contract.limits import ARTIFACT_PIECE_BYTES, MAX_ARTIFACT_BYTES
from stigmer.contract.slug import is_slug
from stigmer.contract.unpack import inspect
from stigmer.errors import DataLoss, DeadlineExceeded, InvalidArgument, NotFound, Violation
from stigmer.server.batch import Services
from stigmer.server.context import RequestContext, current_request
from stigmer.server.steps.validate import refusal
from stigmer.store.base import ReadTransaction, Transaction

HEADS, PIECES = "artifact", "artifact-piece"
"""Spaces of the store: StoredArtifact by org and digest, and the bytes in order under the same key and a number."""

PIECE_BYTES = 256 << 10
"""How the bytes are cut for the store: large enough to be few, small enough to find room in a file with gaps."""

READ_PIECES = 4
"""Pieces that are read in one transaction while an artifact is sent."""

UPLOADS: Final = 4
"""Uploads that are taken in at a time, so that MAX_ARTIFACT_BYTES of each fit into memory; others wait, unread."""

STALL_SECONDS = 30.0
"""An upload of which nothing arrives for so long is ended, for it keeps others waiting."""

UPLOAD_SECONDS = 600.0
"""So is one that has not arrived whole after this time."""

_CONTENT_CHECKS: Mapping[str, Callable[[bytes], Iterable[pb.ArchivedFile]]] = {
    ZIP: lambda data: [
        pb.ArchivedFile(path=each.path, size=each.size, executable=each.executable, digest=each.digest)
        for each in inspect(data)
    ]
}
"""Media type -> what makes sure of it and lists the files."""


@dataclass(slots=True)
class Uploads:
    """The room for uploads of one server."""

    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(UPLOADS))
    stall: float = STALL_SECONDS


async def store_artifact(
    services: Services, uploads: Uploads, method: Method, requests: AsyncIterator[pb.StoreArtifactRequest]
) -> pb.StoreArtifactResponse:
    context = current_request.get()
    async with aclosing(_unstalled(requests, uploads.stall)) as messages:
        header = await _header(messages)
        context.request_id = header.request_id
        org = header.org or services.default_org
        known = await asyncio.to_thread(_admit, services, method, context, org, header)
        if known is None:
            async with uploads.room:
                data = await _data(messages, header)
                known = await asyncio.to_thread(_store, services, context, org, header, data)
    return pb.StoreArtifactResponse(digest=header.digest, size=known.size, media_type=known.media_type)


async def get_artifact(
    services: Services, method: Method, request: pb.GetArtifactRequest
) -> AsyncIterator[pb.GetArtifactResponse]:
    context = current_request.get()
    org = request.org or services.default_org

    def run() -> pb.StoredArtifact:
        services.validation.request(request)
        services.policy.authorize(context.caller, method.permission, [org])
        head = services.store.read(lambda tx: find(tx, org, request.digest))
        if head is None:
            raise NotFound(f"artifact not found: {request.digest}")
        return head

    head = await asyncio.to_thread(run)
    yield pb.GetArtifactResponse(
        header=pb.GetArtifactHeader(digest=request.digest, size=head.size, media_type=head.media_type)
    )
    count = -(-head.size // PIECE_BYTES)
    for first in range(0, count, READ_PIECES):
        numbers = range(first, min(first + READ_PIECES, count))
        read = partial(_pieces, key=_key(org, request.digest), numbers=numbers)
        for piece in await asyncio.to_thread(services.store.read, read):
            yield pb.GetArtifactResponse(data=piece)


async def find_missing_artifacts(
    services: Services, method: Method, request: pb.FindMissingArtifactsRequest
) -> pb.FindMissingArtifactsResponse:
    context = current_request.get()
    org = request.org or services.default_org

    def missing(tx: ReadTransaction) -> list[str]:
        wanted = dict.fromkeys(request.digests)
        return [digest for digest in wanted if tx.kv_get(HEADS, _key(org, digest)) is None]

    def run() -> pb.FindMissingArtifactsResponse:
        services.validation.request(request)
        services.policy.authorize(context.caller, method.permission, [org])
        return pb.FindMissingArtifactsResponse(digests=services.store.read(missing))

    return await asyncio.to_thread(run)


def find(tx: ReadTransaction, org: str, digest: str) -> pb.StoredArtifact | None:
    """What is kept of an artifact of an org, None when it has none of that digest."""
    data = tx.kv_get(HEADS, _key(org, digest))
    if data is None:
        return None
    head = pb.StoredArtifact()
    try:
        head.ParseFromString(data)
    except DecodeError as error:
        raise DataLoss(f"the artifact {org}/{digest} cannot be decoded") from error
    return head


async def _unstalled(
    requests: AsyncIterator[pb.StoreArtifactRequest], seconds: float
) -> AsyncGenerator[pb.StoreArtifactRequest, None]:
    clock = asyncio.get_running_loop().time
    end = clock() + UPLOAD_SECONDS
    while True:
        try:
            async with asyncio.timeout(min(seconds, end - clock())):
                request = await anext(requests)
        except StopAsyncIteration:
            return
        except TimeoutError:
            text = f"nothing arrived for {seconds:g} s" if clock() < end else f"not whole after {UPLOAD_SECONDS:g} s"
            raise DeadlineExceeded(f"the upload is ended: {text}", hint="send it again") from None
        yield request


async def _header(messages: AsyncIterator[pb.StoreArtifactRequest]) -> pb.StoreArtifactHeader:
    async for request in messages:
        if request.WhichOneof("part") == "header":
            return request.header
        break
    raise refusal("the request", [Violation("header", "the stream begins with one header, then come pieces of data")])


def _admit(
    services: Services, method: Method, context: RequestContext, org: str, header: pb.StoreArtifactHeader
) -> pb.StoredArtifact | None:
    """Refuse what need not be read, and look whether it is there already."""
    services.validation.request(header)
    if not is_slug(org):
        raise refusal("the request", [Violation("header.org", f'"{org}" is not an org')])
    services.policy.authorize(context.caller, method.permission, [org])
    if header.media_type not in _CONTENT_CHECKS:
        known = ", ".join(_CONTENT_CHECKS)
        text = f'"{header.media_type}" is not a type of artifact; known: {known}'
        raise refusal("the request", [Violation("header.media_type", text)])
    if header.size > MAX_ARTIFACT_BYTES:
        limit = f"{MAX_ARTIFACT_BYTES >> 20} MiB"
        raise InvalidArgument(
            f"an artifact has at most {limit}, this one has {header.size:,} bytes",
            violations=[Violation("header.size", f"is more than {limit}")],
            hint="leave out what is not needed, or split it",
            reason="ARTIFACT_TOO_LARGE",
        )
    return services.store.read(lambda tx: find(tx, org, header.digest))


async def _data(messages: AsyncIterator[pb.StoreArtifactRequest], header: pb.StoreArtifactHeader) -> bytes:
    """All the bytes, as many as announced. What is too long is refused as soon as it is."""
    parts: list[bytes] = []
    size = 0
    async for request in messages:
        if request.WhichOneof("part") != "data":
            raise refusal("the request", [Violation("part", "after the header come only pieces of data")])
        if len(request.data) > ARTIFACT_PIECE_BYTES:
            text = f"has {len(request.data):,} bytes; a piece has at most {ARTIFACT_PIECE_BYTES >> 20} MiB"
            raise refusal("the request", [Violation("data", text)])
        size += len(request.data)
        if size > header.size:
            raise _mismatch(f"more than the {header.size:,} bytes came that the header says")
        parts.append(request.data)
    if size != header.size:
        raise _mismatch(f"only {size:,} of {header.size:,} bytes came: the stream is not whole")
    return b"".join(parts)


def _mismatch(problem: str) -> InvalidArgument:
    return InvalidArgument(problem, violations=[Violation("header.size", problem)], reason="ARTIFACT_SIZE_MISMATCH")


def _store(
    services: Services, context: RequestContext, org: str, header: pb.StoreArtifactHeader, data: bytes
) -> pb.StoredArtifact:
    with context.step("CheckArtifact"):
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if digest != header.digest:
            text = f"is {header.digest}, but the bytes that came have {digest}"
            raise InvalidArgument(
                f"the digest {text}", violations=[Violation("header.digest", text)], reason="ARTIFACT_DIGEST_MISMATCH"
            )
        head = pb.StoredArtifact(
            size=len(data),
            media_type=header.media_type,
            files=_CONTENT_CHECKS[header.media_type](data),
            created_by=context.caller.actor,
            created_at=context.at,
        )
    with context.step("PersistArtifact"):
        return services.store.write(lambda tx: _write(tx, org, header.digest, head, data), org=org)


def _write(tx: Transaction, org: str, digest: str, head: pb.StoredArtifact, data: bytes) -> pb.StoredArtifact:
    """Keep the artifact unless somebody has stored it meanwhile; returns what is kept."""
    known = find(tx, org, digest)
    if known is not None:
        return known
    key = _key(org, digest)
    for number, start in enumerate(range(0, len(data), PIECE_BYTES)):
        tx.kv_put(PIECES, key + number.to_bytes(4, "big"), data[start : start + PIECE_BYTES])
    tx.kv_put(HEADS, key, head.SerializeToString())
    return head


def _pieces(tx: ReadTransaction, key: bytes, numbers: range) -> list[bytes]:
    pieces = [tx.kv_get(PIECES, key + number.to_bytes(4, "big")) for number in numbers]
    if None in pieces:
        raise DataLoss("the artifact is damaged: a piece of it is missing")
    return [piece for piece in pieces if piece is not None]


def _key(org: str, digest: str) -> bytes:
    return f"{org}/".encode() + bytes.fromhex(digest.removeprefix("sha256:"))
