"""A change report for people: what changes and how, a table of what became of it, a line that counts.

The changes, the table and the counts are data and go to standard output; progress, mistakes and the last word go to
standard error.
"""

from __future__ import annotations

from typing import final

from reconciler import Replanned
from stigmer.cli.console import Console
from stigmer.cli.output import Format
from stigmer.cli.plaintext import clean
from stigmer.cli.views.activity import activity_of
from stigmer.cli.views.changes import ChangeLine, ChangeReport
from stigmer.cli.views.diff import field_lines
from stigmer.cli.views.lines import Line, write_lines
from stigmer.cli.views.mistakes import print_mistakes
from stigmer.cli.views.progress import Progress
from stigmer.cli.views.tables import print_table
from stigmer.cli.views.verdict import print_verdict
from stigmer.cli.views.wording import STATUS_STYLES, STYLES, SYMBOLS, count_line


@final
class HumanView:
    """Draws on the console, as things happen."""

    def __init__(self, console: Console, form: Format, progress: Progress) -> None:
        self._console = console
        self._wide = form.name == "wide"
        self._progress = progress

    def event(self, event: object) -> None:
        activity = activity_of(event)
        if activity:
            self._progress.say(activity)
        if isinstance(event, Replanned):
            with self._progress.paused():
                self._console.info("the backend has changed meanwhile: planned anew")

    def planned(self, report: ChangeReport) -> None:
        with self._progress.paused():
            write_lines(change_lines(report.changes), self._console)

    def finished(self, report: ChangeReport) -> None:
        if report.status != "declined":
            if report.changes and (not report.planned or self._shows_unchanged(report)):
                self._table(report)
            print_mistakes(report, self._console)
            if report.status != "invalid":
                self._console.write(count_line(report.summary, report.verb))
        print_verdict(report, self._console)

    def _shows_unchanged(self, report: ChangeReport) -> bool:
        return any(line.action == "noop" for line in report.changes)

    def _table(self, report: ChangeReport) -> None:
        headers = ["TYPE", "NAME", "STATUS", "ID"] + (["ORG", "SOURCE", "CAUSE"] if self._wide else [])
        rows = [
            [line.kind, line.slug, line.outcome or line.action, line.id or "-"]
            + ([line.org, line.place or "-", line.cause or "-"] if self._wide else [])
            for line in report.changes
        ]
        print_table(self._console, headers, rows, STATUS_STYLES)


def change_lines(changes: tuple[ChangeLine, ...]) -> list[Line]:
    """What changes, each resource with its fields; unchanged resources are left out."""
    several_orgs = len({line.org for line in changes}) > 1
    lines: list[Line] = []
    for change in changes:
        if change.action != "noop":
            lines.append(_head(change, several_orgs))
            for field in change.fields:
                lines += field_lines(field)
    return lines


def _head(change: ChangeLine, with_org: bool) -> Line:
    org = f"{change.org}/" if with_org else ""
    why = change.place if change.action in {"create", "delete"} else change.cause
    text = clean(f"{SYMBOLS.get(change.action, '?')} {org}{change.name}{f'  ({why})' if why else ''}")
    return Line(text, STYLES.get(change.action, ""))
