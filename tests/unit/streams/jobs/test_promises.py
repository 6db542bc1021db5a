"""What is to happen to a lead later, and what takes it back when nobody may write to it any more."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headrace.events.enrichments import (
    BookingDeclined,
    BookingProposed,
    Enrichment,
    FollowUpScheduled,
    ReplyDecided,
    StepSkipped,
    TimeZone,
)
from streams.jobs.promises import (
    KEPT_PROMISES,
    Promise,
    promise_of,
    speaks_of_promises,
    split_by_suppression,
    with_conclusion,
    withdrawal,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ZONE = TimeZone(name="UTC", evidence="workspace")


def about(step: str, number: int = 1) -> dict[str, Any]:
    return {
        "workspace": "acme",
        "lead_id": "l",
        "message_id": f"m{number}",
        "job_id": f"j{number}",
        "job_type": "SMS_INBOUND_POST_PROCESS",
        "step": step,
        "receipt_id": "r",
        "at": NOW,
        "sent_at": NOW,
        "received_at": NOW,
    }


def send(minutes: int, number: int = 1) -> ReplyDecided:
    return ReplyDecided(
        **about("decide_reply", number),
        draft_id="d",
        channel="sms",
        decision="send_at",
        send_at=NOW + timedelta(minutes=minutes),
        confidence=0.95,
        threshold=0.9,
        response_mode="AI_AUTO_SEND",
    )


def promises(*events: Enrichment) -> tuple[Promise, ...]:
    kept: tuple[Promise, ...] = ()
    for event in events:
        kept = with_conclusion(kept, event)
    return kept


FOLLOW_UP = FollowUpScheduled(
    **about("follow_up_timing"), kind="clarify", due_at=NOW + timedelta(hours=24), timezone=ZONE, confidence=0.5
)
BOOKING = BookingProposed(
    **about("booking_decision"),
    start_at=NOW + timedelta(days=3),
    timezone=ZONE,
    process="offered_slots",
    confidence=0.95,
)


def test_each_kind_of_promise_is_taken_back_by_a_conclusion_of_its_step() -> None:
    taken_back = [withdrawal(one, NOW) for one in promises(send(5), FOLLOW_UP, BOOKING)]
    assert [type(event) for event in taken_back] == [ReplyDecided, StepSkipped, BookingDeclined]
    assert [event.step for event in taken_back] == ["decide_reply", "follow_up_timing", "booking_decision"]
    assert all(event.withdrawn and promise_of(event) is None and speaks_of_promises(event) for event in taken_back)
    assert promises(send(5), FOLLOW_UP, BOOKING, *taken_back) == ()


def test_a_step_done_again_replaces_its_promise() -> None:
    assert [one.due_at for one in promises(send(5), send(9))] == [NOW + timedelta(minutes=9)]
    assert promises(BOOKING, StepSkipped(**about("booking_decision"), reason="label_asks_for_no_meeting")) == ()
    assert len(promises(send(5), FOLLOW_UP, BOOKING, send(5, number=2))) == 4


def test_what_has_happened_is_no_promise_any_more() -> None:
    later = StepSkipped(**about("decide_reply", 2) | {"at": NOW + timedelta(minutes=6)}, reason="no_draft")
    assert promises(send(5), later) == ()


def test_a_flood_of_messages_keeps_a_lead_small() -> None:
    kept = promises(*(send(500, number) for number in range(300)))
    assert len(kept) == KEPT_PROMISES
    assert kept[-1].conclusion.job_id == "j299"


@given(st.lists(st.integers(1, 60), max_size=10), st.integers(0, 61))
def test_a_suppression_breaks_what_was_due_after_it(minutes: list[int], suppressed: int) -> None:
    kept = promises(*(send(one, number) for number, one in enumerate(minutes)))
    at = NOW + timedelta(minutes=suppressed)
    standing, broken = split_by_suppression(kept, at)
    assert sorted(minutes) == sorted(int((one.due_at - NOW).total_seconds() // 60) for one in (*standing, *broken))
    assert all(one.due_at <= at for one in standing)
    assert all(one.due_at > at for one in broken)
    assert split_by_suppression(kept, None) == (kept, ())
