"""Offsets that are wanted are all within the ranges that are read, and no range begins or ends beside one."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from headrace.kafka.log_offsets import LogRange
from headrace.kafka.log_records import runs_of


@given(st.sets(st.integers(0, 5_000)))
def test_ranges_hold_every_offset_and_touch_none_twice(offsets: set[int]) -> None:
    runs = runs_of(offsets)
    assert {offset for run in runs for offset in range(run.start, run.end)} >= offsets
    assert all(run.start in offsets and run.end - 1 in offsets for run in runs)
    assert all(before.end < after.start for before, after in pairwise(runs))


def test_near_ones_share_a_range_and_far_ones_do_not() -> None:
    assert runs_of([7, 3, 150]) == [LogRange(3, 151)]
    assert runs_of([3, 5_000, 4]) == [LogRange(3, 5), LogRange(5_000, 5_001)]
    assert runs_of([]) == []
