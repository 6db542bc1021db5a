"""What is not sure is never booked: ambiguous days, days that don't suit, stretches of time, other zones."""

from datetime import UTC, datetime

import pytest

from streams.ai.draft_checks import DraftContext, check_draft
from streams.ai.local_booking import read_booking
from streams.ai.questions import BookingFacts, Slot
from streams.jobs.steps.booking_decision import SURE

WRITTEN = datetime(2026, 11, 30, 15, 4, tzinfo=UTC)
SLOTS = tuple(
    Slot(datetime(year, month, day, hour, tzinfo=UTC))
    for year, month, day, hour in ((2026, 12, 4, 16), (2027, 3, 4, 16), (2026, 12, 8, 14))
)


def facts(*slots: Slot, timezone: str = "UTC") -> BookingFacts:
    return BookingFacts(channel="sms", label="Meeting Requested", sent_at=WRITTEN, timezone=timezone, slots=slots)


@pytest.mark.parametrize(
    "text",
    [
        "3/4 at 4pm works",
        "next Friday at 4pm",
        "Friday the 5th at 4pm",
        "30 February at 4pm",
        "I can't do Friday at 4pm",
        "Friday at 4pm doesn't work",
        "any day but Friday at 4pm",
        "not before Friday at 4pm",
        "Friday after 4pm",
        "Friday 4-5pm",
        "Friday at 4 or 5",
        "I'm out until Friday 4pm",
        "between Thursday and Friday at 4pm",
        "in two weeks at 4pm",
        "the end of January at 4pm",
        "in Q1 at 4pm",
    ],
)
def test_is_not_booked(text: str) -> None:
    for slots in ((), SLOTS, SLOTS[:1]):
        booking = read_booking(text, facts(*slots))
        exact = [one for one in booking.proposed if one.clock is not None]
        is_sure = booking.confidence >= SURE and len(booking.proposed) == 1 and bool(exact)
        assert booking.intent != "accepts_slot", booking
        assert not is_sure, booking


def test_what_does_not_suit_leaves_what_does() -> None:
    booking = read_booking("I can't do Friday. Tuesday the 8th at 2pm is good", facts(*SLOTS))
    assert (booking.intent, booking.slot_index) == ("accepts_slot", 2)


def test_a_zone_beside_the_time_counts_more_than_the_leads() -> None:
    # 16:00 UTC is 11 AM in New York.
    here = facts(SLOTS[0], timezone="America/New_York")
    assert read_booking("Friday at 4pm UTC", here).slot_index == 0
    assert read_booking("Friday at 5pm CET", here).slot_index == 0
    assert read_booking("Friday at 11am ET", here).slot_index == 0
    assert read_booking("Friday at 4pm ET", here).slot_index is None
    (proposed,) = read_booking("Could we do Wednesday 9:00 CET?", facts(timezone="America/New_York")).proposed
    assert (proposed.day.isoformat(), proposed.clock) == ("2026-12-02", "03:00")


def draft_codes(draft: str, lead_text: str = "When are you free?", timezone: str = "America/New_York") -> set[str]:
    context = DraftContext(
        channel="email",
        label="Meeting Requested",
        written=WRITTEN,
        timezone=timezone,
        lead_text=lead_text,
        lead_names=("Pat",),
        slots=(SLOTS[0].start,),
    )
    return {finding.code for finding in check_draft(draft, context)}


@pytest.mark.parametrize(
    ("draft", "is_known"),
    [
        ("Hi Pat, Friday at 11 am ET works for us.", True),
        ("Hi Pat, Friday at 4 pm UTC works for us.", True),
        ("Hi Pat, Friday at 5 pm CET works for us.", True),
        ("Hi Pat, Friday at 4 pm ET works for us.", False),
        ("Hi Pat, Friday at 11 am PT works for us.", False),
        ("Hi Pat, the first Friday of December at 11 am ET works for us.", True),
        ("Hi Pat, a week on Friday at 11 am ET works for us.", False),
    ],
)
def test_a_draft_names_offered_times_in_their_zone(draft: str, *, is_known: bool) -> None:
    assert ("unknown_time" not in draft_codes(draft)) == is_known


def test_a_draft_may_answer_with_the_day_the_lead_named_in_other_words() -> None:
    lead = "Could we talk on the third Friday of January at 3pm?"
    assert "unknown_time" not in draft_codes("Hi Pat, January 15 at 3 pm ET works for us.", lead)
    assert "unknown_time" in draft_codes("Hi Pat, January 22 at 3 pm ET works for us.", lead)
