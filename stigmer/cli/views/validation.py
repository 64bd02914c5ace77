"""The result of a check for people: every mistake, and whether there was one."""

from __future__ import annotations

from typing import final

from stigmer.cli.console import Console
from stigmer.cli.views.activity import activity_of
from stigmer.cli.views.changes import ChangeReport
from stigmer.cli.views.mistakes import print_mistakes
from stigmer.cli.views.progress import Progress
from stigmer.cli.views.verdict import print_verdict


@final
class ValidationView:
    """Shows mistakes only: what would change is not what was asked."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress

    def event(self, event: object) -> None:
        activity = activity_of(event)
        if activity:
            self._progress.say(activity)

    def planned(self, report: ChangeReport) -> None:
        """A plan is made on the way and not shown."""

    def finished(self, report: ChangeReport) -> None:
        print_mistakes(report, self._console)
        print_verdict(report, self._console)
