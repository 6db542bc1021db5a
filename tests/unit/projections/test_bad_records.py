"""The limits that keep a broken projector from draining the log into dead letters."""

import pytest

from headrace.events.records import Record
from projections.writing.bad_records import BadRecordFound, BadStreaks, TooManyBadRecords, found_bad

PLACE = ("messages", 0)


def batch(start: int, count: int, topic: str = "messages") -> list[Record]:
    return [Record(topic, 0, offset, b"", b"", [], 0) for offset in range(start, start + count)]


def bad(*records: Record) -> list[BadRecordFound]:
    return [BadRecordFound("leads", record, "BadRecord", "broken") for record in records]


@pytest.mark.parametrize(("count", "broken", "stops"), [(50, 10, False), (50, 11, True), (49, 40, False)])
def test_a_fifth_of_a_large_batch_may_be_bad(count: int, broken: int, stops: bool) -> None:
    records = batch(0, count)
    # Spread out, so that the streak is not what stops it.
    found = bad(*records[:broken])
    if stops:
        with pytest.raises(TooManyBadRecords, match=f"{broken} of {count}"):
            BadStreaks().after({PLACE: records}, found)
    else:
        BadStreaks().after({PLACE: records}, found)


def test_one_topic_does_not_hide_in_the_batch_of_another() -> None:
    good, broken = batch(0, 1000, "receipts"), batch(0, 50)
    with pytest.raises(TooManyBadRecords):
        BadStreaks().after({("receipts", 0): good, PLACE: broken}, bad(*broken[::2]))


def test_a_streak_counts_across_committed_batches_only() -> None:
    streaks = BadStreaks()
    first, second = batch(0, 40), batch(40, 10)
    for _ in range(3):
        after = streaks.after({PLACE: first}, bad(*first))
    streaks.keep(after)
    with pytest.raises(TooManyBadRecords):
        streaks.after({PLACE: second}, bad(*second))
    # A good record in between ends it.
    streaks.after({PLACE: second}, bad(*second[1:]))


def test_the_reason_of_an_unwritable_value_does_not_quote_it() -> None:
    try:
        "secret \ud800".encode()
    except UnicodeEncodeError as error:
        found = found_bad("leads", batch(0, 1)[0], error)
    assert "secret" not in found.reason
    assert found.error_class == "UnicodeEncodeError"


def test_reasons_are_printable() -> None:
    found = found_bad("leads", batch(0, 1)[0], ValueError("a\x00b\nc\ud800"))
    assert found.reason == "a?b?c?"
