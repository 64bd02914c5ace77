"""A change report as names, one a line: `agent/support-bot`, as the commands take them."""

from __future__ import annotations

from typing import final

from stigmer.cli.console import Console
from stigmer.cli.plaintext import clean
from stigmer.cli.views.changes import ChangeReport
from stigmer.cli.views.verdict import print_verdict


@final
class NameView:
    """Prints the resources of a report when everything is over."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def event(self, event: object) -> None:
        """Names do not need progress."""

    def planned(self, report: ChangeReport) -> None:
        """The finished report has it all."""

    def finished(self, report: ChangeReport) -> None:
        for line in report.changes:
            self._console.write(clean(f"{line.kind.lower()}/{line.slug}"))
        for item in report.diagnostics:
            self._console.write_error(item.render(color=self._console.color_err))
        if report.status != "ok":
            print_verdict(report, self._console)
