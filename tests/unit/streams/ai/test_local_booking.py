"""Which slot or time a lead means; when two readings are possible, none is accepted."""

from datetime import UTC, datetime

import pytest

from streams.ai.answers import MOST_PROPOSED
from streams.ai.local_booking import read_booking
from streams.ai.questions import BookingFacts, Slot

WRITTEN = datetime(2026, 3, 2, 15, 4, tzinfo=UTC)
TUESDAY_2PM = Slot(datetime(2026, 3, 3, 14, tzinfo=UTC))
TUESDAY_4PM = Slot(datetime(2026, 3, 3, 16, tzinfo=UTC))
FRIDAY_9AM = Slot(datetime(2026, 3, 6, 9, tzinfo=UTC))


def facts(*slots: Slot, timezone: str = "UTC") -> BookingFacts:
    return BookingFacts(channel="sms", label="Meeting Requested", sent_at=WRITTEN, timezone=timezone, slots=slots)


@pytest.mark.parametrize(
    ("text", "slots", "index"),
    [
        ("yes", (FRIDAY_9AM,), 0),
        ("Yes please, works for me!", (FRIDAY_9AM,), 0),
        ("Second one", (TUESDAY_2PM, FRIDAY_9AM), 1),
        ("the last one please", (TUESDAY_2PM, FRIDAY_9AM), 1),
        ("Friday works", (TUESDAY_2PM, FRIDAY_9AM), 1),
        ("Tuesday at 4 is good", (TUESDAY_2PM, TUESDAY_4PM), 1),
        ("2pm", (TUESDAY_2PM, TUESDAY_4PM), 0),
    ],
)
def test_accepted_slot(text: str, slots: tuple[Slot, ...], index: int) -> None:
    booking = read_booking(text, facts(*slots))
    assert (booking.intent, booking.slot_index) == ("accepts_slot", index)


@pytest.mark.parametrize(
    ("text", "slots", "intent"),
    [
        ("yes", (TUESDAY_2PM, FRIDAY_9AM), "none"),
        ("yes", (), "none"),
        ("Tuesday", (TUESDAY_2PM, TUESDAY_4PM), "proposes_time"),
        ("Third one", (TUESDAY_2PM, FRIDAY_9AM), "none"),
        ("Wednesday at 10am?", (TUESDAY_2PM,), "proposes_time"),
        ("can't do Tuesday", (TUESDAY_2PM,), "proposes_time"),
        ("here's my link pick whatever cal.example/dmoreno", (TUESDAY_2PM,), "own_scheduler"),
        ("ok lets do it. when are you free", (), "asks_for_times"),
        ("have to cancel our 3pm, same time thursday instead?", (), "reschedules"),
        ("cancel our call please", (TUESDAY_2PM,), "cancels"),
        ("what does it cost", (TUESDAY_2PM,), "none"),
    ],
)
def test_nothing_is_accepted_by_guessing(text: str, slots: tuple[Slot, ...], intent: str) -> None:
    booking = read_booking(text, facts(*slots))
    assert (booking.intent, booking.slot_index) == (intent, None)


def test_slots_are_read_in_the_leads_zone() -> None:
    # 14:00 UTC is 9 AM in New York.
    assert read_booking("Tuesday 9am", facts(TUESDAY_2PM, timezone="America/New_York")).slot_index == 0
    assert read_booking("Tuesday 2pm", facts(TUESDAY_2PM, timezone="America/New_York")).slot_index is None


def test_proposed_times_name_day_hour_and_words() -> None:
    (proposed,) = read_booking("Could you do Thursday at 4?", facts()).proposed
    assert (proposed.day.isoformat(), proposed.clock, proposed.phrase) == ("2026-03-05", "16:00", "Thursday at 4")


def test_who_names_every_day_of_a_month_is_read_as_far_as_an_answer_goes() -> None:
    days = ", ".join(f"April {number} at 4pm" for number in range(1, 29))
    booking = read_booking(f"I could do {days}.", facts())
    assert (booking.intent, len(booking.proposed)) == ("proposes_time", MOST_PROPOSED)
