"""Where the process starts: the console script calls `main`, which returns the exit code.

The commonest question, `stigmer --help`, is answered before anything else is loaded.
"""

from __future__ import annotations

import gc
import os
import sys

INTERRUPTED = 130
"""`stigmer.cli.exit_codes.ExitCode.INTERRUPTED`, which may not be loaded yet."""

GARBAGE_THRESHOLD = 100_000
"""Objects made between two searches for cycles. A command ends soon and keeps most of what it loads until then:
searching as often as a server should costs a fifth of a large apply."""


def main(argv: list[str] | None = None) -> int:
    """Runs one command line (`sys.argv` by default, without the program's name) and returns its exit code."""
    gc.set_threshold(GARBAGE_THRESHOLD, 50, 50)
    try:
        from stigmer.cli.boundary import guarded

        code = int(guarded(sys.argv[1:], own_process=True) if argv is None else guarded(argv))
    except KeyboardInterrupt:  # before or after the frame that would say so
        code = INTERRUPTED
    if argv is None:
        _end(code)
    return code


def _end(code: int) -> None:
    """Ends the process at once when everything is written: taking the interpreter apart costs a tenth of a short
    command. After an interrupt it must be so: one that has passed through generated source, such as a dataclass's,
    makes the interpreter end by the signal instead of the code."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # a closed pipe or stream: the interpreter has its ways with it
        if code != INTERRUPTED:
            return
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
