"""Retry is a table."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headrace.events.jobs import ErrorClass
from streams.jobs.retries import (
    JITTER,
    LONGEST_ASKED,
    LONGEST_DEFERRAL,
    LONGEST_JITTER,
    Again,
    Dead,
    after_failure,
    error_class_of,
)

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
TIERS = (10.0, 60.0, 600.0, 3600.0, 21_600.0)


def decide(error_class: ErrorClass, spent: int = 1, deferrals: int = 0, retry_after: float | None = None) -> object:
    return after_failure(
        error_class, spent=spent, deferrals=deferrals, tiers=TIERS, retry_after=retry_after, seed="job:1:1"
    )


@pytest.mark.parametrize(("spent", "delay"), list(enumerate(TIERS, 1)))
def test_each_attempt_waits_its_tier(spent: int, delay: float) -> None:
    decision = decide("transient", spent)
    assert isinstance(decision, Again)
    assert delay <= decision.delay <= delay * (1 + JITTER)
    assert decision.spends_attempt


@pytest.mark.parametrize("error_class", ["transient", "rate_limited"])
def test_after_the_last_tier_it_dies(error_class: ErrorClass) -> None:
    assert decide(error_class, len(TIERS) + 1) == Dead()


def test_what_no_retry_can_help_dies_at_once() -> None:
    assert decide("permanent") == Dead()


@pytest.mark.parametrize("error_class", ["over_budget", "dependency_down"])
@pytest.mark.parametrize("spent", [1, 6, 50])
def test_blameless_faults_never_kill_and_cost_no_attempt(error_class: ErrorClass, spent: int) -> None:
    decision = decide(error_class, spent, deferrals=50)
    assert isinstance(decision, Again)
    assert not decision.spends_attempt
    assert decision.delay <= LONGEST_DEFERRAL * (1 + JITTER)


@given(st.sampled_from(get_args(ErrorClass)), st.integers(1, 5), st.floats(0, LONGEST_ASKED), st.text())
def test_nobody_comes_back_before_the_time_it_was_told(
    error_class: ErrorClass, spent: int, retry_after: float, seed: str
) -> None:
    decision = after_failure(error_class, spent=spent, deferrals=spent, tiers=TIERS, retry_after=retry_after, seed=seed)
    assert isinstance(decision, Dead) or decision.delay >= retry_after


@given(st.sampled_from(get_args(ErrorClass)), st.none() | st.floats(allow_nan=True, allow_infinity=True))
@example("rate_limited", 99_999_999_999_999.0)
@example("dependency_down", float("inf"))
@example("transient", float("nan"))
@example("over_budget", -1e308)
def test_whatever_a_server_asks_is_a_time_a_job_can_be_due(error_class: ErrorClass, retry_after: float | None) -> None:
    decision = decide(error_class, retry_after=retry_after)
    if isinstance(decision, Again):
        assert 0 <= decision.delay <= LONGEST_ASKED + LONGEST_JITTER
        assert NOW + timedelta(seconds=decision.delay) > NOW


def test_jitter_is_the_same_for_the_same_attempt_and_differs_between_jobs() -> None:
    assert decide("transient") == decide("transient")
    delays = {
        again.delay
        for number in range(50)
        if isinstance(
            again := after_failure(
                "transient", spent=1, deferrals=0, tiers=TIERS, retry_after=None, seed=f"job-{number}:1:1"
            ),
            Again,
        )
    }
    assert len(delays) == 50


def test_a_class_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="use one of"):
        error_class_of("retryable")
