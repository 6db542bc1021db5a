"""The search finds the highest sustained rate, and a growing delay is told from a noisy one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.failure import BenchmarkFailed
from bench.http_load import LoadPlan, LoadReport
from bench.pipeline import due_times, keeps_up, search


@given(st.floats(40, 5000))
def test_the_search_comes_near_the_limit_and_never_above_it(limit: float) -> None:
    found = search(500, lambda rate: rate <= limit, longest=20)
    assert limit / 1.1 <= found <= limit


def test_it_tries_no_more_than_it_may() -> None:
    tried: list[float] = []

    def always(rate: float) -> bool:
        tried.append(rate)
        return True

    assert search(500, always, longest=3) == 2000
    assert tried == [500, 1000, 2000]


def test_nothing_sustained_is_nothing_found() -> None:
    assert search(500, lambda _: False, longest=3) == 0


def test_an_overload_of_a_tenth_does_not_keep_up() -> None:
    assert not keeps_up([0.3 + 0.1 * due / 100 for due in range(2000)])


def test_rows_that_come_only_after_the_load_do_not_keep_up() -> None:
    assert not keeps_up([25 - due / 100 for due in range(2000)])


def test_a_slow_beginning_and_noise_do_no_harm() -> None:
    assert keeps_up([3.0] * 400 + [0.2 if due % 3 else 0.9 for due in range(1600)])


def test_too_few_webhooks_say_nothing() -> None:
    with pytest.raises(BenchmarkFailed):
        keeps_up([0.1, 0.2])


def test_webhooks_are_due_at_fixed_times() -> None:
    plan = LoadPlan(port=1, traffic="replies", first=7, seconds=1, rate=4)
    report = LoadReport(
        started=100.0, seconds=1, statuses={200: 3}, p50_ms=1, p99_ms=1, max_ms=1, own_lag_p99_ms=0, cpu_seconds=0
    )
    assert due_times(plan, report) == {7: 100.0, 8: 100.25, 9: 100.5}
