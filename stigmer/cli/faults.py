"""How an error looks: a few lines on standard error, or one object on standard output for `-o json`.

Commands that change or check manifests answer with the same object as when they succeed, its diagnostics filled.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from stigmer.cli.application import Invocation
from stigmer.cli.catalog import PROGRAM
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.plaintext import clean, clean_block, json_text
from stigmer.errors import StigmerError, Violation

CHANGE_COMMANDS = frozenset({"apply", "plan", "diff", "validate", "delete", "import"})
"""Commands whose JSON is the change report (`stigmer.cli.views.changes`)."""

MAX_VIOLATIONS = 100
"""Violations listed for people; the rest are counted. JSON has all."""

_NOT_UTF_8 = ("a text given to the command is not valid UTF-8", "texts with other bytes cannot be sent or stored")
"""The only texts of this process that cannot be encoded are arguments, variables and paths of undecodable bytes."""


def show(error: Exception, invocation: Invocation) -> ExitCode:
    """Prints `error` in the form the user asked for and returns the exit code it stands for."""
    if isinstance(error, click.exceptions.Exit):
        return ExitCode(error.exit_code)
    if isinstance(error, click.Abort):
        invocation.console.failure("aborted")
        return ExitCode.ERROR
    described = describe(error)
    if asks_for_json(invocation.arguments):
        invocation.console.write(json_text(_as_object(described, invocation.command)))
    _print(described, invocation)
    return ExitCode.ERROR


def describe(error: Exception) -> StigmerError:
    """Any error as one of ours: what happened, and what to do next."""
    if isinstance(error, StigmerError):
        return error
    if isinstance(error, click.UsageError):
        return _fault("INVALID_USAGE", error.format_message(), _usage_hint(error))
    if isinstance(error, click.ClickException):
        return _fault("INVALID_USAGE", error.format_message(), "")
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename is not None else ""
        return _fault("IO_ERROR", f"{place}{error.strerror}", "")
    if isinstance(error, UnicodeEncodeError) and error.encoding == "utf-8":
        return _fault("INVALID_USAGE", *_NOT_UTF_8)
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return _fault("INTERNAL", f"unexpected {text}", "run with STIGMER_DEBUG=1 for the traceback")


def asks_for_json(arguments: Sequence[str]) -> bool:
    """Whether the command line asks for JSON, read without parsing it: it may be what cannot be parsed."""
    answer = False
    for position, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument in {"-o", "--output"}:
            answer = tuple(arguments[position + 1 : position + 2]) == ("json",)
        elif argument.startswith(("-o", "--output=")):
            answer = argument in {"-ojson", "-o=json", "--output=json"}
    return answer


def violation_text(violation: Violation) -> str:
    """One broken rule in one line."""
    place = " ".join(part for part in (violation.key, violation.field) if part)
    return clean(f"{place}: {violation.description}" if place else violation.description)


def _print(error: StigmerError, invocation: Invocation) -> None:
    console = invocation.console
    console.failure(clean_block(error.message))
    for violation in error.violations[:MAX_VIOLATIONS]:
        console.write_error(f"  {violation_text(violation)}")
    if len(error.violations) > MAX_VIOLATIONS:
        console.write_error(f"  and {len(error.violations) - MAX_VIOLATIONS} more")
    if error.hint:
        console.write_error(console.paint_error(f"  {clean_block(error.hint)}", "dim"))


def _as_object(error: StigmerError, command: str) -> dict[str, object]:
    from stigmer.cli.views.changes import failed_report
    from stigmer.cli.views.json import report_object
    from stigmer.cli.views.objects import error_object

    if command not in CHANGE_COMMANDS:
        return {"error": error_object(error)}
    return report_object(failed_report(error))


def _usage_hint(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx is not None else PROGRAM
    return f"run '{path} --help' for what it takes"


def _fault(reason: str, message: str, hint: str) -> StigmerError:
    return StigmerError(message, reason=reason, hint=hint)
