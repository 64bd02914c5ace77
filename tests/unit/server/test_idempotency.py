from __future__ import annotations

import pytest

from stigmer.errors import InvalidArgument
from stigmer.server import idempotency
from stigmer.server.batch import Batch
from stigmer.server.context import RequestContext
from stigmer.server.policy import Caller
from stigmer.store.memory import MemoryStore

HOUR = 3600 * 10**9
DAY = 24 * HOUR


@pytest.fixture
def store():
    store = MemoryStore()
    yield store
    store.close()


def batch(request_id, digest=b"one", at=0, principal="local", method="CreateX"):
    context = RequestContext(method, Caller(principal, "me@here"), request_id=request_id, at=at)
    return Batch(None, context, "x.create", "local", digest=digest)


def keep(store, wanted, answer=b"answer"):
    store.write(lambda tx: idempotency.keep(tx, wanted, answer))


def find(store, wanted):
    return store.read(lambda tx: idempotency.find(tx, wanted))


def test_a_kept_answer_is_found_for_a_day(store):
    keep(store, batch("r"))
    assert find(store, batch("r", at=DAY - 1)) == b"answer"
    assert find(store, batch("r", at=DAY)) is None


def test_an_answer_belongs_to_its_principal_and_method(store):
    keep(store, batch("r"))
    assert find(store, batch("r", principal="other")) is None
    assert find(store, batch("r", method="DeleteX")) is None


def test_another_request_under_the_same_id_is_refused(store):
    keep(store, batch("r"))
    with pytest.raises(InvalidArgument):
        find(store, batch("r", digest=b"two"))


def test_without_a_request_id_nothing_is_looked_up(store):
    assert find(store, batch("")) is None


def test_a_sweep_takes_out_what_has_expired_and_nothing_else(store, monkeypatch):
    monkeypatch.setattr(idempotency, "SWEEP_SLICE", 3)
    for number in range(10):
        keep(store, batch(f"old-{number}"))
    keep(store, batch("young", at=5 * HOUR))
    assert idempotency.sweep(store, now=DAY - 1) == 0
    assert idempotency.sweep(store, now=DAY + HOUR) == 10
    assert idempotency.sweep(store, now=DAY + HOUR) == 0
    assert find(store, batch("young", at=5 * HOUR)) == b"answer"
    assert store.read(lambda tx: len(tx.kv_scan("outcome") + tx.kv_scan("outcome-expiry"))) == 2


def test_an_id_that_was_used_again_after_its_expiry_survives_the_sweep(store):
    keep(store, batch("r"), b"first")
    keep(store, batch("r", at=DAY + HOUR), b"second")
    idempotency.sweep(store, now=DAY + HOUR)
    assert find(store, batch("r", at=DAY + HOUR)) == b"second"


def test_keeping_an_answer_makes_no_revision(store):
    keep(store, batch("r"))
    assert store.read(lambda tx: tx.revision) == 0
