"""What a command that changes or checks resources asks of a view."""

from __future__ import annotations

from typing import Protocol

from stigmer.cli.views.changes import ChangeReport


class ChangeView(Protocol):
    """Draws one run. Calls come in this order: events, at most one `planned`, events, exactly one `finished`."""

    def event(self, event: object) -> None:
        """Something happened while the library works (`reconciler.events`, `stigmer.sync`)."""
        ...

    def planned(self, report: ChangeReport) -> None:
        """What is about to be done, before it is done."""
        ...

    def finished(self, report: ChangeReport) -> None:
        """What was done, or would be."""
        ...
