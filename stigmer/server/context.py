"""What is known of the request under way: who, which method, since when, and how long each step took. The boundary
makes it, the servicer finds it here, the log line is written from it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from stigmer.server.policy import Caller


@dataclass(slots=True)
class RequestContext:
    """`id` names the request in our log and in INTERNAL errors; `request_id` is the client's own, for repeating."""

    method: str
    caller: Caller
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    request_id: str = ""
    at: int = field(default_factory=time.time_ns)
    started: float = field(default_factory=time.perf_counter)
    steps: dict[str, float] = field(default_factory=dict)
    facts: dict[str, int] = field(default_factory=dict)
    """Numbers worth a place in the log line, such as how many changes a request carried."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the time spent inside to the step's milliseconds."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.steps[name] = self.steps.get(name, 0.0) + (time.perf_counter() - begin) * 1_000


current_request: ContextVar[RequestContext] = ContextVar("current_request")
"""The request that the running task or thread serves."""
