"""Pages of what a run may end with, and of what it is told beside its command line: errors, exit codes, settings."""

from __future__ import annotations

import re

from reconciler.guards import RefusalReason
from reference.markdown import code, link, page, prose, table
from reference.sources import Constant, constants, member_texts, module_text, raised
from stigmer.backend.settings import SETTINGS, Form, Setting
from stigmer.cli.exit_codes import PRECEDENCE, ExitCode
from stigmer.cli.reporting import exit_code
from stigmer.errors import BY_CODE, StigmerError
from stigmer.sync import Outcome, Status

_LEAF = re.compile(r"^\s*[|`]- (?P<name>\w+)\s+(?P<code>[A-Z_]+)\s+(?P<text>.+)$", re.MULTILINE)

_REASON = re.compile(r"[A-Z][A-Z_]+")


def pages() -> dict[str, str]:
    """Every page by its path below the reference."""
    return {"errors.md": _errors(), "exit-codes.md": _exit_codes(), "configuration.md": _configuration()}


def _errors() -> str:
    texts = {found["code"]: found["text"] for found in _LEAF.finditer(module_text("stigmer/errors.py"))}
    codes = [[code(name), prose(texts[name])] for name in BY_CODE]
    return page(
        "Errors",
        "An error has a code, which is the status code of the answer, a reason for programs, a message, a hint and, "
        "for wrong input, one violation for each field; `-o json` prints all of them. The reason is the code where it "
        f"is no other. A command that fails exits with one of the {link('exit codes', 'exit-codes.md')}.",
        "## Codes",
        table(["Code", "When"], codes),
        "## Reasons",
        table(["Reason", "Code", "Messages"], _reasons()),
        "## Refusals",
        "Reasons for which a change of a plan is not made. They stand in the `error` of a change.",
        table(["Reason", "When"], _refusals()),
    )


def _reasons() -> list[list[str]]:
    leaves: list[type[StigmerError]] = [StigmerError, *BY_CODE.values()]
    classes = {leaf.__name__: leaf for leaf in leaves}
    found: dict[tuple[str, str], list[str]] = {}
    for each in raised(tuple(classes)):
        if not _REASON.fullmatch(each.reason):
            continue
        messages = found.setdefault((each.reason, classes[each.error].code), [])
        if each.message and each.message not in messages:
            messages.append(each.message)
    return [
        [code(reason), code(name), "\n".join(prose(message) for message in messages)]
        for (reason, name), messages in sorted(found.items())
    ]


def _refusals() -> list[list[str]]:
    texts = member_texts("reconciler/guards.py", RefusalReason.__name__)
    return [[code(reason.name), prose(texts[reason.name])] for reason in RefusalReason]


def _exit_codes() -> str:
    texts = member_texts("stigmer/cli/exit_codes.py", ExitCode.__name__)
    statuses = member_texts("stigmer/sync/request.py", Status.__name__)
    ends = [
        [code(status.value), code(str(exit_code(Outcome(status)).value)), prose(statuses[status.name])]
        for status in Status
    ]
    return page(
        "Exit codes",
        table(
            ["Code", "Name", "Meaning"],
            [[str(each.value), code(each.name), prose(texts[each.name])] for each in ExitCode],
        ),
        "Where several apply, the first of these counts: " + ", ".join(code(each.name) for each in PRECEDENCE) + ".",
        "## Ends of a run",
        "The `status` in the JSON of commands that change or check resources, and what the process exits with.",
        table(["Status", "Exit code", "Meaning"], ends),
    )


def _configuration() -> str:
    variables = [[code(each.variable), code(each.key), prose(each.summary)] for each in SETTINGS if each.variable]
    other = [
        [code(each.value), "-", prose(_said(each))]
        for each in constants("_VARIABLE")
        if each.value not in {setting.variable for setting in SETTINGS}
    ]
    return page(
        "Configuration",
        "An option of the command line counts more than an environment variable, and that more than the configuration "
        f"file. {link('`stigmer config`', 'cli/config.md')} reads and writes the file.",
        "## Settings",
        table(["Key", "Values", "Default", "Environment variable", ""], [_setting(each) for each in SETTINGS]),
        "## Environment variables",
        table(["Variable", "Setting", ""], [*variables, *other]),
    )


def _said(constant: Constant) -> str:
    if not constant.text:
        raise ValueError(f"{constant.module}: {constant.name} needs a text below it that says what it is for")
    return constant.text


def _setting(setting: Setting) -> list[str]:
    values = ", ".join(code(choice) for choice in setting.choices) or setting.form.value
    default = code(setting.default) if setting.default else "-"
    if setting.form is Form.PATH and setting.default:
        default += " in the home folder"
    older = ", ".join(code(name) for name in setting.older_names)
    summary = f"{setting.summary}; older name: {older}" if older else setting.summary
    return [code(setting.key), values, default, code(setting.variable) if setting.variable else "-", prose(summary)]
