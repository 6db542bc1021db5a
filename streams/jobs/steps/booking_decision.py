"""Decides whether a slot may be booked for the lead without a person. Whatever is in doubt is not booked."""

from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from headrace.events.enrichments import BookingDeclined, BookingProcess, BookingProposed, TimeZone
from streams.ai import tasks
from streams.ai.answers import Booking, ProposedTime
from streams.ai.local_booking import read_booking
from streams.ai.provider import AIResult
from streams.ai.questions import BookingFacts, ExtractBooking, Slot
from streams.ai.rules.cleaning import own_words
from streams.ai.rules.reply import Reply
from streams.jobs.step import Step, StepContext, StepOutcome, is_suppressed
from streams.jobs.steps.asking import ask
from streams.jobs.steps.concluding import concluded, skipped
from streams.jobs.steps.facts import open_slots, settings_of
from streams.jobs.steps.handing_over import handing_over
from streams.jobs.steps.lead_zone import lead_zone
from streams.jobs.steps.offered import offered_slots
from streams.jobs.steps.plain_timing import read_part
from streams.jobs.steps.reading import is_booked_before, lead_of, own_reply_of
from streams.jobs.steps.unreadable import skipped_when_unreadable
from streams.jobs.steps.verdict import Verdict, verdict_of

NAME = "booking_decision"
#: Of the reading of the lead's time, below which a person decides.
SURE = 0.9
#: A slot so much later than the lead's time is still taken; an earlier one, or a later one beyond it, never.
LATER = timedelta(minutes=15)

PROCESS: dict[str, BookingProcess] = {
    "accepts_slot": "offered_slots",
    "proposes_time": "lead_proposes_time",
    "own_scheduler": "lead_calendar",
    "asks_for_times": "link_and_qualification",
}


class _Match(NamedTuple):
    """A slot that fits what the lead said."""

    start: datetime
    minutes_later: int = 0


async def run(context: StepContext) -> StepOutcome:
    """The slot that may be booked, or the first reason against it."""
    verdict = verdict_of(context)
    if verdict.label == "Call Requested":
        return _declined(context, "call_requested", "callback")
    if verdict.label != "Meeting Requested":
        return skipped(context, NAME, "label_asks_for_no_meeting")
    zone = await lead_zone(context, verdict)
    question = await booking_question(context, verdict, zone)
    plain = await context.read(plain_booking, own_reply_of(context.job), question.facts)
    if reason := _forbidden(context, verdict, plain):
        return _declined(context, reason, PROCESS.get(plain.intent, "none"))
    answer = await ask(context, tasks.extract_booking, question)
    return _decided(context, answer, plain, question.facts.slots, zone)


async def booking_question(context: StepContext, verdict: Verdict, zone: TimeZone) -> ExtractBooking:
    """What a model is asked about the meeting."""
    job, message = context.job, context.job.message
    zones = (zone.name, context.workspace.timezone)
    facts = BookingFacts(
        channel=message.channel,
        label=verdict.label,
        sent_at=message.sent_at,
        timezone=zone.name,
        slots=await offered_slots(context, _slots(context), zones),
    )
    return ExtractBooking(facts=facts, lead=lead_of(job))


def _slots(context: StepContext) -> tuple[Slot, ...]:
    facts = settings_of(context).facts
    return open_slots(facts.offered_slots, context.now) if facts is not None else ()


def _forbidden(context: StepContext, verdict: Verdict, plain: Booking) -> str | None:
    settings, job = settings_of(context), context.job
    reasons = {
        "own_scheduler": plain.intent == "own_scheduler",
        "auto_booking_off": not settings.auto_book_meetings,
        "suppressed": job.suppressed_reason is not None,
        "automated": verdict.is_automated,
        "injection_suspected": verdict.injection_suspected,
        "label_needs_review": verdict.needs_review,
        "already_booked": is_booked_before(job),
        # Nobody has checked the lead's answers to them, so nobody knows whether it qualifies.
        "not_qualified": settings.facts is None or bool(settings.facts.qualification_questions),
        "no_slots": not _slots(context),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _decided(
    context: StepContext, answer: AIResult[Booking], plain: Booking, offered: tuple[Slot, ...], zone: TimeZone
) -> StepOutcome:
    booking = answer.value
    process = PROCESS.get(booking.intent, "none")
    if answer.injection_suspected or answer.needs_review:
        return _declined(context, "injection_suspected" if answer.injection_suspected else "unsure", process, answer)
    if booking.intent not in ("accepts_slot", "proposes_time"):
        return _declined(context, booking.intent if booking.intent != "none" else "no_time_named", process, answer)
    if booking.confidence < SURE:
        return _declined(context, "unsure", process, answer)
    match = _accepted(booking, plain, offered) if booking.intent == "accepts_slot" else None
    if booking.intent == "proposes_time":
        match = _nearest(booking.proposed, _slots(context), zone)
    if match is None:
        return _declined(context, "no_fitting_slot", process, answer)
    return concluded(
        context,
        NAME,
        BookingProposed,
        ai=answer,
        start_at=match.start,
        timezone=zone,
        process=process,
        confidence=booking.confidence,
        minutes_later=match.minutes_later,
        result={"proposed": True},
    )


def plain_booking(reply: Reply, facts: BookingFacts) -> Booking:
    """What the lead's own words say, without a model."""
    return read_booking(own_words(read_part(reply)).text, facts)


def _accepted(booking: Booking, plain: Booking, offered: tuple[Slot, ...]) -> _Match | None:
    """The accepted slot, if the lead's own words lead there too: a model's word alone books nothing."""
    index = booking.slot_index
    if index is None or index >= len(offered) or plain.slot_index != index:
        return None
    return _Match(offered[index].start)


def _nearest(proposed: tuple[ProposedTime, ...], slots: tuple[Slot, ...], zone: TimeZone) -> _Match | None:
    """The slot at the one time the lead named, or the first within a quarter of an hour after it."""
    if len(proposed) != 1 or proposed[0].clock is None:
        return None
    wanted = datetime.combine(proposed[0].day, time.fromisoformat(proposed[0].clock), ZoneInfo(zone.name))
    fitting = [slot.start for slot in slots if wanted <= slot.start <= wanted + LATER]
    if not fitting:
        return None
    start = min(fitting)
    return _Match(start, round((start - wanted).total_seconds() / 60))


def _declined(
    context: StepContext, reason: str, process: BookingProcess, answer: AIResult[Booking] | None = None
) -> StepOutcome:
    return concluded(
        context,
        NAME,
        BookingDeclined,
        ai=answer,
        reason=reason,
        process=process,
        result={"reason": reason, "process": process},
    )


_RUN = handing_over(NAME, skipped_when_unreadable(NAME, run))
STEP = Step(NAME, _RUN, dependency="ai", deadline=60.0, overtaken=is_suppressed)
