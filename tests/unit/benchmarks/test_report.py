"""Figures and their page: ratios in the direction of the goal, missed goals said plainly, one block replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.data import documents
from benchmarks.figures import Fault, Figure, Goal, Spread, Verdict, at_most, below, faster
from benchmarks.harness import Peer, Session, Side, WrongOutcomeError, expect
from benchmarks.report import BEGIN, END, PageError, Report, replace_block

ONE, TWO = Spread.of([1.0]), Spread.of([2.0])


def figure(goal: Goal | None, ours: Spread = ONE, theirs: Spread | None = TWO) -> Figure:
    return Figure("row", "what", "ms", ours, "a peer" if theirs else "", theirs, goal)


@pytest.mark.parametrize(
    ("goal", "ratio", "verdict"),
    [
        (faster(2), 2.0, Verdict.MET),
        (faster(2.1), 2.0, Verdict.MISSED),
        (at_most(0.5), 0.5, Verdict.MET),
        (at_most(0.4), 0.5, Verdict.MISSED),
        (None, 0.5, Verdict.REPORTED),
    ],
)
def test_a_ratio_is_held_to_its_goal_in_the_goals_direction(goal: Goal | None, ratio: float, verdict: Verdict) -> None:
    assert figure(goal).ratio == ratio
    assert figure(goal).verdict is verdict


def test_a_figure_without_a_peer_is_held_to_a_bound_of_its_own() -> None:
    assert figure(below(1), theirs=None).verdict is Verdict.MET
    assert figure(below(1), TWO, None).verdict is Verdict.MISSED


def test_a_spread_gives_quartiles_and_of_few_values_their_range() -> None:
    assert Spread.of([3, 1, 2]) == Spread(2, 1, 3, 3)
    assert Spread.of([1, 2, 3, 4, 100]) == Spread(3, 2, 4, 5)


def test_missed_goals_and_failed_rows_are_said_plainly() -> None:
    report = Report({"Python": "3"}, [figure(faster(9)), figure(None)], [Fault("other", "no kubectl")], 1.0)
    for form in ("table", "markdown"):
        text = report.rendered(form)
        assert "MISSED" in text
        assert "0 met, 1 missed, 1 reported" in text
        assert "--profile ROW, for row" in text
        assert "FAILED other: no kubectl" in text


def test_only_the_block_of_a_page_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    replace_block(page, "new")
    replace_block(page, "newer\n")
    assert page.read_text() == f"before\n{BEGIN}\nnewer\n{END}\nafter\n"


def test_a_page_without_the_block_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("only text\n")
    with pytest.raises(PageError, match="benchmarks: begin"):
        replace_block(page, "new")
    assert page.read_text() == "only text\n"


def test_sides_take_turns_in_alternating_order_after_a_warm_up(session: Session) -> None:
    turns: list[str] = []
    ours, theirs = (Side(name, lambda _, name=name: turns.append(name)) for name in "ab")
    (found,) = session.compare("row", "what", ours, [Peer(theirs)], rounds=3)
    assert "".join(turns) == "abbaabba"
    assert found.ours.count == 3


def test_a_wrong_outcome_ends_the_row(session: Session) -> None:
    side = Side("a", lambda _: 2, check=lambda _, result: expect(result, 3, "the sum"))
    with pytest.raises(WrongOutcomeError, match="the sum: 2 instead of 3"):
        session.compare("row", "what", side, [], rounds=1)


def test_a_longer_estate_begins_with_the_shorter_one_and_names_nothing_twice() -> None:
    long, short = list(documents(200)), list(documents(60))
    assert long[:60] == short
    assert len({(each.kind, each.slug) for each in long}) == 200
    assert {each.kind for each in long} == {
        "Agent",
        "AgentInstance",
        "Environment",
        "McpServer",
        "Workflow",
        "WorkflowInstance",
    }
