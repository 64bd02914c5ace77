"""Differences in the way of diff -u, one hunk per field: what is live with `-`, what the manifests say with `+`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import unified_diff
from itertools import islice
from typing import Any, final

from stigmer.cli.console import Console
from stigmer.cli.plaintext import clean, visible
from stigmer.cli.views.activity import activity_of
from stigmer.cli.views.changes import ChangeLine, ChangeReport, FieldLine
from stigmer.cli.views.diff import MAX_LINES, MAX_TEXT, lines_of, size
from stigmer.cli.views.lines import Line, write_lines
from stigmer.cli.views.mistakes import print_mistakes
from stigmer.cli.views.progress import Progress
from stigmer.cli.views.verdict import print_verdict

NOWHERE = "/dev/null"
_STYLES = {"-": "red", "+": "green", "@": "cyan"}


@final
class UnifiedView:
    """Prints hunks when the comparison is done."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress

    def event(self, event: object) -> None:
        activity = activity_of(event)
        if activity:
            self._progress.say(activity)

    def planned(self, report: ChangeReport) -> None:
        """The finished report has it all."""

    def finished(self, report: ChangeReport) -> None:
        if report.status != "invalid":
            write_lines([line for change in report.changes for line in hunks(change)], self._console)
        print_mistakes(report, self._console)
        print_verdict(report, self._console)


def hunks(change: ChangeLine) -> list[Line]:
    """The lines of one resource."""
    name = f"{change.org}/{change.name}"
    live = NOWHERE if change.action == "create" else f"live/{name}"
    wanted = NOWHERE if change.action == "delete" else f"{change.place or 'manifest'} {name}"
    lines = [Line(clean(f"--- {live}"), "bold"), Line(clean(f"+++ {wanted}"), "bold")]
    for field in change.fields:
        lines += _field(field)
    return lines


def _field(field: FieldLine) -> Iterator[Line]:
    yield Line(f"@@ {visible(field.path)} @@", "cyan")
    before = [] if field.op == "add" else _text(field.before)
    after = [] if field.op == "remove" else _text(field.after)
    if before and after and max(len(before), len(after)) <= MAX_LINES:
        changed: Iterator[str] = islice(unified_diff(before, after, lineterm=""), 2, None)
        changed = (line for line in changed if not line.startswith("@@"))
    else:
        changed = (*(f"-{line}" for line in before), *(f"+{line}" for line in after)).__iter__()
    for line in changed:
        yield Line(line[:1] + visible(line[1:]), _STYLES.get(line[:1], ""))


def _text(value: Any) -> list[str]:
    """A value as lines: a text as it is, anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
    if len(text) > MAX_TEXT:
        return [size(value)]
    return lines_of(text)
