"""The question before a loss, and the line that moves meanwhile. Assumes nothing below."""

from __future__ import annotations

import io
import sys
import time
from dataclasses import dataclass, field

import pytest

from stigmer.cli.confirmation import Confirmation
from stigmer.cli.views import progress
from stigmer.cli.views.progress import Progress, showing


@dataclass
class Losing:
    """What is asked of a plan."""

    destroys: bool = True
    lost: dict[str, int] = field(default_factory=lambda: {"deleted": 2, "replaced": 1})

    def counts(self) -> dict[str, int]:
        return self.lost


class Keyboard(io.StringIO):
    """Standard input on a terminal."""

    def isatty(self) -> bool:
        return True


def answer(recorder, plan: Losing, *, yes: bool = False) -> bool:
    return Confirmation(recorder.console, Progress(recorder.console), assume_yes=yes)(plan)


def test_nobody_is_asked_when_nothing_is_lost(pipe) -> None:
    assert answer(pipe, Losing(destroys=False)) is True
    assert pipe.err == ""


def test_yes_answers_beforehand(pipe) -> None:
    assert answer(pipe, Losing(), yes=True) is True
    assert pipe.err == ""


def test_without_a_terminal_the_answer_is_no_and_names_the_option(pipe) -> None:
    assert answer(pipe, Losing()) is False
    assert pipe.err == (
        "✗ this would delete 2 resources and replace 1 resource under a new id, "
        "and there is no terminal to ask on: --yes confirms it\n"
    )


@pytest.mark.parametrize(
    ("typed", "agreed"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False)], ids=repr
)
def test_a_terminal_is_asked(typed: str, agreed: bool, terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Keyboard(typed))
    assert answer(terminal, Losing(lost={"deleted": 1, "replaced": 0})) is agreed
    assert terminal.err.startswith("This will delete 1 resource. Go on? [y/N] ")


@pytest.mark.parametrize(
    ("typed", "agreed"), [("3\n", True), ("y\n", False), ("4\n", False), ("\n", False), ("", False)], ids=repr
)
def test_what_nobody_has_named_is_lost_only_by_typing_how_much_it_is(
    typed: str, agreed: bool, terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Keyboard(typed))
    confirm = Confirmation(terminal.console, Progress(terminal.console), assume_yes=False, guarded_org="shop")
    assert confirm(Losing(lost={"deleted": 3, "replaced": 0})) is agreed
    assert terminal.err.startswith("This will delete 3 resources of the org shop. Type 3 to go on: ")


def test_a_large_number_may_be_typed_as_it_is_shown(terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Keyboard("1,200\n"))
    confirm = Confirmation(terminal.console, Progress(terminal.console), assume_yes=False, guarded_org="shop")
    assert confirm(Losing(lost={"deleted": 1200, "replaced": 0})) is True


def test_a_long_wait_is_shown_and_taken_away(terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "DELAY", 0.01)
    monkeypatch.setattr(progress, "INTERVAL", 0.01)
    with showing(terminal.console, "thinking"):
        deadline = time.monotonic() + 5
        while "thinking" not in terminal.err and time.monotonic() < deadline:
            time.sleep(0.01)
    assert "thinking (0 s)" in terminal.err
    assert terminal.err.endswith("\r\x1b[2K")


def test_a_short_wait_shows_nothing(terminal) -> None:
    with showing(terminal.console, "thinking"):
        pass
    assert terminal.err == ""


def test_a_pipe_never_sees_progress(pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "DELAY", 0.0)
    with showing(pipe.console, "thinking"):
        time.sleep(0.05)
    assert pipe.err == ""
