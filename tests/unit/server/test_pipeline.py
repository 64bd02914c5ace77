"""The pipeline over a memory store: what the engine and callers may do to it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from reconciler.actions import Action, Outcome
from stigmer.contract import default_contract
from stigmer.errors import PermissionDenied
from stigmer.server import verbs
from stigmer.server.batch import Batch, Change, Services
from stigmer.server.context import RequestContext
from stigmer.server.ids import IdSource
from stigmer.server.pipeline import execute, prepare, transaction
from stigmer.server.policy import Caller, Grant, LocalPolicy
from stigmer.server.steps.validate import Validation
from stigmer.store.memory import MemoryStore

CALLER = Caller("local", "me@here")


@pytest.fixture
def store():
    store = MemoryStore()
    yield store
    store.close()


@pytest.fixture
def services(store):
    contract = default_contract()
    return Services(contract, store, LocalPolicy(), IdSource(), Validation(contract), "local")


def skill(services, slug="one", text="# x\n"):
    kind = services.contract.kinds["Skill"]
    wanted = kind.message_class(metadata={"slug": slug}, spec={"skill_md": text})
    return Change(kind, Action.CREATE, "local", wanted=wanted)


def batch_of(services, *changes, **fields):
    batch = Batch(services, RequestContext("CreateSkill", CALLER), "skills.create", "local", list(changes), **fields)
    prepare(verbs.CREATE, batch)
    return batch


def test_a_transaction_that_the_engine_runs_again_has_one_effect(services, store):
    run = transaction(verbs.CREATE, batch_of(services, skill(services)))

    class AgainError(Exception):
        pass

    def first(tx):
        run(tx)
        raise AgainError

    with pytest.raises(AgainError):
        store.write(first)
    unit = store.write(run)
    assert unit.effects[0].outcome is Outcome.CREATED
    assert store.read(lambda tx: tx.revision) == 1


async def test_a_caller_that_goes_away_does_not_take_its_transaction_back(services, store):
    blocked, go = threading.Event(), threading.Event()

    def hold(tx):
        blocked.set()
        go.wait(10)

    store.submit(hold)
    blocked.wait(10)
    task = asyncio.create_task(execute(verbs.CREATE, batch_of(services, skill(services))))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    await asyncio.to_thread(store.write, lambda tx: None)
    assert store.read(lambda tx: tx.revision) == 1


def test_grants_that_a_policy_wants_are_recorded_with_the_resource(services, store):
    class Granting(LocalPolicy):
        def grants(self, caller, created):
            return [Grant(caller.principal, "owner", each) for each in created]

    granting = Services(services.contract, store, Granting(), services.ids, services.validation, "local")
    unit = store.write(transaction(verbs.CREATE, batch_of(granting, skill(granting))))
    ((key, _),) = store.read(lambda tx: tx.kv_scan("grant"))
    assert key.decode() == f"local/Skill/{unit.effects[0].after.id}/owner/local"


def test_a_denied_caller_learns_nothing(services):
    batch = Batch(services, RequestContext("CreateSkill", Caller("x", "x@y")), "skills.create", "local")
    with pytest.raises(PermissionDenied):
        prepare(verbs.CREATE, batch)


def test_steps_end_with_the_last_change_that_fails(services, store):
    store.write(transaction(verbs.CREATE, batch_of(services, skill(services))))
    batch = batch_of(services, skill(services))
    with pytest.raises(Exception, match="rolled back"):
        store.write(transaction(verbs.CREATE, batch))
    assert list(batch.context.steps)[-1] == "CheckDuplicate"


def test_every_pipeline_names_its_steps_once_or_before_and_under_the_writer():
    for pipeline in (verbs.CREATE, verbs.UPDATE, verbs.DELETE, verbs.APPLY):
        inside = [step.name for step in pipeline.inside]
        assert len(set(inside)) == len(inside)
        assert pipeline.step_names[-3:] == ("Publish", "TransformResponse", "SendResponse") or "Publish" in inside
