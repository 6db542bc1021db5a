"""Writes the reply: one for each message and channel, from the workspace's facts, kept only if every check passes."""

from collections.abc import Sequence

from msgspec.structs import replace

from headrace.events.enrichments import DraftCreated, DraftRejected, TimeZone
from headrace.events.ids import derived_id
from headrace.events.messages import Message
from headrace.events.workspaces import WorkspaceFacts
from streams.ai import tasks
from streams.ai.answers import Draft
from streams.ai.draft_checks import DraftContext, Finding, check_draft
from streams.ai.labels import DRAFTED
from streams.ai.provider import AIResult
from streams.ai.questions import DraftFacts, WriteDraft
from streams.ai.reading import Unreadable
from streams.jobs.step import Step, StepContext, StepOutcome, is_suppressed
from streams.jobs.steps.asking import ask
from streams.jobs.steps.concluding import concluded, skipped
from streams.jobs.steps.facts import business_of, facts_of, links, open_slots, statements
from streams.jobs.steps.handing_over import handing_over
from streams.jobs.steps.lead_zone import lead_zone
from streams.jobs.steps.reading import earlier, is_booked_before, lead_of, names_of
from streams.jobs.steps.unreadable import skipped_when_unreadable
from streams.jobs.steps.verdict import Verdict, verdict_of

NAME = "draft"
#: In the result of a step without a draft: why.
NO_DRAFT = "no_draft"
#: A refused draft is written once more, told what was wrong.
ATTEMPTS = 2


def draft_id(message: Message) -> str:
    """One draft a message and channel, however often it is written."""
    return derived_id("draft", message.message_id, message.channel)


async def run(context: StepContext) -> StepOutcome:
    """A draft, the checks that refused it, or why none is called for."""
    verdict = verdict_of(context)
    if reason := _not_called_for(context, verdict):
        return _undrafted(context, reason)
    facts = facts_of(context)
    zone = await lead_zone(context, verdict)
    findings: Sequence[Finding] = ()
    for attempt in range(1, ATTEMPTS + 1):
        answer = await ask(context, tasks.draft, _question(context, verdict, facts, zone, findings))
        body = answer.value.body
        if body is None:
            return _undrafted(context, answer.value.outcome, answer)
        findings = await _checked(context, body, _rests_on(context, verdict, facts, zone, answer))
        if not findings:
            return _created(context, body, attempt, answer)
    return _rejected(context, findings, answer)


def _undrafted(context: StepContext, reason: str, answer: AIResult[Draft] | None = None) -> StepOutcome:
    """No draft, and why: whether a person is needed follows from it."""
    return replace(skipped(context, NAME, reason, answer), result={NO_DRAFT: reason})


async def _checked(context: StepContext, body: str, rests_on: DraftContext) -> tuple[Finding, ...]:
    """The findings. A draft that nobody can check in time is one that failed."""
    try:
        return await context.read(check_draft, body, rests_on)
    except Unreadable:
        return (Finding(check=7, code="unreadable"),)


def _not_called_for(context: StepContext, verdict: Verdict) -> str | None:
    job = context.job
    reasons = {
        "suppressed": job.suppressed_reason is not None or verdict.opt_out,
        "label_gets_no_draft": verdict.label not in DRAFTED,
        "automated": verdict.is_automated,
        "already_booked": is_booked_before(job),
        "no_phone_on_file": verdict.label == "Call Requested" and not _phone_on_file(context, verdict),
        # What confirms the booking answers the lead; a second message would contradict or repeat it.
        "booking_proposed": bool(context.results.get("booking_decision", {}).get("proposed")),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _phone_on_file(context: StepContext, verdict: Verdict) -> bool:
    lead = context.job.lead
    return bool(verdict.contains_phone or (lead is not None and lead.phone))


def _question(
    context: StepContext,
    verdict: Verdict,
    facts: WorkspaceFacts,
    zone: TimeZone,
    findings: Sequence[Finding],
) -> WriteDraft:
    return WriteDraft(
        facts=DraftFacts(
            channel=context.job.message.channel,
            label=verdict.label,
            business=business_of(facts),
            timezone=zone.name,
            now=context.now,
            slots=open_slots(facts.offered_slots, context.now),
            phone_on_file=_phone_on_file(context, verdict),
            avoid=tuple(finding.code for finding in findings),
        ),
        lead=lead_of(context.job),
    )


def _rests_on(
    context: StepContext, verdict: Verdict, facts: WorkspaceFacts, zone: TimeZone, answer: AIResult[Draft]
) -> DraftContext:
    job = context.job
    return DraftContext(
        channel=job.message.channel,
        label=verdict.label,
        written=job.message.sent_at,
        timezone=zone.name,
        lead_text=job.message.text,
        lead_names=names_of(job),
        already_booked=is_booked_before(job),
        phone_on_file=_phone_on_file(context, verdict),
        facts=statements(facts),
        links=links(facts),
        emails=facts.allowed_emails,
        phones=facts.allowed_phones,
        slots=tuple(slot.start for slot in open_slots(facts.offered_slots, context.now)),
        canary=answer.prompt.canary,
        earlier=tuple(message.text for message in earlier(job) if message.direction == "outbound"),
    )


def _created(context: StepContext, body: str, attempts: int, answer: AIResult[Draft]) -> StepOutcome:
    message = context.job.message
    return concluded(
        context,
        NAME,
        DraftCreated,
        ai=answer,
        draft_id=draft_id(message),
        channel=message.channel,
        body=body,
        attempts=attempts,
        result={
            "draft_id": draft_id(message),
            "body": body,
            "injection_suspected": answer.injection_suspected,
            "needs_review": answer.needs_review,
        },
    )


def _rejected(context: StepContext, findings: Sequence[Finding], answer: AIResult[Draft]) -> StepOutcome:
    message = context.job.message
    codes = tuple(dict.fromkeys(finding.code for finding in findings))
    return concluded(
        context,
        NAME,
        DraftRejected,
        ai=answer,
        draft_id=draft_id(message),
        channel=message.channel,
        failed_checks=codes,
        attempts=ATTEMPTS,
        result={"draft_id": draft_id(message), "rejected": list(codes)},
    )


_RUN = handing_over(NAME, skipped_when_unreadable(NAME, run))
STEP = Step(NAME, _RUN, dependency="ai", deadline=150.0, overtaken=is_suppressed)
