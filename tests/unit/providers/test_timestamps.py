"""Times of providers in all their spellings."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.providers.timestamps import read_time, zone_named

NOW = datetime(2026, 3, 2, 15, 5, tzinfo=UTC)
CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(
    "value",
    [
        1772450000,
        1772450000.0,
        "1772450000",
        1772450000000,
        "1772450000000",
        1772450000000000,
        "2026-03-02T11:13:20Z",
        "2026-03-02T11:13:20.000000Z",
        "2026-03-02 11:13:20",
        "2026-03-02T06:13:20-05:00",
        "Mon, 02 Mar 2026 11:13:20 +0000",
        "Mon, 2 Mar 2026 06:13:20 EST",
        "March 2, 2026 11:13:20 AM",
    ],
)
def test_every_spelling_of_one_moment(value: object) -> None:
    assert read_time(value, NOW) == datetime(2026, 3, 2, 11, 13, 20, tzinfo=UTC)


def test_a_time_without_a_zone_is_read_in_the_given_one() -> None:
    assert read_time("03/02/2026 9:04 AM", NOW, CHICAGO) == datetime(2026, 3, 2, 15, 4, tzinfo=UTC)
    assert read_time("02/03/2026 09:04", NOW, CHICAGO, day_first=True) == datetime(2026, 3, 2, 15, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        [],
        {},
        "",
        "soon",
        "9:04 AM",
        "Mar 2026",
        "10",
        0,
        12,
        -5,
        "1999-12-31T23:00:00Z",
        1e300,
        "9" * 300,
        "2026-03-05T00:00:00Z",
        float("nan"),
        float("inf"),
        10**400,
    ],
)
def test_what_is_incomplete_or_absurd_is_no_time(value: object) -> None:
    assert read_time(value, NOW) is None


@given(st.text(max_size=70) | st.floats() | st.integers())
@settings(deadline=None)
def test_no_value_is_too_odd(value: object) -> None:
    found = read_time(value, NOW)
    assert found is None or found.tzinfo is UTC


def test_unknown_zones_are_utc() -> None:
    assert zone_named("Nowhere/Nothing") is UTC
    assert zone_named("../etc/passwd") is UTC
    assert zone_named("America/Chicago") == CHICAGO
