"""The row of the writer: how long a bulk apply keeps it, from the first step inside the transaction to the sync."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from benchmarks.figures import Figure, Spread
from benchmarks.harness import OURS, Session, Side, expect
from benchmarks.records import Resource, resources
from benchmarks.rows import Row
from benchmarks.store import opened
from reconciler.actions import Action
from reconciler.leaves import leaf_paths
from reconciler.ports import ApplyOptions, ResourceChange
from stigmer.backend import upload
from stigmer.contract import default_contract
from stigmer.server.batch import Services
from stigmer.server.bulk_apply import apply_changes
from stigmer.server.context import RequestContext, current_request
from stigmer.server.ids import IdSource
from stigmer.server.policy import LOCAL_PRINCIPAL, Caller, LocalPolicy
from stigmer.server.steps.validate import Validation
from stigmer.store.base import Store, Transaction

T = TypeVar("T")


class TimedStore:
    """A store that measures its jobs: from the moment the writer takes one to the moment it is durable."""

    def __init__(self, store: Store) -> None:
        self.spent = 0.0
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def submit(self, fn: Callable[[Transaction], T], *, org: str = "") -> Future[T]:
        began = 0.0

        def timed(tx: Transaction) -> T:
            nonlocal began
            began = time.perf_counter()
            return fn(tx)

        def ended(future: Future[T]) -> None:  # noqa: ARG001 - a callback's signature
            self.spent = time.perf_counter() - began

        future = self._store.submit(timed, org=org)
        future.add_done_callback(ended)
        return future


def writer_time(session: Session) -> Iterator[Figure]:
    """First applies of new resources on an empty store each, through the server's pipeline, without a transport."""
    count = session.size(10_000, 500)
    changes = [_creation(each) for each in resources(count)]
    options = ApplyOptions(request_id="benchmark", manager="estate")
    spent: list[float] = []

    def prepare(number: int) -> TimedStore:
        return TimedStore(opened(session, session.folder(f"writer-{number}")))

    def act(store: TimedStore) -> Any:
        return asyncio.run(_apply(store, upload.messages(default_contract(), changes, options)))

    def check(store: TimedStore, response: Any) -> None:
        expect(response.revision, 1, "the revision of the apply")
        expect(len(response.results), count, "changes in the answer")
        spent.append(store.spent)
        store.close()

    session.compare("writer-time", "", Side(OURS, act, prepare, check), (), rounds=5)
    per_thousand = [seconds * 1e6 / count for seconds in spent[1:]]
    what = f"writer time per 1,000 changes of an apply of {count:,}"
    yield Figure("writer-time", what, "ms", Spread.of(per_thousand))


async def _apply(store: TimedStore, messages: Iterable[Any]) -> Any:
    contract = default_contract()
    services: Any = Services(contract, store, LocalPolicy(), IdSource(), Validation(contract), "local")
    caller = Caller(LOCAL_PRINCIPAL, LOCAL_PRINCIPAL)
    current_request.set(RequestContext("ApplyChanges", caller))

    async def stream() -> AsyncIterator[Any]:
        for message in messages:
            yield message

    answer = await apply_changes(services, contract.methods["ApplyChanges"], stream())
    if isinstance(answer, bytes):
        return contract.methods["ApplyChanges"].output_class.FromString(answer)
    return answer


def _creation(resource: Resource) -> ResourceChange:
    codec = default_contract().codec
    body = codec.body(resource.kind, codec.parse(resource.kind, resource.content))
    encoded = upload.EncodedBody(body, resource.content)
    claims = leaf_paths(resource.kind.schema, body)
    return ResourceChange(resource.stored.key, Action.CREATE, encoded, claims=claims)


ROWS = (Row("writer-time", "how long a bulk apply keeps the writer", writer_time),)
