"""A replay releases nothing: what would now go out or be booked is for a person, what was released stays as it was."""

from typing import Any

from headrace.events.enrichments import BookingDeclined, BookingProposed, ReplyDecided, TimeZone
from operations.replay.decide.held import REASON, held
from streams.jobs.step import Emitted, StepOutcome
from tests.unit.operations.decide.lead_log import after

ABOUT: dict[str, Any] = {
    "workspace": "acme",
    "lead_id": "l",
    "message_id": "m1",
    "job_id": "j1",
    "job_type": "X",
    "receipt_id": "r1",
    "at": after(10),
    "sent_at": after(1),
    "received_at": after(1),
}
SENT = ReplyDecided(
    **ABOUT,
    step="decide_reply",
    draft_id="d",
    channel="sms",
    decision="send_at",
    send_at=after(300),
    threshold=0.9,
    response_mode="AI_AUTO_SEND",
)
BOOKED = BookingProposed(
    **ABOUT,
    step="booking_decision",
    start_at=after(900),
    timezone=TimeZone(name="UTC", evidence="text"),
    process="offered_slots",
    confidence=1.0,
)


def outcome(event: Any, **result: Any) -> StepOutcome:
    return StepOutcome(result=result, emitted=(Emitted(topic="enrichments", event=event),))


def test_a_reply_that_would_now_go_out_is_for_a_person() -> None:
    found = held(outcome(SENT, decision="send_at"), None, draft_changed=False)
    event = found.emitted[0].event
    assert (event.decision, event.send_at, event.reasons) == ("needs_review", None, (REASON,))
    assert found.result == {"decision": "needs_review"}
    again = held(outcome(SENT, decision="send_at"), event, draft_changed=False)
    assert again.emitted[0].event == event, "and it stays so"


def test_a_reply_that_was_released_stays_released_unless_its_draft_is_another() -> None:
    released = outcome(SENT, decision="send_at")
    assert held(released, SENT, draft_changed=False) is released
    assert held(released, SENT, draft_changed=True).emitted[0].event.decision == "needs_review"


def test_a_slot_that_would_now_be_booked_is_for_a_person() -> None:
    booked = outcome(BOOKED, proposed=True)
    assert held(booked, BOOKED, draft_changed=False) is booked
    found = held(booked, None, draft_changed=False)
    assert isinstance(found.emitted[0].event, BookingDeclined)
    assert found.result == {"reason": REASON, "process": "offered_slots"}
