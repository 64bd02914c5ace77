"""Runs the named steps of a verb over a batch: `before` steps off the writer, `inside` steps in one transaction,
`after` steps once it is durable. The verbs' steps are listed in `verbs`.

A failing change stops alone; the later steps leave it out. What that means for the rest of the batch is decided here,
in one place: all or nothing, or whatever does not depend on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from stigmer.server import idempotency
from stigmer.server.batch import Batch, Unit
from stigmer.store.base import Transaction

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step(Generic[T]):
    """A named piece of a verb over T: the batch before the writer is taken, the unit under it and after it."""

    name: str
    run: Callable[[T], None]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A verb. `after` makes the response; where the request has an id, the response is kept in the transaction and so
    these steps run at its end."""

    name: str
    before: tuple[Step[Batch], ...]
    inside: tuple[Step[Unit], ...]
    after: tuple[Step[Unit], ...]

    @property
    def step_names(self) -> tuple[str, ...]:
        before, inside, after = self.before, self.inside, self.after
        return (*(step.name for step in before), *(step.name for step in inside), *(step.name for step in after))


@dataclass(frozen=True, slots=True)
class Replayed:
    """The request was answered before; `response` is that answer in binary form."""

    response: bytes


class _RollBackError(Exception):
    """Carries a unit out of a transaction that must leave nothing."""

    def __init__(self, unit: Unit) -> None:
        super().__init__("rolled back")
        self.unit = unit


def prepare(pipeline: Pipeline, batch: Batch) -> None:
    """Run the steps that need no writer."""
    for step in pipeline.before:
        with batch.context.step(step.name):
            step.run(batch)


async def execute(pipeline: Pipeline, batch: Batch) -> Unit | Replayed:
    """Run a prepared batch and make its response. Raises only what concerns the whole request; what became of each
    change is in the unit."""
    future = batch.services.store.submit(transaction(pipeline, batch), org=batch.org)
    try:
        done = await _settled(future)
    except _RollBackError as rolled_back:
        done = rolled_back.unit
    if isinstance(done, Unit) and not done.response:
        await asyncio.to_thread(_respond, pipeline, done)
    return done


def transaction(pipeline: Pipeline, batch: Batch) -> Callable[[Transaction], Unit | Replayed]:
    """The plain function that the writer runs, as often as it needs to."""

    def run(tx: Transaction) -> Unit | Replayed:
        kept = idempotency.find(tx, batch)
        if kept is not None:
            return Replayed(kept)
        unit = Unit(batch, tx)
        for step in pipeline.inside:
            if all(effect.failed for effect in unit.effects):
                break
            with batch.context.step(step.name):
                step.run(unit)
        if unit.refused or batch.validate_only:
            raise _RollBackError(unit)
        if batch.context.request_id:
            _respond(pipeline, unit)
            idempotency.keep(tx, batch, unit.response)
        return unit

    return run


def _respond(pipeline: Pipeline, unit: Unit) -> None:
    for step in pipeline.after:
        with unit.batch.context.step(step.name):
            step.run(unit)


async def _settled(future: Future[T]) -> T:
    """The future's result. A caller that goes away does not take its transaction back: it is under way, and either
    all of it happens or nothing."""
    waiting = asyncio.ensure_future(asyncio.wrap_future(future))
    waiting.add_done_callback(_retrieve)
    return await asyncio.shield(waiting)


def _retrieve(waiting: asyncio.Future[Any]) -> None:
    """Mark an outcome that nobody waits for any more as seen."""
    if not waiting.cancelled():
        waiting.exception()
