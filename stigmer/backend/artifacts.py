"""The artifacts of a backend: what it has, what has to be stored, and the bytes in both directions."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, final

from stigmer.backend.retry import Patience
from stigmer.contract.limits import ARTIFACT_PIECE_BYTES, MAX_ARTIFACT_BYTES
from stigmer.errors import DataLoss

if TYPE_CHECKING:
    from stigmer.backend.calls import Calls
    from stigmer.contract import Contract
    from stigmer.contract.archive import Archive

TRANSFER = Patience(attempt=60.0, total=120.0)
"""For the bytes of one artifact."""

QUESTION = Patience(attempt=10.0, total=30.0)

MAX_DIGESTS = 10_000
"""Digests that are asked for at once."""


@final
class Artifacts:
    """Part of `GrpcBackend`. `org` is "" for the backend's own org. All methods raise leaves of `stigmer.errors`."""

    def __init__(self, calls: Calls, contract: Contract) -> None:
        self._calls = calls
        self._methods = contract.methods

    def missing(self, digests: Collection[str], org: str = "") -> set[str]:
        """Those of `digests` that the org does not have."""
        wanted = sorted(digests)
        request = self._methods["FindMissingArtifacts"].input_class
        found: set[str] = set()
        for start in range(0, len(wanted), MAX_DIGESTS):
            part = request(org=org, digests=wanted[start : start + MAX_DIGESTS])
            found.update(self._calls.unary("FindMissingArtifacts", part, QUESTION).digests)
        return found

    def store(self, archive: Archive, org: str = "") -> None:
        """Store an artifact; one that is there already stays as it is. The bytes are made anew for each try."""
        self._calls.upload("StoreArtifact", lambda: self._messages(archive, org), TRANSFER)

    def fetch(self, digest: str, org: str = "") -> bytes:
        """The bytes of an artifact. NotFound when the org has none; DataLoss when other bytes came than asked for."""
        request = self._methods["GetArtifact"].input_class(org=org, digest=digest)
        messages = self._calls.collect("GetArtifact", request, TRANSFER)
        data = b"".join(message.data for message in messages)
        from stigmer.contract.archive import artifact_digest

        if len(data) > MAX_ARTIFACT_BYTES or artifact_digest(data) != digest:
            raise DataLoss(
                f"the backend sent other bytes than those of {digest}",
                hint="run stigmer local doctor --verify",
                reason="ARTIFACT_DIGEST_MISMATCH",
            )
        return data

    def _messages(self, archive: Archive, org: str) -> Iterator[Any]:
        request = self._methods["StoreArtifact"].input_class
        data = archive.load()
        header = {"org": org, "digest": archive.digest, "size": archive.size, "media_type": archive.media_type}
        yield request(header=header | {"request_id": str(uuid.uuid4())})
        for start in range(0, len(data), ARTIFACT_PIECE_BYTES):
            yield request(data=data[start : start + ARTIFACT_PIECE_BYTES])
