"""The outermost frame of a command: whatever happens inside leaves as an exit code and, at most, a few clear lines.

The option parser's own exit codes and messages stop here too. An error of ours shows its message, what was wrong
where, and what to do next; with `-o json` it is an object on standard output, so that a program always gets one. A
fault nobody expected is one line; STIGMER_DEBUG=1 adds the traceback.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stigmer.cli.catalog import PROGRAM, main_help
from stigmer.cli.console import Console
from stigmer.cli.exit_codes import ExitCode
from stigmer.version import VERSION

if TYPE_CHECKING:
    from stigmer.cli.application import Invocation

DEBUG_VARIABLE = "STIGMER_DEBUG"
"""Set to anything, it adds the traceback to an error."""

STANDARD_ERROR = 2
COMPLETION_VARIABLE = "_STIGMER_COMPLETE"
"""Set by a shell's completion script: the program answers with words instead of running."""


def guarded(arguments: Sequence[str], *, own_process: bool = False) -> ExitCode:
    """Runs one command line. Returns its exit code; raises nothing. `own_process` says that the process is here for
    nothing else, so that its signals may be taken over."""
    console = Console.standard(arguments, os.environ)
    try:
        code = _reported(arguments, console, os.environ, own_process=own_process)
        console.flush()
    except BrokenPipeError:
        code = ExitCode.CLOSED_PIPE
        _abandon_output()
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
        _abandon_output()
    except OSError as error:
        code = ExitCode.ERROR
        with contextlib.suppress(OSError):
            os.write(STANDARD_ERROR, f"✗ cannot write the output: {error.strerror}\n".encode())
        _abandon_output()
    return code


def _reported(arguments: Sequence[str], console: Console, environ: Mapping[str, str], *, own_process: bool) -> ExitCode:
    if COMPLETION_VARIABLE not in environ:
        answer = _ready_answer(list(arguments))
        if answer:
            console.write(answer)
            return ExitCode.OK
    from stigmer.cli.interrupts import INTERRUPTS, is_interrupt

    if own_process:
        INTERRUPTS.install()
    try:
        return _executed(arguments, console, environ)
    except (KeyboardInterrupt, Exception) as error:
        if not is_interrupt(error):
            raise
        console.failure("interrupted")
        return ExitCode.INTERRUPTED


def _executed(arguments: Sequence[str], console: Console, environ: Mapping[str, str]) -> ExitCode:
    from stigmer.cli.application import Invocation, execute
    from stigmer.cli.interrupts import is_interrupt

    invocation = Invocation(console=console, arguments=tuple(arguments))
    try:
        return execute(invocation, environ)
    except Exception as error:
        if is_interrupt(error) or isinstance(error, BrokenPipeError):
            raise
        return _explain(error, invocation, environ)


def _ready_answer(arguments: list[str]) -> str:
    """The answer to the questions that need no parser, or nothing."""
    if arguments in ([], ["--help"], ["-h"]):
        return main_help()
    return f"{PROGRAM} {VERSION}" if arguments == ["--version"] else ""


def _explain(error: Exception, invocation: Invocation, environ: Mapping[str, str]) -> ExitCode:
    from stigmer.cli.faults import show

    if environ.get(DEBUG_VARIABLE):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    return show(error, invocation)


def _abandon_output() -> None:
    """Points the standard streams nowhere, so that the interpreter's last flush cannot fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                os.dup2(nowhere, stream.fileno())
