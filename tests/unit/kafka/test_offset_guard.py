"""The hole check: whatever was skipped or repeated on the way, every offset is handed out exactly once, in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.events.records import Record
from headrace.kafka.faust.offset_guard import Hole, OffsetGuard, TailWatch

PLACE = ("webhooks.ghl", 3)


def records(*offsets: int) -> list[Record]:
    return [Record(PLACE[0], PLACE[1], offset, b"k", b"v", [], 0) for offset in offsets]


def guard_at(offset: int) -> OffsetGuard:
    guard = OffsetGuard()
    guard.start(PLACE, offset)
    return guard


def test_a_batch_that_follows_on_has_no_hole() -> None:
    checked = guard_at(5).check(PLACE, records(5, 6, 7))
    assert checked.holes == []
    assert [record.offset for record in checked.records] == [5, 6, 7]


def test_a_jump_between_batches_is_a_hole() -> None:
    checked = guard_at(5).check(PLACE, records(9, 10))
    assert checked.holes == [Hole("webhooks.ghl", 3, start=5, end=9)]


def test_a_jump_right_after_the_committed_offset_is_a_hole() -> None:
    assert guard_at(0).check(PLACE, records(1)).holes == [Hole("webhooks.ghl", 3, start=0, end=1)]


def test_what_was_done_before_is_dropped() -> None:
    checked = guard_at(7).check(PLACE, records(5, 6, 7, 8))
    assert checked.holes == []
    assert [record.offset for record in checked.records] == [7, 8]


def test_checking_alone_moves_nothing() -> None:
    guard = guard_at(5)
    guard.check(PLACE, records(5, 6))
    assert guard.positions() == {PLACE: 5}


def test_jumps_inside_a_batch_are_holes_too() -> None:
    checked = guard_at(5).check(PLACE, records(5, 6, 9, 9, 8, 12))
    assert checked.holes == [Hole("webhooks.ghl", 3, 7, 9), Hole("webhooks.ghl", 3, 10, 12)]
    assert [record.offset for record in checked.records] == [5, 6, 9, 12]


def test_a_partition_must_be_started_again_after_a_reset() -> None:
    guard = guard_at(5)
    guard.reset()
    assert not guard.knows(PLACE)
    with pytest.raises(KeyError):
        guard.check(PLACE, records(5))


@given(
    st.integers(0, 50),
    st.lists(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 8)), min_size=1, max_size=3), max_size=20),
)
def test_every_offset_is_handed_out_once_and_in_order(start: int, batches: list[list[tuple[int, int]]]) -> None:
    guard = guard_at(start)
    seen: list[int] = []
    for fetches in batches:
        checked = guard.check(PLACE, records(*(o for first, length in fetches for o in range(first, first + length))))
        skipped = [offset for hole in checked.holes for offset in range(hole.start, hole.end)]
        seen.extend(sorted([*skipped, *(record.offset for record in checked.records)]))
        if checked.records:
            guard.advance(PLACE, checked.records[-1].offset + 1)
    assert seen == list(range(start, start + len(seen)))


def test_what_is_lost_at_the_end_is_found_at_the_second_look() -> None:
    watch = TailWatch()
    assert watch.holes({PLACE: 5}, {PLACE: 8}) == []
    assert watch.holes({PLACE: 5}, {PLACE: 9}) == [Hole(*PLACE, 5, 8)], "what came since may be on its way"
    assert watch.holes({PLACE: 8}, {PLACE: 9}) == [], "it moved"
    assert watch.holes({PLACE: 9}, {PLACE: 9}) == [], "nothing is missing"


def test_a_partition_that_went_away_is_seen_anew() -> None:
    watch = TailWatch()
    watch.holes({PLACE: 5}, {PLACE: 8})
    watch.holes({}, {})
    assert watch.holes({PLACE: 5}, {PLACE: 8}) == []
