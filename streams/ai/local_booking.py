"""Reads offline which time a lead means: offered slots by position or time, times of its own, or its scheduler."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from streams.ai.answers import MOST_PROPOSED, Booking, ProposedTime
from streams.ai.phrases import Phrases
from streams.ai.questions import BookingFacts, Slot
from streams.ai.time_phrases import Moment, likely_clock, moments, names_period

_SCHEDULER = Phrases(
    r"\b(?:calendly\.com|cal\.com|cal\.\w+|meet\.\w+|savvycal\.com|hubspot\.com/meetings"
    r"|outlook\.office\S{0,200}/bookings|youcanbook\.me"
    r"|zcal\.co|tidycal\.com|koalendar\.com|calendar\.app\.google)/\S+|\bmy (?:calendar|scheduling"
    r"|booking) (?:link|page)\b",
    re.IGNORECASE,
)
_CANCELS = Phrases(r"\b(?:cancel|call off|absagen|annuler|cancelar)\b", re.IGNORECASE)
_RESCHEDULES = Phrases(
    r"\b(?:re-?schedul\w+|move (?:it|our|the)|push (?:it|our|the)|another time|different time|instead|verschieben"
    r"|déplacer|reprogramar)\b",
    re.IGNORECASE,
)
_ASKS = Phrases(
    r"\b(?:when (?:are|would|could|can|is)|(?:which|what) (?:times?|days?|slots?)|(?:a few|some|couple of|your"
    r"|send|find|share) (?:\w+ ){0,3}(?:slots?|times?)"
    r"|availab\w+|free)\b",
    re.IGNORECASE,
)
_YES = re.compile(
    r"\W*(?:(?:yes|yep|yeah|sure|ok(?:ay)?|perfect|great|sounds good|works(?: for me)?|that works(?: for me)?"
    r"|confirmed|deal|ja|gerne|passt"
    r"|oui|parfait|sí|si|claro|vale|please|thanks|thank you|let'?s do it)\W*){1,4}",
    re.IGNORECASE,
)
_ORDINALS = (
    r"(?:the )?(?:first|1st|former|earlier)(?: (?:one|slot|option|time))?|option (?:1|one|a)",
    r"(?:the )?(?:second|2nd)(?: (?:one|slot|option|time))?|option (?:2|two|b)",
    r"(?:the )?(?:third|3rd)(?: (?:one|slot|option|time))?|option (?:3|three|c)",
    r"(?:the )?(?:fourth|4th)(?: (?:one|slot|option|time))?|option (?:4|four|d)",
)
_POSITIONS = tuple(Phrases(rf"\b(?:{words})\b", re.IGNORECASE) for words in _ORDINALS)
_LAST = Phrases(r"\b(?:the )?(?:last|latter|later) (?:one|slot|option|time)\b", re.IGNORECASE)
_NEITHER = Phrases(
    r"\b(?:neither|none of|not? (?:work|good)|can'?t (?:do|make)|won'?t work|doesn'?t work|don'?t work)\b",
    re.IGNORECASE,
)


def read_booking(text: str, facts: BookingFacts) -> Booking:
    """What the lead wants of our calendar. When two readings are possible, none is accepted."""
    named = moments(text)
    written = facts.sent_at.astimezone(ZoneInfo(facts.timezone))
    proposed = _proposed(text, named, written)
    if _SCHEDULER.search(text):
        return _booking("own_scheduler", 0.95)
    if _RESCHEDULES.search(text):
        return _booking("reschedules", 0.8, proposed)
    if _CANCELS.search(text):
        return _booking("cancels", 0.85)
    # Where the grammar says which day does not suit, the others may.
    refuses = _NEITHER.search(text) and not any(one.day is not None and one.day.negated for one in named)
    accepted = None if refuses else _accepted(text, named, facts.slots, written)
    if accepted is not None:
        return Booking(intent="accepts_slot", slot_index=accepted, proposed=(), confidence=0.95)
    if any(moment.day is not None for moment in named):
        return _proposes(proposed)
    return _booking("asks_for_times", 0.8) if _ASKS.search(text) else _booking("none", 0.6)


def _proposes(proposed: tuple[ProposedTime, ...]) -> Booking:
    """A day that does not suit, or that can be read in two ways, proposes something, but nobody knows what."""
    is_exact = len(proposed) == 1 and proposed[0].clock is not None
    return _booking("proposes_time", 0.9 if is_exact else 0.7 if proposed else 0.5, proposed)


def _booking(intent: str, confidence: float, proposed: tuple[ProposedTime, ...] = ()) -> Booking:
    return Booking.model_validate(
        {"intent": intent, "slot_index": None, "proposed": proposed, "confidence": confidence}
    )


def _accepted(text: str, named: Sequence[Moment], slots: Sequence[Slot], written: datetime) -> int | None:
    if not slots:
        return None
    plain = [moment for moment in named if _suits(moment) and (moment.day is not None or not names_period(text))]
    fitting = {index for moment in plain for index, slot in enumerate(slots) if _is_slot(moment, slot, written)}
    if named:
        return fitting.pop() if len(fitting) == 1 else None
    positions = {index for index, words in enumerate(_POSITIONS) if words.search(text)}
    if _LAST.search(text):
        positions.add(len(slots) - 1)
    if len(positions) == 1 and (position := positions.pop()) < len(slots):
        return position
    return 0 if len(slots) == 1 and _YES.fullmatch(text) else None


def _suits(moment: Moment) -> bool:
    """Whether the lead means that very day and time: not "until Friday", nor "not on Friday", nor "after 3"."""
    day_suits = moment.day is None or moment.day.is_plain
    return day_suits and (moment.clock is None or moment.clock.is_exact)


def _is_slot(moment: Moment, slot: Slot, written: datetime) -> bool:
    zone = moment.clock.zone if moment.clock is not None else None
    start = slot.start.astimezone(ZoneInfo(zone) if zone else written.tzinfo)
    named = moment.day.dates(written.date()) if moment.day is not None else ()
    # An ambiguous date accepts nothing, even where only one of its readings was offered.
    day_fits = moment.day is None or (start.date() in named and (len(named) == 1 or not _is_ambiguous(moment, written)))
    clock_fits = moment.clock is None or start.time().replace(second=0, microsecond=0) in moment.clock.readings
    return day_fits and clock_fits


def _is_ambiguous(moment: Moment, written: datetime) -> bool:
    return moment.day is not None and len(moment.day.meaning.spans(written.date())) > 1


def _proposed(text: str, named: Sequence[Moment], written: datetime) -> tuple[ProposedTime, ...]:
    """Times with a day; an hour without a day proposes nothing that could be booked."""
    times = []
    for moment in named:
        if moment.day is None or not moment.day.is_plain:
            continue
        days = moment.day.dates(written.date())
        if len(days) != 1:
            continue
        at = _in_leads_zone(days[0], likely_clock(moment.clock), moment, written)
        times.append(ProposedTime(day=at[0], clock=at[1], phrase=text[moment.start : moment.end][:120]))
    return tuple(times[:MOST_PROPOSED])


def _in_leads_zone(day: date, clock: str | None, moment: Moment, written: datetime) -> tuple[date, str | None]:
    zone = moment.clock.zone if moment.clock is not None else None
    if clock is None or zone is None:
        return day, clock
    at = datetime.combine(day, time.fromisoformat(clock), ZoneInfo(zone)).astimezone(written.tzinfo)
    return at.date(), at.strftime("%H:%M")
