"""StoreArtifact, GetArtifact and FindMissingArtifacts on every store, and the resources that name artifacts. What an
archive may be is shown in `test_archives`."""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from stigmer.contract.archive import ZIP, File, artifact_digest, pack

from .zip_corpus import REFUSED, zipped

MIB = 1 << 20
SALT = itertools.count()
REFUSED_HERE = ("garbage", "up", "a link", "a bomb", "overlapping", "encrypted", "twice", "100,000 entries")
"""One of each sort: that the others are refused too is the reader's business."""


def bundle(text: str = "# Refunds\n", *more: File) -> bytes:
    """An archive that no other test stores."""
    return pack([File("SKILL.md", text.encode(), False), File("salt", str(next(SALT)).encode(), False), *more])


class Artifacts:
    """The three RPCs, with the fields of the header as options."""

    def __init__(self, client: Any, org: str) -> None:
        self.client = client
        self.org = org

    def messages(self, data: bytes, piece: int = MIB, **header: Any) -> Iterator[Any]:
        request = self.client.contract.methods["StoreArtifact"].input_class
        said = {"org": self.org, "digest": artifact_digest(data), "size": len(data), "media_type": ZIP}
        yield request(header=said | header)
        yield from (request(data=data[at : at + piece]) for at in range(0, len(data), piece))

    def store(self, data: bytes, piece: int = MIB, **header: Any) -> Any:
        return self.send(self.messages(data, piece, **header))

    def send(self, messages: Iterator[Any], timeout: float = 30) -> Any:
        return self.client._callable("StoreArtifact")(messages, timeout=timeout)

    def get(self, digest: str, org: str = "") -> tuple[Any, bytes]:
        header, *pieces = self.client.stream("GetArtifact", org=org or self.org, digest=digest)
        assert header.WhichOneof("part") == "header"
        assert all(each.WhichOneof("part") == "data" and len(each.data) <= MIB for each in pieces)
        return header.header, b"".join(each.data for each in pieces)

    def missing(self, *digests: str, org: str = "") -> list[str]:
        return list(self.client.call("FindMissingArtifacts", org=org or self.org, digests=digests).digests)


@pytest.fixture
def artifacts(client, org) -> Artifacts:
    return Artifacts(client, org)


@pytest.fixture
def kept(server, org):
    """What the store holds of the org's artifacts: keys and how many bytes."""

    def look() -> dict[bytes, int]:
        prefix = f"{org}/".encode()
        spaces = ("artifact", "artifact-piece")
        return server.store.read(
            lambda tx: {key: len(value) for space in spaces for key, value in tx.kv_scan(space, prefix)}
        )

    return look


def test_what_is_stored_comes_back(artifacts):
    data = bundle()
    answer = artifacts.store(data)
    assert (answer.digest, answer.size, answer.media_type) == (artifact_digest(data), len(data), ZIP)
    header, found = artifacts.get(answer.digest)
    assert found == data
    assert (header.digest, header.size, header.media_type) == (answer.digest, len(data), ZIP)


@pytest.mark.parametrize("size", [256 << 10, (256 << 10) + 1, MIB, 3 * MIB + 5])
def test_an_artifact_of_several_pieces_comes_back(artifacts, size):
    data = bundle("# x", File("noise", os.urandom(size), False))
    digest = artifacts.store(data, piece=300_001).digest
    assert artifacts.get(digest)[1] == data


def test_the_largest_artifact_comes_back(artifacts):
    room = 32 * MIB - len(bundle("# x", File("noise", b"", False))) - 20
    data = bundle("# x", File("noise", os.urandom(room), False))
    assert 32 * MIB - 100 < len(data) <= 32 * MIB
    assert artifacts.get(artifacts.store(data).digest)[1] == data


def test_storing_again_gives_the_same_answer_and_writes_nothing(artifacts, client, kept):
    data = bundle()
    first = artifacts.store(data, request_id="once")
    before, revision = kept(), client.revision()
    for request_id in ("once", "again", ""):
        assert artifacts.store(data, request_id=request_id) == first
    assert kept() == before
    assert client.revision() == revision


def test_an_artifact_that_is_there_is_not_read_again(artifacts):
    data = bundle("# x", File("noise", os.urandom(4 * MIB), False))
    artifacts.store(data)
    sent = []

    def messages() -> Iterator[Any]:
        header, *pieces = artifacts.messages(data, piece=64 << 10)
        yield header
        for piece in pieces:
            sent.append(piece)
            time.sleep(0.02)
            yield piece

    assert artifacts.send(messages()).size == len(data)
    assert len(sent) < 64


def test_many_uploads_of_one_artifact_are_one(artifacts, kept):
    data = bundle("# x", File("noise", os.urandom(2 * MIB), False))
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: artifacts.store(data).SerializeToString(), range(12)))
    assert len(set(answers)) == 1
    assert sum(kept().values()) < len(data) + 2000
    assert artifacts.get(artifact_digest(data))[1] == data


def test_many_different_uploads_wait_for_each_other(artifacts):
    bundles = [bundle("# x", File("noise", os.urandom(MIB), False)) for _ in range(12)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(artifacts.store, bundles))
    assert artifacts.missing(*map(artifact_digest, bundles)) == []


def test_an_org_has_its_own_artifacts(artifacts, org, refused, server):
    data = bundle()
    digest = artifacts.store(data).digest
    other = f"{org}-b"
    with refused("NOT_FOUND") as caught:
        artifacts.get(digest, org=other)
    assert caught.error.message == f"artifact not found: {digest}"
    assert artifacts.missing(digest, org=other) == [digest]
    assert artifacts.store(data, org=other).digest == digest
    assert artifacts.get(digest, org=other)[1] == data


def test_the_missing_are_told_once_and_in_order(artifacts):
    there = artifacts.store(bundle()).digest
    one, two = ("sha256:" + letter * 64 for letter in "fa")
    assert artifacts.missing(one, there, two, one) == [one, two]
    assert artifacts.missing() == []


def test_another_content_than_the_digest_says_is_refused(artifacts, refused, kept):
    data, other = bundle(), bundle()
    with refused("INVALID_ARGUMENT") as caught:
        artifacts.store(data, digest=artifact_digest(other))
    assert caught.error.reason == "ARTIFACT_DIGEST_MISMATCH"
    assert list(caught.error.fields) == ["header.digest"]
    assert kept() == {}


@pytest.mark.parametrize("difference", [1, -1, 1000])
def test_another_size_than_the_header_says_is_refused(artifacts, refused, kept, difference):
    data = bundle("# x" * 1000)
    with refused("INVALID_ARGUMENT") as caught:
        artifacts.store(data, piece=512, size=len(data) + difference)
    assert caught.error.reason == "ARTIFACT_SIZE_MISMATCH"
    assert kept() == {}


def test_what_is_too_large_is_refused_before_it_is_sent(artifacts, refused):
    with refused("INVALID_ARGUMENT") as caught:
        artifacts.store(bundle(), size=32 * MIB + 1)
    assert caught.error.reason == "ARTIFACT_TOO_LARGE"
    assert "32 MiB" in caught.error.message


def test_a_stream_without_end_is_refused_at_the_announced_size(artifacts, refused):
    data = os.urandom(MIB)
    header = next(artifacts.messages(data))
    sent = []

    def messages() -> Iterator[Any]:
        yield header
        while len(sent) < 1000:
            sent.append(1)
            yield type(header)(data=data)

    with refused("INVALID_ARGUMENT"):
        artifacts.send(messages())
    assert len(sent) < 1000


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ({"digest": "sha256:" + "A" * 64}, "digest"),
        ({"digest": "md5:" + "a" * 32}, "digest"),
        ({"digest": ""}, "digest"),
        ({"size": 0}, "size"),
        ({"size": -5}, "size"),
        ({"media_type": ""}, "media_type"),
        ({"media_type": "text/html"}, "header.media_type"),
        ({"org": "No Org"}, "header.org"),
        ({"org": "a/b"}, "header.org"),
    ],
    ids=str,
)
def test_a_header_that_says_nothing_is_refused(artifacts, refused, header, field):
    with refused("INVALID_ARGUMENT") as caught:
        artifacts.store(bundle(), **header)
    assert field in caught.error.fields


def test_a_stream_begins_with_one_header(artifacts, refused):
    data = bundle()
    header, piece = artifacts.messages(data)
    for stream in ([], [piece], [piece, header], [header, header, piece], [header, piece, header], [type(header)()]):
        with refused("INVALID_ARGUMENT"):
            artifacts.send(iter(stream))


def test_a_piece_has_a_bounded_size(artifacts, refused):
    data = bundle("# x", File("noise", os.urandom(3 * MIB), False))
    with refused("INVALID_ARGUMENT") as caught:
        artifacts.store(data, piece=2 * MIB)
    assert list(caught.error.fields) == ["data"]


@pytest.mark.parametrize("name", REFUSED_HERE)
def test_an_archive_that_is_not_safe_is_refused(artifacts, refused, kept, name):
    make, word = REFUSED[name]
    with refused("INVALID_ARGUMENT") as caught:
        artifacts.store(make())
    assert caught.error.reason == "ARCHIVE_REFUSED"
    assert word in caught.error.message
    assert kept() == {}


def test_an_upload_that_breaks_off_leaves_nothing(artifacts, client, kept, server):
    data = bundle("# x", File("noise", os.urandom(4 * MIB), False))
    begun, go_on = threading.Event(), threading.Event()

    def messages() -> Iterator[Any]:
        header, first, *_ = artifacts.messages(data)
        yield header
        yield first
        begun.set()
        go_on.wait(10)

    method = client.contract.methods["StoreArtifact"]
    call = client.channel.stream_unary(
        f"/{client.contract.service_name}/StoreArtifact",
        request_serializer=method.input_class.SerializeToString,
        response_deserializer=method.output_class.FromString,
    ).future(messages(), timeout=20)
    assert begun.wait(10)
    call.cancel()
    go_on.set()
    with pytest.raises(grpc.FutureCancelledError):
        call.result()
    for _ in range(100):
        if server.server.boundary.active == 0:
            break
        time.sleep(0.02)
    assert kept() == {}
    assert artifacts.missing(artifact_digest(data)) == [artifact_digest(data)]
    assert artifacts.get(artifacts.store(data).digest)[1] == data


def test_many_uploads_that_break_off_keep_nobody_waiting(artifacts, client):
    data = bundle("# x", File("noise", os.urandom(MIB), False))
    for _ in range(6):
        with pytest.raises(grpc.RpcError):
            artifacts.send(_stuck(artifacts, data), timeout=0.1)
    assert artifacts.store(data).size == len(data)


def _stuck(artifacts: Artifacts, data: bytes) -> Iterator[Any]:
    yield next(artifacts.messages(data))
    threading.Event().wait(1)


# Resources that name artifacts.


@pytest.fixture
def skill(skills, org):
    def make(slug: str, text: str = "# Refunds\n", artifact: str | None = None) -> Any:
        spec = {"skill_md": text} | ({"artifact": artifact} if artifact else {})
        return skills.message_class(metadata={"name": slug, "slug": slug, "org": org}, spec=spec)

    return make


def test_a_skill_may_name_a_stored_artifact(artifacts, client, skills, skill, org):
    digest = artifacts.store(bundle()).digest
    created = client.create(skills, skill("refunds", artifact=digest))
    assert created.spec.artifact == digest
    text = hashlib.sha256(b"# Refunds\n").hexdigest()
    assert created.status.version == hashlib.sha256(f"{text}\n{digest}".encode()).hexdigest()
    assert client.create(skills, skill("plain")).status.version == text


def test_a_skill_that_names_no_stored_artifact_is_refused(client, skills, skill, org, refused):
    digest = "sha256:" + "0" * 64
    with refused("FAILED_PRECONDITION") as caught:
        client.create(skills, skill("refunds", artifact=digest))
    assert caught.error.reason == "ARTIFACT_NOT_FOUND"
    assert caught.error.fields == {f"{org}/Skill/refunds:spec.artifact": f"artifact not found: {digest}"}
    assert "folder" in caught.error.hint


def test_an_artifact_of_another_org_does_not_count(artifacts, client, skills, skill, org, refused):
    digest = artifacts.store(bundle(), org=f"{org}-b").digest
    with refused("FAILED_PRECONDITION") as caught:
        client.create(skills, skill("refunds", artifact=digest))
    assert caught.error.reason == "ARTIFACT_NOT_FOUND"


def test_an_update_is_held_to_the_same(artifacts, client, skills, skill, org, refused):
    first, second = artifacts.store(bundle()).digest, artifacts.store(bundle("# Two\n")).digest
    held = client.create(skills, skill("refunds", artifact=first))
    with refused("FAILED_PRECONDITION") as caught:
        client.update(skills, skill("refunds", artifact="sha256:" + "1" * 64), "spec.artifact")
    assert caught.error.reason == "ARTIFACT_NOT_FOUND"
    with refused("FAILED_PRECONDITION") as caught:
        client.update(skills, skill("refunds", artifact=second), "spec.artifact")
    assert caught.error.reason == "ARTIFACT_MISMATCH"
    assert list(caught.error.fields) == [f"{org}/Skill/refunds:spec.skillMd"]
    with refused("FAILED_PRECONDITION"):
        client.update(skills, skill("refunds", "# Three\n"), "spec.skill_md")
    updated = client.update(skills, skill("refunds", "# Two\n", second), "spec")
    assert updated.metadata.generation == 2
    assert updated.status.version != held.status.version
    assert client.update(skills, skill("refunds", "# Three\n"), "spec").spec.artifact == ""


def test_an_artifact_without_the_text_is_refused(artifacts, client, skills, skill, org, refused):
    digest = artifacts.store(zipped({"readme.md": b"# x", "deep/SKILL.md": b"# x"})).digest
    with refused("FAILED_PRECONDITION") as caught:
        client.create(skills, skill("refunds", artifact=digest))
    assert "has no SKILL.md" in caught.error.fields[f"{org}/Skill/refunds:spec.artifact"]


@pytest.mark.parametrize("spelling", [{"folder": "x"}, {"bundle": b"x"}])
def test_the_files_themselves_are_not_stored_in_a_resource(client, skills, org, refused, spelling):
    resource = skills.message_class(metadata={"name": "refunds", "org": org}, spec={"skill_md": "# x"} | spelling)
    with refused("INVALID_ARGUMENT") as caught:
        client.create(skills, resource)
    assert list(caught.error.fields) == [f"spec.{next(iter(spelling))}"]


@pytest.mark.parametrize("digest", ["sha256:abc", "SHA256:" + "0" * 64, "0" * 64, "sha256:" + "G" * 64])
def test_what_is_no_digest_is_refused(client, skills, skill, refused, digest):
    with refused("INVALID_ARGUMENT") as caught:
        client.create(skills, skill("refunds", artifact=digest))
    assert list(caught.error.fields) == ["spec.artifact"]


def change(skills: Any, resource: Any, org: str, action: int = 1) -> dict[str, Any]:
    content = skills.message_class()
    content.CopyFrom(resource)
    content.metadata.ClearField("org")
    key = {"kind": "Skill", "org": org, "slug": resource.metadata.name}
    return {"key": key, "action": action, "content": content.SerializeToString()}


def test_an_apply_is_held_to_the_same(artifacts, client, skills, skill, org):
    good = artifacts.store(bundle()).digest
    changes = [
        change(skills, skill("good", artifact=good), org),
        change(skills, skill("lost", artifact="sha256:" + "2" * 64), org),
        change(skills, skill("other", "# Other\n", good), org),
    ]
    answer = client.apply(*changes)
    assert answer.revision == 0
    assert [each.error.code for each in answer.results] == ["", "FAILED_PRECONDITION", "FAILED_PRECONDITION"]
    assert [v.field for each in answer.results for v in each.error.violations] == ["spec.artifact", "spec.skillMd"]
    partly = client.apply(*changes, independent=True)
    assert [each.outcome for each in partly.results] == [1, 9, 9]


def test_what_depends_on_a_skill_without_its_artifact_is_blocked(client, skills, skill, org, make, contract):
    agents = contract.kinds["Agent"]
    agent = make(agents, "bot")
    agent.spec.skills.append("lost")
    agent.metadata.ClearField("org")
    key = {"kind": "Agent", "org": org, "slug": "bot"}
    answer = client.apply(
        change(skills, skill("lost", artifact="sha256:" + "3" * 64), org),
        {"key": key, "action": 1, "content": agent.SerializeToString()},
        independent=True,
    )
    assert [each.outcome for each in answer.results] == [9, 10]
    assert answer.results[1].blocked_by.slug == "lost"


def test_a_check_may_announce_what_will_be_stored(client, skills, skill, org, refused, artifacts):
    digest = artifact_digest(bundle())
    wanted = change(skills, skill("refunds", artifact=digest), org)
    answer = client.apply(wanted, validate_only=True, pending_artifacts=[digest])
    assert [each.outcome for each in answer.results] == [1]
    assert client.apply(wanted, validate_only=True).results[0].error.code == "FAILED_PRECONDITION"
    assert artifacts.missing(digest) == [digest]
    with refused("INVALID_ARGUMENT") as caught:
        client.apply(wanted, pending_artifacts=[digest])
    assert "header.pending_artifacts" in caught.error.fields


def test_artifacts_outlive_the_store_being_closed(tmp_path, contract, case, refused):
    from .harness import Client, RunningServer

    if case[1] == "memory":
        pytest.skip("forgets everything with the process")
    data = bundle("# x", File("noise", os.urandom(MIB), False))
    for turn in range(2):
        server = RunningServer(contract, case[1], tmp_path / "data")
        try:
            with grpc.insecure_channel(server.address) as channel:
                artifacts = Artifacts(Client(contract, channel), "local")
                if turn == 0:
                    artifacts.store(data)
                assert artifacts.get(artifact_digest(data))[1] == data
            assert server.store.verify() == []
        finally:
            server.stop()
