"""The question before something is lost.

Creating and changing ask nobody. A plan that deletes or replaces is confirmed by --yes or, where somebody sits at a
terminal, by an answer; without either it is not executed.
"""

from __future__ import annotations

import sys
from typing import Protocol

from stigmer.cli.console import Console
from stigmer.cli.views.progress import Progress
from stigmer.cli.views.wording import counted


class Destructive(Protocol):
    """What is asked of a plan."""

    @property
    def destroys(self) -> bool: ...

    def counts(self) -> dict[str, int]: ...


class Confirmation:
    """Answers once whether a plan may be executed; says on standard error why not."""

    def __init__(self, console: Console, progress: Progress, *, assume_yes: bool) -> None:
        self._console = console
        self._progress = progress
        self._assume_yes = assume_yes

    def __call__(self, plan: Destructive) -> bool:
        if not plan.destroys or self._assume_yes:
            return True
        counts = plan.counts()
        with self._progress.paused():
            return self.of(_loss(counts["deleted"], counts["replaced"]))

    def of(self, loss: str) -> bool:
        """Asks about a loss told in words, such as "delete 2 resources"."""
        if self._assume_yes:
            return True
        if not self._console.can_ask:
            self._console.failure(f"this would {loss}, and there is no terminal to ask on: --yes confirms it")
            return False
        if ask(f"This will {loss}. Go on?", self._console):
            return True
        self._console.failure("not confirmed: nothing was changed")
        return False


def ask(question: str, console: Console) -> bool:
    """Asks on the terminal; anything but yes is no."""
    console.out.flush()
    console.err.write(f"{question} [y/N] ")
    console.err.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _loss(deleted: int, replaced: int) -> str:
    parts = []
    if deleted:
        parts.append(f"delete {counted(deleted, 'resource')}")
    if replaced:
        parts.append(f"replace {counted(replaced, 'resource')} under a new id")
    return " and ".join(parts)
