"""One question of each kind, and a classifier for tests that are about something else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from streams.ai import tasks
from streams.ai.provider import AITask, Caller
from streams.ai.questions import (
    BookingFacts,
    Business,
    Classify,
    ClassifyFacts,
    DecideFacts,
    DecideReply,
    DraftFacts,
    ExtractBooking,
    ExtractTiming,
    Lead,
    Said,
    ScoreFacts,
    ScoreLead,
    Slot,
    TimingFacts,
    WriteDraft,
)
from streams.ai.rules.reply import Reply

WRITTEN = datetime(2026, 3, 2, 15, 4, tzinfo=UTC)
BUSINESS = Business(
    company="Ledgerly",
    sender_name="Annika",
    offer="close the books in four days",
    booking_link="https://meet.ledgerly.example/annika",
    answers={"pricing": "Plans start at $490 a month."},
    ideal_customer="Finance teams of logistics firms on NetSuite",
)
SLOTS = (Slot(WRITTEN + timedelta(days=1)), Slot(WRITTEN + timedelta(days=2, hours=3)))
ASKED = "Annika from Ledgerly here. Shall I send a one-pager?"
CALLER = Caller(
    receipt_id="receipt-1",
    workspace="acme",
    lead_id="lead-1",
    message_id="message-1",
    job_id="message-1:SMS_INBOUND_POST_PROCESS",
    job_type="SMS_INBOUND_POST_PROCESS",
    step="classify",
    attempt=2,
    trace_id="0af7651916cd43dd8448eb211c80319c",
)


def lead(text: str = "Yes, sounds interesting", **fields: Any) -> Lead:
    """A lead that wrote this."""
    return Lead(text=text, history=(Said("outbound", ASKED),), **fields)


def classify_task(text: str = "Yes, sounds interesting") -> AITask[Any]:
    """A task to label the text."""
    return tasks.classify(Classify(facts=ClassifyFacts(channel="sms"), lead=lead(text)), CALLER)


def draft_task(text: str = "Yes, sounds interesting", **facts: Any) -> AITask[Any]:
    """A task to answer the text."""
    given: dict[str, Any] = {
        "channel": "sms",
        "label": "Interested",
        "business": BUSINESS,
        "timezone": "UTC",
        "now": WRITTEN,
    } | facts
    return tasks.draft(WriteDraft(facts=DraftFacts(**given), lead=lead(text, first_name="Dana")), CALLER)


def decide_task(draft: str = "Great, any slot here works.", text: str = "Yes please") -> AITask[Any]:
    """A task to judge the draft."""
    facts = DecideFacts(channel="sms", label="Interested", confidence=0.9, business=BUSINESS, timezone="UTC")
    return tasks.decide_reply(DecideReply(facts=facts, lead=lead(text), draft=draft), CALLER)


def timing_task(text: str = "Not now, try in June") -> AITask[Any]:
    """A task to read when to come back."""
    facts = TimingFacts(channel="sms", label="Follow Up", sent_at=WRITTEN, timezone="UTC")
    return tasks.extract_timing(ExtractTiming(facts=facts, lead=lead(text)), CALLER)


def booking_task(text: str = "The second one works") -> AITask[Any]:
    """A task to read which slot is meant."""
    facts = BookingFacts(channel="sms", label="Meeting Requested", sent_at=WRITTEN, timezone="UTC", slots=SLOTS)
    return tasks.extract_booking(ExtractBooking(facts=facts, lead=lead(text)), CALLER)


def score_task(text: str = "How much is it?") -> AITask[Any]:
    """A task to score the lead."""
    facts = ScoreFacts(channel="sms", label="Information Requested", business=BUSINESS)
    return tasks.score(ScoreLead(facts=facts, lead=lead(text, industry="Logistics")), CALLER)


TASKS: tuple[Callable[[], AITask[Any]], ...] = (
    classify_task,
    draft_task,
    decide_task,
    timing_task,
    booking_task,
    score_task,
)


class FixedClassifier:
    """Says Interested, or Blacklist to anything with the word stop."""

    def classify(self, reply: Reply) -> Any:
        """The fields of the shipped classifier's answer."""
        stops = "stop" in reply.text.lower()
        return SimpleNamespace(
            label="Blacklist" if stops else "Interested",
            opt_out=stops,
            bounce=False,
            contains_phone=None,
            proposed_time=False,
            confidence=0.8,
            rule="opt-out" if stops else None,
            model="fixed",
            injection_suspected=False,
            needs_review=False,
            probabilities={},
        )
