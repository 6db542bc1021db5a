"""Moments on the command line mean one thing each."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from operations.cli.moments import duration, moment, window

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T09:30", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01 09:30:15.5", datetime(2026, 3, 1, 9, 30, 15, 500_000, tzinfo=UTC)),
        ("2026-03-01T09:30+01:00", datetime(2026, 3, 1, 8, 30, tzinfo=UTC)),
        ("2026-03-01T09:30Z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("90s", NOW - timedelta(seconds=90)),
        ("15m", NOW - timedelta(minutes=15)),
        ("2h", NOW - timedelta(hours=2)),
        ("3d", NOW - timedelta(days=3)),
    ],
)
def test_a_moment(text: str, expected: datetime) -> None:
    assert moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "15", "2026-13-01", "999999999d", "0001-01-01T00:00+05:00"])
def test_what_is_none_is_refused_with_examples(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="2026-03-02"):
        moment(text, NOW)


def test_a_window_may_be_open_but_not_empty() -> None:
    assert window(None, None, NOW) == (None, None)
    assert window("2h", "1h", NOW) == (NOW - timedelta(hours=2), NOW - timedelta(hours=1))
    with pytest.raises(typer.BadParameter, match="not before"):
        window("1h", "2h", NOW)


@pytest.mark.parametrize("text", ["", "2", "2w", "-2h", "1234567890s", "2026-03-01"])
def test_no_duration(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        duration(text)
