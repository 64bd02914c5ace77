"""The exit codes of every command, and which one wins when several apply.

Every code that leaves the process is one of these. Usage errors are ERROR: the 2 that other tools give them means
"changes present" here.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says of itself to a script."""

    OK = 0
    """Done, or nothing to do."""
    ERROR = 1
    """It failed; usage errors too."""
    CHANGES = 2
    """Changes are present; only with --detailed-exitcode."""
    CONFLICT = 3
    """Another field manager holds a field that would change."""
    PARTIAL = 4
    """Some changes were made and some were not."""
    REFUSED = 5
    """A guard refused, or a confirmation is missing."""
    STALE = 6
    """What was planned against has moved."""
    DRIFT = 7
    """Only the live side has changed; only with --detailed-exitcode."""
    CANCELLED = 8
    """The execution was cancelled."""
    TIMED_OUT = 9
    """Waiting took too long."""
    UNSOUND = 10
    """The doctor found something that is wrong."""
    INTERRUPTED = 130
    """Ctrl-C."""
    CLOSED_PIPE = 141
    """Whoever read the output went away."""


PRECEDENCE: tuple[ExitCode, ...] = (
    ExitCode.INTERRUPTED,
    ExitCode.ERROR,
    ExitCode.REFUSED,
    ExitCode.CONFLICT,
    ExitCode.STALE,
    ExitCode.PARTIAL,
    ExitCode.CHANGES,
    ExitCode.DRIFT,
)
"""The most important first."""


def combine(codes: Iterable[ExitCode]) -> ExitCode:
    """The one code for a run to which all of `codes` apply; OK when there are none."""
    present = set(codes) - {ExitCode.OK}
    for code in PRECEDENCE:
        if code in present:
            return code
    return max(present, default=ExitCode.OK)
