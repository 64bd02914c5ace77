"""Kept answers: a mutating request that carries a request id may be sent again and gets its first answer.

The answer is stored in the transaction that has the effect, under (org, principal, method, request id), with a hash of
the request. Only answers of requests that succeeded are kept. They expire after a day; `sweep` takes them out in small
transactions of their own.
"""

from __future__ import annotations

import hashlib
import struct
import time

from google.protobuf.message import DecodeError

from stigmer.backend.v1.reconcile_pb2 import StoredOutcome
from stigmer.errors import DataLoss, InvalidArgument, Violation
from stigmer.server.batch import Batch
from stigmer.store.base import ReadTransaction, Store, Transaction

RETENTION_SECONDS = 24 * 3600
"""How long an answer is kept."""

SWEEP_SLICE = 500
"""The most answers that one sweeping transaction deletes, so that it never holds the writer for long."""

_ANSWERS = "outcome"
_EXPIRIES = "outcome-expiry"
_HOURS = "outcome-hour"
_NANOSECONDS = 1_000_000_000
_HOUR = 3600 * _NANOSECONDS
_HOUR_BYTES = 4
_hour_key = struct.Struct(">I").pack


def request_key(org: str, principal: str, method: str, request_id: str) -> bytes:
    """One fixed-size key, whatever the lengths of its parts."""
    return hashlib.sha256(f"{org}\0{principal}\0{method}\0{request_id}".encode()).digest()


def find(tx: ReadTransaction, batch: Batch) -> bytes | None:
    """The kept answer to this request, if there is one. InvalidArgument when its id came with another request."""
    context = batch.context
    if not context.request_id or batch.validate_only:
        return None
    outcome = lookup(tx, _key(batch), context.at)
    if outcome is None:
        return None
    if outcome.request_digest != batch.digest:
        raise InvalidArgument(
            f"request_id {context.request_id} was used for another request",
            violations=[Violation("request_id", "belongs to another request; make a new one for each request")],
        )
    return bytes(outcome.response)


def lookup(tx: ReadTransaction, key: bytes, now: int) -> StoredOutcome | None:
    """What is kept under `key` and has not expired at `now`, in Unix nanoseconds."""
    data = tx.kv_get(_ANSWERS, key)
    if data is None:
        return None
    try:
        outcome = StoredOutcome.FromString(data)
    except DecodeError as error:
        raise DataLoss("a kept answer cannot be decoded") from error
    return outcome if outcome.expires_at > now else None


def keep(tx: Transaction, batch: Batch, response: bytes) -> None:
    """Keep the answer to this request, in the transaction that has its effect."""
    key = _key(batch)
    expires_at = batch.context.at + RETENTION_SECONDS * _NANOSECONDS
    outcome = StoredOutcome(
        request_digest=batch.digest, expires_at=expires_at, response=response, method=batch.context.method
    )
    hour = _hour_key(expires_at // _HOUR)
    tx.kv_put(_ANSWERS, key, outcome.SerializeToString())
    tx.kv_put(_EXPIRIES, hour + key, b"")
    tx.kv_put(_HOURS, hour, b"")


def _key(batch: Batch) -> bytes:
    context = batch.context
    return request_key(batch.org, context.caller.principal, context.method, context.request_id)


def sweep(store: Store, now: int | None = None) -> int:
    """Delete what expired before the hour of `now` (Unix nanoseconds); returns how many answers went."""
    this_hour = (time.time_ns() if now is None else now) // _HOUR
    removed = 0
    for hour, _ in store.read(lambda tx: tx.kv_scan(_HOURS)):
        if int.from_bytes(hour, "big") < this_hour:
            removed += _sweep_hour(store, hour)
    return removed


def _sweep_hour(store: Store, hour: bytes) -> int:
    entries = [key for key, _ in store.read(lambda tx: tx.kv_scan(_EXPIRIES, hour))]
    for start in range(0, len(entries), SWEEP_SLICE):
        _delete(store, entries[start : start + SWEEP_SLICE])
    store.write(lambda tx: tx.kv_delete(_HOURS, hour))
    return len(entries)


def _delete(store: Store, entries: list[bytes]) -> None:
    def delete(tx: Transaction) -> None:
        for entry in entries:
            hour, key = entry[:_HOUR_BYTES], entry[_HOUR_BYTES:]
            outcome = lookup(tx, key, 0)
            # The id may have been used again after its answer expired: that answer has an entry of its own.
            if outcome is not None and _hour_key(outcome.expires_at // _HOUR) == hour:
                tx.kv_delete(_ANSWERS, key)
            tx.kv_delete(_EXPIRIES, entry)

    store.write(delete)
