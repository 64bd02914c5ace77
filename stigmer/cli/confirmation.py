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
    """Answers once whether a plan may be executed; says on standard error why not. With `guarded_org` the question
    names that org, and the number of resources has to be typed: a yes is given too easily where nobody has named them.
    """

    def __init__(self, console: Console, progress: Progress, *, assume_yes: bool, guarded_org: str = "") -> None:
        self._console = console
        self._progress = progress
        self._assume_yes = assume_yes
        self._guarded_org = guarded_org

    def __call__(self, plan: Destructive) -> bool:
        if not plan.destroys or self._assume_yes:
            return True
        deleted, replaced = (plan.counts()[outcome] for outcome in ("deleted", "replaced"))
        loss = _loss(deleted, replaced)
        with self._progress.paused():
            if self._guarded_org:
                return self.of(f"{loss} of the org {self._guarded_org}", str(deleted + replaced))
            return self.of(loss)

    def of(self, loss: str, answer: str = "") -> bool:
        """Asks about a loss told in words, such as "delete 2 resources". `answer` is what has to be typed, where a yes
        is not enough."""
        if self._assume_yes:
            return True
        if not self._console.can_ask:
            self._console.failure(f"this would {loss}, and there is no terminal to ask on: --yes confirms it")
            return False
        if _asked(loss, answer, self._console):
            return True
        self._console.failure("not confirmed: nothing was changed")
        return False


def ask(question: str, console: Console) -> bool:
    """Asks on the terminal; anything but yes is no."""
    return _typed(f"{question} [y/N] ", console).lower() in {"y", "yes"}


def _asked(loss: str, answer: str, console: Console) -> bool:
    if not answer:
        return ask(f"This will {loss}. Go on?", console)
    return _typed(f"This will {loss}. Type {answer} to go on: ", console).replace(",", "") == answer


def _typed(prompt: str, console: Console) -> str:
    console.out.flush()
    console.err.write(prompt)
    console.err.flush()
    return sys.stdin.readline().strip()


def _loss(deleted: int, replaced: int) -> str:
    parts = []
    if deleted:
        parts.append(f"delete {counted(deleted, 'resource')}")
    if replaced:
        parts.append(f"replace {counted(replaced, 'resource')} under a new id")
    return " and ".join(parts)
