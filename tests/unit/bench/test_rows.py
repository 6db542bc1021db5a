"""A row counts as visible from the first reading that shows its offset behind the projection's position."""

import pytest

from bench.rows import Row, Timeline, delays


def test_an_offset_is_visible_from_the_first_reading_past_it() -> None:
    timeline = Timeline()
    timeline.note(1.0, [(0, 0), (1, 5)])
    timeline.note(2.0, [(0, 3), (1, 5)])
    timeline.note(3.0, [(0, 3), (1, 9)])
    assert [timeline.passed(0, offset) for offset in (0, 2)] == [2.0, 2.0]
    assert [timeline.passed(1, offset) for offset in (4, 5, 8)] == [1.0, 3.0, 3.0]


def test_what_no_reading_showed_is_an_error() -> None:
    timeline = Timeline()
    timeline.note(1.0, [(0, 3)])
    with pytest.raises(KeyError):
        timeline.passed(0, 3)
    with pytest.raises(KeyError):
        timeline.passed(1, 0)


def test_delays_count_from_when_a_webhook_was_due() -> None:
    rows = [Row(8, 12.5), Row(7, 12.0), Row(99, 13.0)]
    assert delays(rows, {7: 10.0, 8: 10.25}) == [(10.0, 2.0), (10.25, 2.25)]
