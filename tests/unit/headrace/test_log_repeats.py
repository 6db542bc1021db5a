"""Repeats of libraries are thinned out; nothing of ours ever is."""

import logging

from headrace.log_repeats import QUIET_SECONDS, RepeatFilter


def record(name: str, message: str, at: float, *arguments: object) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.ERROR, "", 0, message, arguments, None)
    made.created = at
    return made


def test_a_repeat_within_the_quiet_time_is_held_back_and_counted() -> None:
    repeats = RepeatFilter(("aiokafka",))
    assert repeats.filter(record("aiokafka.conn", "node %s is away", 0, 1))
    assert not repeats.filter(record("aiokafka.conn", "node %s is away", 1, 2))
    assert not repeats.filter(record("aiokafka.conn", "node %s is away", QUIET_SECONDS - 0.1, 1))
    later = record("aiokafka.conn", "node %s is away", QUIET_SECONDS, 3)
    assert repeats.filter(later)
    assert later.getMessage() == "node 3 is away (2 more like this)"


def test_other_kinds_pass() -> None:
    repeats = RepeatFilter(("aiokafka",))
    assert repeats.filter(record("aiokafka.conn", "node %s is away", 0, 1))
    assert repeats.filter(record("aiokafka.conn", "node %s is back", 0, 1))
    assert repeats.filter(record("aiokafka.fetcher", "node %s is away", 0, 1))


def test_our_own_lines_always_pass() -> None:
    repeats = RepeatFilter(("aiokafka",))
    assert all(repeats.filter(record("headrace.kafka.faust.worker", "agent.hole", 0)) for _ in range(3))
