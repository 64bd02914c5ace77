"""Layer: the artifacts of a backend, over calls that are made up. What a server does is tested with the contract."""

from __future__ import annotations

from typing import Any

import pytest

from stigmer.backend.artifacts import MAX_DIGESTS, Artifacts
from stigmer.contract import default_contract
from stigmer.contract.archive import ZIP, Archive, artifact_digest
from stigmer.errors import DataLoss


class Answers:
    """Stands in for `Calls`: gives what it was told to, and keeps what it was asked."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.requests: list[Any] = []

    def unary(self, name: str, request: Any, patience: object) -> Any:
        self.requests.append(request)
        return default_contract().methods[name].output_class(digests=request.digests[:1])

    def collect(self, name: str, request: Any, patience: object) -> list[Any]:
        answer = default_contract().methods[name].output_class
        return [answer(header={"size": 1}), *(answer(data=piece) for piece in self.pieces)]

    def upload(self, name: str, messages: Any, patience: object) -> None:
        for _ in range(2):
            self.requests.append(list(messages()))


def artifacts(answers: Answers) -> Artifacts:
    return Artifacts(answers, default_contract())  # type: ignore[arg-type]


def test_the_bytes_that_come_are_those_that_were_asked_for() -> None:
    digest = artifact_digest(b"abc")
    assert artifacts(Answers(b"a", b"bc")).fetch(digest) == b"abc"
    for pieces in ((), (b"ab",), (b"abd",), (b"abc", b"d")):
        with pytest.raises(DataLoss, match=digest):
            artifacts(Answers(*pieces)).fetch(digest)


def test_very_many_digests_are_asked_for_in_parts() -> None:
    answers = Answers()
    digests = [f"sha256:{number:064x}" for number in range(MAX_DIGESTS + 5)]
    missing = artifacts(answers).missing(digests, "acme")
    assert [len(each.digests) for each in answers.requests] == [MAX_DIGESTS, 5]
    assert {each.org for each in answers.requests} == {"acme"}
    assert missing == {digests[0], digests[MAX_DIGESTS]}
    assert artifacts(answers).missing([]) == set()


def test_an_upload_that_is_tried_again_makes_its_bytes_again() -> None:
    answers = Answers()
    data = bytes((1 << 20) + 1)
    loads = []

    def load() -> bytes:
        loads.append(1)
        return data

    artifacts(answers).store(Archive(artifact_digest(data), len(data), ZIP, load), "acme")
    first, second = answers.requests
    assert len(loads) == 2
    for header, *pieces in (first, second):
        said = header.header
        assert (said.org, said.digest, said.size, said.media_type) == ("acme", artifact_digest(data), len(data), ZIP)
        assert [len(piece.data) for piece in pieces] == [1 << 20, 1]
