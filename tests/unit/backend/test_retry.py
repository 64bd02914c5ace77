"""The retry policy alone: which errors, how often, how long."""

from __future__ import annotations

import time

import pytest

from reconciler.ports import RETRYABLE
from stigmer import errors
from stigmer.backend import retry
from stigmer.backend.retry import Patience
from stigmer.errors import StigmerError, Unavailable

PATIENT = Patience(attempt=5.0, total=10.0)


class Script:
    """Raises each error in turn, then answers."""

    def __init__(self, *failures: StigmerError) -> None:
        self.failures = list(failures)
        self.given: list[float] = []

    def __call__(self, seconds: float) -> str:
        self.given.append(seconds)
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


def test_a_success_is_returned_at_once() -> None:
    script = Script()
    assert retry.call(script, PATIENT) == "answer"
    assert len(script.given) == 1


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("code", sorted(retry.RESENT))
def test_failures_that_may_pass_are_tried_again(code: str) -> None:
    script = Script(*[errors.BY_CODE[code]("no")] * (retry.MAX_TRIES - 1))
    assert retry.call(script, PATIENT) == "answer"


@pytest.mark.usefixtures("quick_retries")
def test_the_fifth_failure_is_final() -> None:
    script = Script(*[Unavailable(str(number)) for number in range(9)])
    with pytest.raises(Unavailable, match="4"):
        retry.call(script, PATIENT)
    assert len(script.given) == retry.MAX_TRIES


@pytest.mark.parametrize("code", sorted(errors.BY_CODE.keys() - retry.RESENT))
def test_no_other_failure_is_tried_again(code: str) -> None:
    script = Script(errors.BY_CODE[code]("no"))
    with pytest.raises(errors.BY_CODE[code]):
        retry.call(script, PATIENT)
    assert len(script.given) == 1


def test_a_stale_precondition_is_not_sent_again() -> None:
    assert "ABORTED" in RETRYABLE
    assert not retry.may_pass(errors.Aborted("stale etag"))


@pytest.mark.parametrize("reason", sorted(retry.FINAL_REASONS))
def test_some_reasons_are_final(reason: str) -> None:
    assert not retry.may_pass(Unavailable("no", reason=reason))


@pytest.mark.usefixtures("quick_retries")
def test_recovery_runs_before_every_further_try() -> None:
    first, second = Unavailable("1"), Unavailable("2")
    seen: list[StigmerError] = []
    retry.call(Script(first, second), PATIENT, seen.append)
    assert seen == [first, second]


def test_a_try_gets_no_more_than_is_left_of_the_total(quick_retries: None) -> None:
    script = Script(Unavailable("1"))
    retry.call(script, Patience(attempt=5.0, total=1.0))
    assert script.given[0] <= 1.0
    assert script.given[1] < script.given[0]


def test_no_pause_reaches_past_the_total(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE_S", 60.0)
    monkeypatch.setattr(retry, "MAX_PAUSE_S", 60.0)
    monkeypatch.setattr(retry.random, "uniform", lambda low, high: high)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        retry.call(Script(Unavailable("no")), Patience(attempt=1.0, total=2.0))
    assert time.monotonic() - began < 1.0


def test_pauses_are_drawn_from_a_range_that_doubles_up_to_its_limit() -> None:
    for tries, high in [(1, 0.2), (2, 0.4), (3, 0.8), (4, 1.6), (50, 10.0)]:
        drawn = [retry.pause(tries) for _ in range(200)]
        assert max(drawn) <= high
        assert max(drawn) > high * 0.9
        assert min(drawn) < high * 0.1


def test_a_caller_may_only_shorten_the_patience() -> None:
    assert PATIENT.capped(None) == PATIENT
    assert PATIENT.capped(1.0) == Patience(1.0, 1.0)
    assert PATIENT.capped(100.0) == PATIENT
