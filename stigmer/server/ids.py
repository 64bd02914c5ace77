"""Resource ids: `{prefix}-{lowercase ULID}`, ascending within a process, so that one request's records lie side by
side in the store and newest-first is a walk over keys."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

ENTROPY_BITS = 80
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_SHIFTS = tuple(range(120, -1, -10))
_NANOSECONDS_PER_MILLISECOND = 1_000_000


class IdSource:
    """Gives ids that ascend in the order of the calls, also when the clock goes back. Thread-safe."""

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        """`clock` gives Unix nanoseconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._last = -1

    def new(self, prefix: str) -> str:
        """`prefix`, a hyphen and 26 characters."""
        return f"{prefix}-{encode(self._next())}"

    def _next(self) -> int:
        """128 bits: milliseconds and entropy; within one millisecond, or behind a clock that went back, one more than
        the last."""
        fresh = (self._clock() // _NANOSECONDS_PER_MILLISECOND) << ENTROPY_BITS
        with self._lock:
            if fresh >> ENTROPY_BITS > self._last >> ENTROPY_BITS:
                # The top bit stays clear, so that counting up does not reach the next millisecond.
                self._last = fresh | secrets.randbits(ENTROPY_BITS - 1)
            else:
                self._last += 1
            return self._last


def encode(value: int) -> str:
    """128 bits as 26 characters of Crockford's base 32, in an order that sorts as the numbers do."""
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in _SHIFTS])
