"""Speed, time left and standing still, from readings alone."""

import msgspec

from headrace.kafka.log_offsets import LogRange
from operations.versions.status import STALE_SECONDS, ProjectionStatus, Reading, StatusOverTime

TOPICS = {"leads": "t.messages", "jobs": "t.jobs"}


def reading(at: float, positions: dict[int, int], end: int = 1000, age: float = 1.0) -> Reading:
    """Both partitions of `leads` end at the same offset; `jobs` has nothing to do."""
    return Reading(
        at=at,
        ranges={
            ("t.messages", 0): LogRange(0, end),
            ("t.messages", 1): LogRange(0, end),
            ("t.jobs", 0): LogRange(5, 5),
        },
        positions={
            **{("leads", ("t.messages", partition)): (offset, age) for partition, offset in positions.items()},
            ("jobs", ("t.jobs", 0)): (5, age),
        },
        observed={},
        letters={"leads": 2},
    )


def leads(*readings: Reading) -> ProjectionStatus:
    together = StatusOverTime(TOPICS)
    taken = [together.take(one) for one in readings]
    assert all(one.standing_seconds is None and one.lag == 0 for _, one in taken), "jobs have nothing to do"
    return taken[-1][0]


def test_one_reading_knows_no_speed() -> None:
    status = leads(reading(10, {0: 400, 1: 900}))
    assert (status.lag, status.open_dead_letters) == (700, 2)
    assert (status.events_per_second, status.eta_seconds, status.standing_seconds) == (None, None, None)
    assert status.is_well


def test_the_time_left_counts_what_comes_meanwhile() -> None:
    status = leads(reading(10, {0: 400, 1: 900}), reading(12, {0: 600, 1: 1000}, end=1050))
    assert (status.events_per_second, status.lag) == (150.0, 500)
    assert status.eta_seconds == 5.0, "the lag went from 700 to 500 in two seconds"
    losing = leads(reading(10, {0: 400, 1: 900}), reading(12, {0: 410, 1: 910}, end=1100))
    assert (losing.events_per_second, losing.eta_seconds) == (10.0, None)
    assert leads(reading(10, {0: 990, 1: 990}), reading(12, {0: 1000, 1: 1000})).eta_seconds == 0.0


def test_a_partition_that_is_behind_and_does_not_move_is_seen_beside_one_that_does() -> None:
    stuck = leads(reading(10, {0: 400, 1: 500}), reading(12, {0: 400, 1: 700}), reading(15, {0: 400, 1: 900}))
    assert (stuck.standing_seconds, stuck.is_stale, stuck.is_well) == (5.0, False, False)
    moved = leads(reading(10, {0: 400, 1: 500}), reading(12, {0: 400, 1: 700}), reading(15, {0: 401, 1: 900}))
    assert (moved.standing_seconds, moved.is_well) == (None, True)


def test_who_has_nothing_to_do_does_not_stand_still() -> None:
    assert leads(reading(10, {0: 1000, 1: 1000}), reading(12, {0: 1000, 1: 1000})).is_well
    came = leads(reading(10, {0: 1000, 1: 1000}), reading(12, {0: 1000, 1: 1000}, end=1001))
    assert (came.lag, came.is_well) == (2, True), "which came a moment ago"


def test_a_projection_that_is_dead_is_stale_and_not_standing() -> None:
    dead = leads(reading(10, {0: 4, 1: 5}, age=STALE_SECONDS), reading(12, {0: 4, 1: 5}, age=STALE_SECONDS + 2))
    assert (dead.is_stale, dead.standing_seconds, dead.is_well) == (True, None, False)
    never = leads(reading(10, {0: 4}), reading(12, {0: 4}))
    assert (never.heartbeat_age_seconds, never.is_stale) == (None, True)


def test_the_speed_is_that_of_the_last_half_minute() -> None:
    slow = [reading(second, {0: second, 1: 0}, end=100_000) for second in range(0, 60, 2)]
    fast = [reading(60 + second, {0: 60 + 100 * second, 1: 0}, end=100_000) for second in range(0, 42, 2)]
    assert leads(*slow, *fast).events_per_second == 100.0


def test_rows_of_records_that_the_log_has_lost_are_told_by_the_position_of_the_reading_before() -> None:
    together = StatusOverTime(TOPICS)
    first = together.take(reading(0, {0: 1000, 1: 900}, end=900))[0]
    assert first.beyond_end == 0, "the end was read before the position"
    lost = together.take(reading(2, {0: 1000, 1: 900}, end=900))[0]
    assert (lost.beyond_end, lost.is_well, lost.lag) == (100, False, 0)
    grown = together.take(reading(4, {0: 1100, 1: 1050}, end=1050))[0]
    assert grown.beyond_end == 0


def test_a_projection_is_late_by_the_age_of_its_oldest_record_however_few_there_are() -> None:
    part = ("leads", ("t.messages", 0))
    behind = reading(10, {0: 999, 1: 1000})
    soon = leads(msgspec.structs.replace(behind, waiting={part: 60.0}))
    assert (soon.oldest_seconds, soon.is_late, soon.is_well) == (60.0, False, True)
    late = leads(msgspec.structs.replace(behind, waiting={part: 60.1}))
    assert (late.lag, late.is_late, late.is_well) == (1, True, False)
