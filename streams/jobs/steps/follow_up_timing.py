"""Reads when a lead that puts us off wants to hear from us again: by words that leave no doubt, else by the model."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from headrace.events.enrichments import FollowUpScheduled, TimeZone
from streams.ai import tasks
from streams.ai.answers import FollowUpTiming
from streams.ai.provider import AIResult
from streams.ai.questions import ExtractTiming, TimingFacts
from streams.jobs.step import JobInput, Step, StepContext, StepOutcome, is_suppressed
from streams.jobs.steps.asking import ask
from streams.jobs.steps.concluding import concluded, skipped
from streams.jobs.steps.handing_over import handing_over
from streams.jobs.steps.lead_zone import lead_zone
from streams.jobs.steps.plain_timing import plain_timing
from streams.jobs.steps.reading import lead_of, own_reply_of
from streams.jobs.steps.unreadable import skipped_when_unreadable
from streams.jobs.steps.verdict import Verdict, verdict_of

NAME = "follow_up_timing"
#: A date the model is less sure of is asked about instead.
_LEAST = 0.5
#: Named so exactly that a weekend is meant as one.
_EXACT = ("time", "day")
_SATURDAY = 5
_OPENS = time(9)
_AHEAD = timedelta(hours=1)
#: A lead that named no time and stays silent is asked once more after so long.
CLARIFY_AFTER = timedelta(hours=24)


async def run(context: StepContext) -> StepOutcome:
    """When to write again, or why not."""
    job, verdict = context.job, verdict_of(context)
    if reason := _not_asked(job, verdict):
        return skipped(context, NAME, reason)
    zone = await lead_zone(context, verdict)
    timing, answer = await _timing(context, verdict, zone)
    if verdict.label == "Not Interested" and not (timing.is_deferral and timing.day is not None):
        return skipped(context, NAME, "no_deferral", answer)
    if timing.day is None or timing.confidence < _LEAST:
        return _clarify(context, zone, answer, timing)
    day = timing.day if timing.precision in _EXACT else workday(timing.day)
    clock = time.fromisoformat(timing.clock) if timing.clock else _OPENS
    return concluded(
        context,
        NAME,
        FollowUpScheduled,
        ai=answer,
        kind="recontact",
        due_at=due_at(day, clock, zone.name, context.now),
        timezone=zone,
        day=day,
        precision=timing.precision,
        confidence=timing.confidence,
        result={"kind": "recontact"},
    )


async def _timing(
    context: StepContext, verdict: Verdict, zone: TimeZone
) -> tuple[FollowUpTiming, AIResult[FollowUpTiming] | None]:
    job = context.job
    if verdict.label == "Follow Up":
        written = job.message.sent_at.astimezone(ZoneInfo(zone.name))
        plain = await context.read(plain_timing, own_reply_of(job), written)
        if plain is not None:
            return plain, None
    answer = await ask(context, tasks.extract_timing, _question(job, verdict, zone))
    return answer.value, answer


def workday(day: date) -> date:
    """The day itself, or the Monday after it: a month that begins on a Sunday doesn't mean that Sunday."""
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() >= _SATURDAY else 0)


def due_at(day: date, clock: time, zone: str, now: datetime) -> datetime:
    """That moment in the lead's zone; one that is past or less than an hour ahead moves to the next morning after."""
    due = datetime.combine(day, clock, ZoneInfo(zone))
    if due > now + _AHEAD:
        return due
    soonest = (now + _AHEAD).astimezone(ZoneInfo(zone))
    morning = datetime.combine(soonest.date(), _OPENS, ZoneInfo(zone))
    return morning if morning > soonest else datetime.combine(soonest.date() + timedelta(1), _OPENS, ZoneInfo(zone))


def _not_asked(job: JobInput, verdict: Verdict) -> str | None:
    if job.suppressed_reason is not None or verdict.label == "Blacklist":
        return "suppressed"
    if verdict.is_automated:
        return "automated"
    if verdict.label not in ("Follow Up", "Not Interested"):
        return "label_defers_nothing"
    return None


def _question(job: JobInput, verdict: Verdict, zone: TimeZone) -> ExtractTiming:
    message = job.message
    facts = TimingFacts(channel=message.channel, label=verdict.label, sent_at=message.sent_at, timezone=zone.name)
    return ExtractTiming(facts=facts, lead=lead_of(job))


def _clarify(
    context: StepContext, zone: TimeZone, answer: AIResult[FollowUpTiming] | None, timing: FollowUpTiming
) -> StepOutcome:
    """The reply itself asks first; if nothing comes back, once more a day later, unless the lead writes before."""
    due = max(context.job.message.sent_at + CLARIFY_AFTER, context.now + _AHEAD)
    return concluded(
        context,
        NAME,
        FollowUpScheduled,
        ai=answer,
        kind="clarify",
        due_at=due,
        timezone=zone,
        precision=timing.precision,
        confidence=timing.confidence,
        attempt=2,
        result={"kind": "clarify"},
    )


_RUN = handing_over(NAME, skipped_when_unreadable(NAME, run))
STEP = Step(NAME, _RUN, dependency="ai", deadline=60.0, overtaken=is_suppressed)
