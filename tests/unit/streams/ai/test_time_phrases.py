"""Days, times of day and which belong together."""

from collections.abc import Callable
from datetime import date, time

import pytest

from streams.ai.time_phrases import clocks, days, moments, names_zone

MONDAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tuesday", [date(2026, 3, 3)]),
        ("monday", [date(2026, 3, 9)]),
        ("today or tomorrow", [date(2026, 3, 2), date(2026, 3, 3)]),
        ("Thursday 26th", [date(2026, 3, 26)]),
        ("Dienstag, 10. März", [date(2026, 3, 10)]),
        ("March 1", [date(2027, 3, 1)]),
        ("the 31st", [date(2026, 3, 31)]),
        ("2026-03-10", [date(2026, 3, 10)]),
        ("3/4", [date(2026, 3, 4), date(2026, 4, 3)]),
        ("20.03.2026", [date(2026, 3, 20)]),
        ("12 de mayo de 2026", [date(2026, 5, 12)]),
        ("30 February", []),
        ("mon ami", []),
        ("we are 12 people, 24/7, 50% off, $3/4", []),
    ],
)
def test_days(text: str, expected: list[date]) -> None:
    assert [day for mention in days(text) for day in mention.dates(MONDAY)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4pm", (time(16),)),
        ("8:30 a.m.", (time(8, 30),)),
        ("14:30", (time(14, 30),)),
        ("2:30", (time(2, 30), time(14, 30))),
        ("14 Uhr", (time(14),)),
        ("17h", (time(17),)),
        ("17h30", (time(17, 30),)),
        ("at 4", (time(4), time(16))),
        ("noon", (time(12),)),
    ],
)
def test_clock_times(text: str, expected: tuple[time, ...]) -> None:
    assert [clock.readings for clock in clocks(text)] == [expected]


@pytest.mark.parametrize("text", ["at 5 locations", "1:1", "4 people", "ratio 10:99", "room 12", "$4.50"])
def test_numbers_that_are_no_times(text: str) -> None:
    assert clocks(text) == []


def test_times_go_with_their_days() -> None:
    found = moments("blocked until Thursday, but I can do 4pm Thursday or 9am Friday. Or Monday at noon")
    pairs = [
        (m.day.dates(MONDAY)[0].day if m.day else None, m.clock.readings[0].hour if m.clock else None) for m in found
    ]
    assert pairs == [(5, None), (5, 16), (6, 9), (9, 12)]


def test_weekday_and_date_are_compared() -> None:
    assert days("Tuesday, March 10")[0].weekday_agrees(MONDAY)
    assert not days("Wednesday, March 10")[0].weekday_agrees(MONDAY)


@pytest.mark.parametrize("text", ["3pm ET", "10:00 CET", "at 4 your time", "14:00 UTC", "9 Berlin time", "+01:00"])
def test_zones(text: str) -> None:
    assert names_zone(text)


def test_no_zone() -> None:
    assert not names_zone("Thursday at 3pm, ETA unknown")


@pytest.mark.parametrize("read", [days, clocks, moments])
def test_what_is_done_with_the_found_does_not_change_what_is_found_next(read: Callable[[str], list[object]]) -> None:
    found = read("Tuesday at 4pm")
    found.clear()
    assert len(read("Tuesday at 4pm")) == 1
