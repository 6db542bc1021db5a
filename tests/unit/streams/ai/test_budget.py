"""A day's AI budget: never overdrawn by what was reserved, also not by several processes, and days are the zone's."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ai.budget import LONGEST_DAY, DaySpending, Refused, Spending, day_of, refusal

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
TOMORROW = datetime(2026, 3, 3, tzinfo=UTC)
ALL = Fraction(1)


def refused(most: int | None, limit: int | None = 100, share: Fraction = ALL, **day: int) -> Refused | None:
    return refusal(most, limit=limit, day=DaySpending(**day), share=share, resumes_at=TOMORROW)


@pytest.mark.parametrize(
    ("day", "fits"),
    [
        ({}, 100),
        ({"known": 60}, 40),
        ({"unread": 60}, 40),
        ({"reserved": 60}, 40),
        ({"known": 20, "unread": 20, "reserved": 20}, 40),
    ],
)
def test_what_is_spent_or_reserved_is_gone(day: dict[str, Any], fits: int) -> None:
    assert refused(fits, **day) is None
    assert refused(fits + 1, **day) is not None


def test_over_budget_waits_for_the_next_day() -> None:
    assert refused(41, known=60) == Refused(reason="over_budget", resumes_at=TOMORROW)


def test_room_that_is_only_reserved_may_be_free_again_in_a_moment() -> None:
    assert refused(41, reserved=60) == Refused(reason="over_budget", resumes_at=None)
    assert refused(41, known=50, reserved=10, unread=10) == Refused(reason="over_budget", resumes_at=TOMORROW)


def test_a_share_is_not_used_up_for_the_day_before_its_own_spending_is_read_back() -> None:
    half = Fraction(1, 2)
    assert refused(20, unread=45, share=half) == Refused(reason="over_budget", resumes_at=None)
    assert refused(20, known=45, share=half) is None
    assert refused(28, unread=45, share=half) == Refused(reason="over_budget", resumes_at=TOMORROW)


def test_a_process_hands_out_its_share_of_the_rest() -> None:
    half = Fraction(1, 2)
    assert refused(20, known=60, share=half) is None
    assert refused(21, known=60, share=half) is not None


def test_a_budget_that_can_not_be_kept_lets_nothing_through() -> None:
    assert refused(None) == Refused(reason="price_unknown", resumes_at=None)


@pytest.mark.parametrize(("most", "limit", "known"), [(10**9, None, 10**9), (None, None, 0), (0, 100, 10**9)])
def test_without_a_budget_or_a_price_to_pay_there_is_nothing_to_refuse(
    most: int | None, limit: int | None, known: int
) -> None:
    assert refused(most, limit, known=known) is None


def test_a_day_is_the_workspaces() -> None:
    start, end = day_of(NOW, "America/New_York")
    assert (start.isoformat(), end.isoformat()) == ("2026-03-02T00:00:00-05:00", "2026-03-03T00:00:00-05:00")
    # 02:00 UTC of the next day is still the same day in New York.
    assert day_of(NOW + timedelta(hours=11), "America/New_York") == (start, end)
    assert day_of(NOW + timedelta(hours=14), "America/New_York")[0] == end


def test_the_longest_day_is_an_hour_longer_than_others() -> None:
    start, end = day_of(datetime(2026, 11, 1, 15, tzinfo=UTC), "America/New_York")
    assert end.astimezone(UTC) - start.astimezone(UTC) == LONGEST_DAY


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu", "Australia/Eucla"])
def test_spending_counts_from_any_zones_midnight(zone: str) -> None:
    start, end = day_of(NOW, zone)
    spending = Spending()
    for at, amount in ((start, 1), (end - timedelta(microseconds=1), 10), (start - timedelta(microseconds=1), 100)):
        spending.add("acme", at, amount)
    spending.add("other", start, 1000)
    assert spending.since("acme", start) == 11
    assert spending.since("acme", end) == 0
    spending.forget_before(start)
    assert spending.since("acme", start - timedelta(days=1)) == 11


Steps = st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(0, 80), st.booleans()), max_size=60)


@given(Steps)
def test_processes_together_never_overdraw_what_they_have_all_read(
    steps: list[tuple[int, bool, int, bool]],
) -> None:
    """Three workers with a third each reserve, settle at no more than reserved, and read what all have spent."""
    known = 0
    unread, reserved = [0, 0, 0], [0, 0, 0]
    for worker, settles, amount, reads in steps:
        if settles:
            unread[worker] += min(amount, reserved[worker])
            reserved[worker] = 0
        else:
            day = DaySpending(known=known, unread=unread[worker], reserved=reserved[worker])
            if refusal(amount, limit=100, day=day, share=Fraction(1, 3), resumes_at=TOMORROW) is None:
                reserved[worker] += amount
        if reads:
            known, unread = known + sum(unread), [0, 0, 0]
        assert known + sum(unread) + sum(reserved) <= 100
