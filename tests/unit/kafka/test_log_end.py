"""A log that ends below a position, or was written anew below it, is noticed; one that only seems short is not."""

import asyncio

import pytest
from faust.types import TP

from headrace.events.records import Record
from headrace.kafka.faust.following import Follower
from headrace.kafka.faust.log_end import SET_ROWS_BACK, LogEnds, Truncated
from headrace.kafka.faust.offset_guard import OffsetGuard
from headrace.kafka.truncation import appended_ms, commit_metadata, cut_offset
from headrace.settings import Settings
from tests.unit.kafka.fake_broker import Broker, process_nothing
from tests.unit.kafka.quiet_app import quiet_app

PLACE = ("jobs", 1)


@pytest.mark.parametrize(
    ("position", "end", "first_later", "cut"),
    [
        (5, 5, None, None),
        (5, 9, 5, None),
        # Appended meanwhile, and not yet done.
        (5, 9, 7, None),
        (5, 3, None, 3),
        # Cut at 2, then written anew: below the position, up to it, beyond it.
        (5, 3, 2, 2),
        (5, 5, 2, 2),
        (5, 9, 2, 2),
        (5, 0, None, 0),
    ],
)
def test_where_a_log_was_cut(position: int, end: int, first_later: int | None, cut: int | None) -> None:
    assert cut_offset(position, end, first_later) == cut


@pytest.mark.parametrize(("metadata", "ms"), [("", None), (None, None), ("1000\0", 1000), ("by hand", None)])
def test_the_time_in_a_commit(metadata: str | None, ms: int | None) -> None:
    assert appended_ms(metadata) == ms
    assert appended_ms(commit_metadata(ms)) == ms


def test_one_short_look_may_be_a_new_leader_that_lags() -> None:
    ends = LogEnds()
    assert ends.shorter({PLACE: 5}, {PLACE: 4}) is None
    assert ends.shorter({PLACE: 5}, {PLACE: 5}) is None
    assert ends.shorter({PLACE: 5}, {PLACE: 4}) is None
    assert ends.shorter({PLACE: 5}, {PLACE: 4}) == PLACE


def test_what_to_do_is_the_command_that_holds_the_positions() -> None:
    assert "group has read jobs[1] up to offset 5, but the log was cut at 4" in str(Truncated(PLACE, 5, 4, "group"))
    assert "`headrace topics truncated --execute`" in str(Truncated(PLACE, 5, 4, "group"))
    assert "`headrace proj truncated --execute`" in str(Truncated(PLACE, 5, 4, "group", SET_ROWS_BACK))


@pytest.mark.parametrize(
    ("end", "metadata", "later"),
    [(4, "", []), (4, "1000\0", []), (9, "1000\0", [3])],
    ids=["too short", "too short, with a time", "written anew beyond the position"],
)
async def test_a_partition_that_was_cut_is_refused_when_it_is_assigned(
    end: int, metadata: str, later: list[int]
) -> None:
    broker = Broker([TP(*PLACE)])
    broker.end, broker.metadata, broker.later = end, metadata, later
    follower = Follower(quiet_app(consumer=broker), Settings(), "execute", frozenset({"jobs"}), process_nothing)
    with pytest.raises(Truncated):
        await follower.position(PLACE)


async def test_what_was_appended_after_the_commit_is_no_cut() -> None:
    broker = Broker([TP(*PLACE)])
    broker.metadata, broker.later = "1000\0", [5]
    follower = Follower(quiet_app(consumer=broker), Settings(), "execute", frozenset({"jobs"}), process_nothing)
    assert await follower.position(PLACE) == 5
    assert follower.guard.appended_ms(PLACE) == 1000
    await asyncio.sleep(0)


def record(offset: int, timestamp_ms: int) -> Record:
    return Record("jobs", 1, offset, b"k", b"v", [], timestamp_ms)


def test_only_a_record_that_was_appended_later_stands_at_a_reused_offset() -> None:
    guard = OffsetGuard()
    guard.start(PLACE, 0)
    done = [record(0, 100), record(1, 300), record(2, 200)]
    guard.advance(PLACE, 3, done)
    assert guard.reused(PLACE, done) is None
    assert guard.reused(PLACE, [record(3, 400)]) is None
    assert guard.reused(PLACE, [record(1, 301)]) == record(1, 301)
    guard.reset()
    guard.start(PLACE, 3)
    assert guard.reused(PLACE, [record(1, 301)]) is None
