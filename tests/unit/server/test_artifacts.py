"""What the contract tests cannot wait for: uploads that stand still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from stigmer.backend.v1 import artifact_pb2 as pb
from stigmer.contract import default_contract
from stigmer.contract.archive import ZIP, File, artifact_digest, pack
from stigmer.errors import DeadlineExceeded
from stigmer.server import artifacts
from stigmer.server.batch import Services
from stigmer.server.context import RequestContext, current_request
from stigmer.server.ids import IdSource
from stigmer.server.policy import LOCAL_PRINCIPAL, Caller, LocalPolicy
from stigmer.server.steps.validate import Validation
from stigmer.store.memory import MemoryStore

DATA = pack([File("SKILL.md", b"# x", False)])


def header(digest: str) -> pb.StoreArtifactRequest:
    return pb.StoreArtifactRequest(header=pb.StoreArtifactHeader(digest=digest, size=len(DATA), media_type=ZIP))


HEADER = header(artifact_digest(DATA))


@pytest.fixture
def services():
    contract = default_contract()
    store = MemoryStore()
    current_request.set(RequestContext("StoreArtifact", Caller(LOCAL_PRINCIPAL, "me@here")))
    yield Services(contract, store, LocalPolicy(), IdSource(), Validation(contract), "local")
    store.close()


async def stream(*messages: pb.StoreArtifactRequest, pause: float = 0) -> AsyncIterator[pb.StoreArtifactRequest]:
    for message in messages:
        yield message
    await asyncio.sleep(pause)


def store(services: Services, uploads: artifacts.Uploads, requests: AsyncIterator[pb.StoreArtifactRequest]):
    method = services.contract.methods["StoreArtifact"]
    return artifacts.store_artifact(services, uploads, method, requests)


async def test_an_upload_of_which_nothing_arrives_is_ended(services):
    for begun in ((), (HEADER,), (HEADER, pb.StoreArtifactRequest(data=DATA[:5]))):
        with pytest.raises(DeadlineExceeded, match="nothing arrived"):
            await store(services, artifacts.Uploads(stall=0.05), stream(*begun, pause=5))


async def test_uploads_that_stand_still_hold_up_the_others_no_longer_than_that(services):
    uploads = artifacts.Uploads(asyncio.Semaphore(2), stall=0.5)
    begun = header("sha256:" + "0" * 64)
    stuck = [asyncio.create_task(store(services, uploads, stream(begun, pause=5))) for _ in range(2)]
    for _ in range(100):
        if uploads.room.locked():
            break
        await asyncio.sleep(0.005)
    answer = await store(services, uploads, stream(HEADER, pb.StoreArtifactRequest(data=DATA)))
    assert answer.size == len(DATA)
    ends = await asyncio.gather(*stuck, return_exceptions=True)
    assert [type(each) for each in ends] == [DeadlineExceeded] * 2
