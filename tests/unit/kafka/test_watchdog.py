"""A worker is stuck when it is behind and its position stands still for longer than the limit."""

from headrace.kafka.faust.watchdog import Standing, stuck_partitions

PLACE = ("messages", 0)
OTHER = ("messages", 1)


def test_behind_and_still_for_too_long_is_stuck() -> None:
    standing: dict[tuple[str, int], Standing] = {}
    assert stuck_partitions({PLACE: 5}, {PLACE: 9}, standing, now=0, limit=60) == []
    assert stuck_partitions({PLACE: 5}, {PLACE: 9}, standing, now=60, limit=60) == []
    assert stuck_partitions({PLACE: 5}, {PLACE: 9}, standing, now=61, limit=60) == [PLACE]


def test_moving_is_not_stuck() -> None:
    standing: dict[tuple[str, int], Standing] = {}
    for step in range(20):
        assert stuck_partitions({PLACE: step}, {PLACE: 99}, standing, now=step * 30, limit=60) == []


def test_caught_up_is_not_stuck_and_starts_the_clock_anew() -> None:
    standing: dict[tuple[str, int], Standing] = {}
    stuck_partitions({PLACE: 9}, {PLACE: 9}, standing, now=0, limit=60)
    assert stuck_partitions({PLACE: 9}, {PLACE: 9}, standing, now=500, limit=60) == []
    assert stuck_partitions({PLACE: 9}, {PLACE: 10}, standing, now=510, limit=60) == []


def test_assigned_but_never_read_is_stuck_when_there_is_something_to_read() -> None:
    standing: dict[tuple[str, int], Standing] = {}
    unread = {PLACE: 0, OTHER: 0}
    stuck_partitions(unread, {PLACE: 3, OTHER: 0}, standing, now=0, limit=60)
    assert stuck_partitions(unread, {PLACE: 3, OTHER: 0}, standing, now=100, limit=60) == [PLACE]


def test_a_partition_that_went_away_is_forgotten() -> None:
    standing: dict[tuple[str, int], Standing] = {}
    stuck_partitions({PLACE: 5}, {PLACE: 9}, standing, now=0, limit=60)
    stuck_partitions({}, {}, standing, now=30, limit=60)
    assert stuck_partitions({PLACE: 5}, {PLACE: 9}, standing, now=100, limit=60) == []
