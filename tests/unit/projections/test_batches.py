"""Batches cut smaller are the same batch, and only what continues the projection is new."""

from hypothesis import given
from hypothesis import strategies as st

from headrace.events.records import Record
from projections.writing.batches import continuing, count, pieces


def records(partition: int, *offsets: int) -> list[Record]:
    return [Record("jobs", partition, offset, b"k", b"{}", [], 0) for offset in offsets]


@given(sizes=st.lists(st.integers(1, 9), max_size=4), most=st.integers(1, 12))
def test_pieces_are_the_batch_in_order_and_no_larger_than_wanted(sizes: list[int], most: int) -> None:
    batch = {("jobs", number): records(number, *range(size)) for number, size in enumerate(sizes)}
    cut = list(pieces(batch, most))
    assert all(1 <= count(piece) <= most for piece in cut)
    assert len(cut) == -(-sum(sizes) // most), "no piece is smaller than it must be"
    assert {place: [r for piece in cut for r in piece.get(place, [])] for place in batch} == batch


def test_a_partition_nobody_knows_begins_at_zero_or_where_its_oldest_record_was() -> None:
    place = ("jobs", 0)
    assert continuing({place: records(0, 0, 1)}, {}, {})[1] == []
    (conflict,) = continuing({place: records(0, 5, 6)}, {}, {})[1]
    assert (conflict.stored, conflict.expected, conflict.offered) == (None, 0, 5)
    assert continuing({place: records(0, 5, 6)}, {}, {place: 5})[1] == []
    assert continuing({place: records(0, 5, 6)}, {place: 6}, {place: 5})[0] == {place: records(0, 6)}
