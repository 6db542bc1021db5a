"""A log that lost its end is noticed by its length, and by the time once it has grown again."""

import pytest

from projections.writing.cut_log import Cut, LogCut, find_cuts, later_than
from projections.writing.positions import Projected

PLACE = ("jobs", 0)
AT = {PLACE: Projected(next_offset=100, newest_ms=5_000)}


@pytest.mark.parametrize(
    ("end", "first_later", "first_lost"),
    [
        pytest.param(100, None, None, id="all is there"),
        pytest.param(130, 100, None, id="there is more to come"),
        pytest.param(130, 110, None, id="more came in the same millisecond"),
        pytest.param(80, None, 80, id="the end is gone"),
        pytest.param(95, 80, 80, id="the end is gone, and new records came"),
        pytest.param(130, 80, 80, id="the log has grown beyond the position again"),
        pytest.param(0, None, 0, id="the topic was made anew"),
    ],
)
def test_what_was_lost(end: int, first_later: int | None, first_lost: int | None) -> None:
    expected = [] if first_lost is None else [Cut("jobs", 0, first_lost, 100, end)]
    assert find_cuts(AT, {PLACE: end}, {PLACE: first_later}) == expected


def test_partitions_of_others_are_not_judged() -> None:
    assert find_cuts(AT, {}, {}) == []


def test_the_log_is_asked_for_what_came_later_than_the_newest_projected_record() -> None:
    assert later_than(AT) == {PLACE: 5_001}


def test_the_message_says_what_to_do() -> None:
    message = str(LogCut([Cut("jobs", 0, 80, 100, 130)]))
    assert "jobs[0] lost what it had from offset 80 on" in message
    assert "`headrace proj truncated`" in message
