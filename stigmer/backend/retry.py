"""The one policy of trying again: which failures, how often, after what pause, and within which time.

No transport is known here. A request that changes something carries a request id, so that sending it again cannot
make it happen twice.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from reconciler.ports import RETRYABLE
from stigmer.errors import StigmerError

T = TypeVar("T")

MAX_TRIES = 5

FIRST_PAUSE_S = 0.2
"""Upper end of the first pause; it doubles with every further one."""

MAX_PAUSE_S = 10.0
"""Upper end of any pause."""

RESENT = RETRYABLE - {"ABORTED"}
"""Codes after which the same bytes are sent again. ABORTED is retryable too, but not here: the precondition in the
request is stale, and whoever computed it has to read again."""

FINAL_REASONS = frozenset({"MESSAGE_TOO_LARGE", "DAEMON_NOT_STARTED", "DAEMON_STILL_RUNNING", "CLOSED"})
"""Reasons that make a retryable code final: trying again soon meets the same limit, or has been done already."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may take, in seconds: `attempt` bounds each try, `total` all tries and the pauses between."""

    attempt: float
    total: float

    def capped(self, seconds: float | None) -> Patience:
        """The same within a total chosen by the caller; None leaves it as it is."""
        return self if seconds is None else Patience(min(self.attempt, seconds), min(self.total, seconds))


def call(
    attempt: Callable[[float], T], patience: Patience, recover: Callable[[StigmerError], None] = lambda _: None
) -> T:
    """The result of `attempt(seconds)`, tried again as the policy says. `recover` runs after the pause, before each
    further try; what it raises ends the call. The last error is raised when no try succeeded."""
    deadline = time.monotonic() + patience.total
    for tries in range(1, MAX_TRIES + 1):
        try:
            return attempt(min(patience.attempt, deadline - time.monotonic()))
        except StigmerError as error:
            wait = pause(tries)
            if not may_pass(error) or tries == MAX_TRIES or time.monotonic() + wait >= deadline:
                raise
            time.sleep(wait)
            recover(error)
    raise AssertionError("unreachable: the last try returns or raises")


def may_pass(error: StigmerError) -> bool:
    """Whether the same bytes may succeed when they are sent again."""
    return error.code in RESENT and error.reason not in FINAL_REASONS


def pause(tries: int) -> float:
    """Seconds to wait after so many failures. Full jitter: callers that failed together do not come back together."""
    return random.uniform(0, min(MAX_PAUSE_S, FIRST_PAUSE_S * 2 ** max(tries - 1, 0)))  # noqa: S311 -- no secret
