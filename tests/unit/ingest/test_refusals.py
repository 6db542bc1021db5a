"""A refusal is a count and at most a line, however many there are and whatever is in them."""

from datetime import UTC, datetime

import structlog

from ingest.problems import body_too_large, unproven
from ingest.refusals import (
    LARGEST_LOOK,
    MOST_KINDS,
    MOST_LINES,
    MOST_LOOKS,
    QUIET_WINDOWS,
    UNEXPLAINED,
    RefusalRecorder,
    RefusedBecause,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROUTE = "/webhooks/ghl"
KNOWN = RefusedBecause("location_id=L1", "acme has no secret for ghl")


def test_a_kind_is_told_once_and_counted_always() -> None:
    recorder = RefusalRecorder(START)
    with structlog.testing.capture_logs() as lines:
        for _ in range(50):
            recorder.note(ROUTE, unproven(), KNOWN)
        (event,) = recorder.close_window(START, "host:1")
        for _ in range(QUIET_WINDOWS - 1):
            recorder.note(ROUTE, unproven(), KNOWN)
            recorder.close_window(START, "host:1")
        assert len(lines) == 1
        recorder.note(ROUTE, unproven(), KNOWN)
    assert (event.count, event.status, event.reason, event.account) == (50, 401, "unproven-sender", "location_id=L1")
    assert [(line["log_level"], line["account"], line["why"]) for line in lines] == [("warning", *KNOWN)] * 2


def test_a_flood_of_kinds_is_bounded_in_memory_lines_and_looks() -> None:
    recorder = RefusalRecorder(START)
    looks = 0

    def explain() -> RefusedBecause:
        nonlocal looks
        looks += 1
        return KNOWN

    with structlog.testing.capture_logs() as lines:
        for number in range(10 * MOST_KINDS):
            recorder.note(ROUTE, unproven(), RefusedBecause(f"location_id={number}"))
            recorder.look(10, explain)
    events = recorder.close_window(START, "host:1")
    assert (len(lines), looks) == (MOST_LINES, MOST_LOOKS)
    assert len(events) == MOST_KINDS + 1
    assert sum(event.count for event in events) == 10 * MOST_KINDS
    assert recorder.look(10, explain) == KNOWN, "the next window has looks of its own"
    assert recorder.look(LARGEST_LOOK + 1, explain) == UNEXPLAINED


def test_a_strangers_word_can_neither_forge_a_line_nor_fill_one() -> None:
    recorder = RefusalRecorder(START)
    recorder.note(ROUTE, body_too_large(9), RefusedBecause("workspace=a\nb\x1b[31m" + "x" * 500))
    (event,) = recorder.close_window(START, "host:1")
    assert event.account.startswith("workspace=a?b?[31mxxx")
    assert len(event.account) == 80
