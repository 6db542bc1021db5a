"""What stands behind a position, and since when."""

from datetime import UTC, datetime

from headrace.kafka.backlogs import backlog, unread_of
from headrace.kafka.log_offsets import LogRange
from headrace.stages import LOG_STAGES

EARLY, LATE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC), datetime(2026, 3, 2, 9, 5, tzinfo=UTC)


def test_what_was_read_and_what_retention_took_is_not_unread() -> None:
    ranges = {("t", partition): LogRange(10, 20) for partition in range(5)}
    unread = unread_of(ranges, {("t", 0): 20, ("t", 1): 25, ("t", 2): 15, ("t", 3): 4})
    assert unread == {("t", 2): LogRange(15, 20), ("t", 3): LogRange(10, 20), ("t", 4): LogRange(10, 20)}


def test_a_stage_is_as_old_as_the_oldest_of_its_partitions() -> None:
    unread = {("t", 0): LogRange(0, 5), ("t", 1): LogRange(7, 8), ("other", 0): LogRange(0, 100)}
    oldest = {("t", 0): LATE, ("t", 1): EARLY, ("other", 0): datetime(2020, 1, 1, tzinfo=UTC)}
    found = backlog(LOG_STAGES[0], {"t"}, unread, oldest)
    assert (found.unread, found.oldest_at) == (6, EARLY)
    nothing = backlog(LOG_STAGES[0], {"t"}, {}, {})
    assert (nothing.unread, nothing.oldest_at) == (0, None)
