"""Labels one message, by rules where they are sure, else by the model, and asks for proof where a label needs it."""

from msgspec.structs import replace

from headrace.events.enrichments import MessageClassified, MessageLabel
from streams.ai import tasks
from streams.ai.answers import Classified
from streams.ai.provider import AIResult
from streams.ai.questions import Classify, ClassifyFacts
from streams.ai.reading import Unreadable
from streams.ai.rules.decision import RuleHit
from streams.jobs.step import JobInput, Step, StepContext, StepOutcome
from streams.jobs.steps.asking import ask
from streams.jobs.steps.concluding import concluded, skipped
from streams.jobs.steps.handing_over import handing_over
from streams.jobs.steps.hearing import Heard, hear
from streams.jobs.steps.reading import lead_of, own_reply_of, reply_of, signal
from streams.jobs.steps.suppressing import suppression
from streams.jobs.steps.verdict import CLASSIFY, MACHINE, SCREEN, UNREADABLE, UNREADABLE_RULE, Verdict

#: Below it a label is a guess, and a person should look.
SURE = 0.30
_CALENDAR = "calendar-acceptance"
#: What a provider calls a machine's message, and its label.
_SIGNALLED: dict[str, MessageLabel] = {"out_of_office": "Out of Office", "automated_reply": "Automated Reply"}


async def run(context: StepContext) -> StepOutcome:
    """The label of the message, whatever label the lead had before."""
    screened = context.results[SCREEN]
    if "label" in screened:
        unread = screened["rule"] == UNREADABLE_RULE
        return skipped(context, CLASSIFY, UNREADABLE_RULE if unread else "blacklisted_by_rule")
    try:
        return await _classified(context)
    except Unreadable:
        return concluded(context, CLASSIFY, MessageClassified, result=UNREADABLE.result(), **UNREADABLE.fields())


async def _classified(context: StepContext) -> StepOutcome:
    job = context.job
    heard = await context.read(hear, own_reply_of(job), reply_of(job))
    hit = known_label(job, heard)
    if hit is not None:
        verdict = _proven(_of_rule(hit, heard), job)
        return concluded(context, CLASSIFY, MessageClassified, result=verdict.result(), **verdict.fields())
    answer = await ask(context, tasks.classify, classify_question(job))
    verdict = _proven(_of_model(job, answer, heard), job)
    also = suppression(job, "model/opt-out", opt_out=True, bounce=False) if verdict.opt_out else ()
    return concluded(
        context, CLASSIFY, MessageClassified, result=verdict.result(), ai=answer, also=also, **verdict.fields()
    )


def classify_question(job: JobInput) -> Classify:
    """What a model is asked about the message."""
    return Classify(facts=ClassifyFacts(channel=job.message.channel), lead=lead_of(job))


def known_label(job: JobInput, heard: Heard) -> RuleHit | None:
    """The label, where no model is needed: machines are recognised before a date of theirs can move anything."""
    if heard.hit is not None:
        return heard.hit
    for one in job.signals:
        if one.message_id == job.message.message_id and one.signal in _SIGNALLED:
            return RuleHit(f"provider/{one.signal}", _SIGNALLED[one.signal])
    return RuleHit("provider/automated", "Automated Reply") if job.message.is_automated else None


def _of_rule(hit: RuleHit, heard: Heard) -> Verdict:
    suspected = heard.words.injection_suspected
    return Verdict(
        label=hit.label,
        confidence=1.0,
        contains_phone=heard.phone,
        # A label by the provider's word is a machine's, whose dates book nothing.
        proposed_time=heard.proposed_time,
        is_automated=hit.label in MACHINE or hit.rule == _CALENDAR,
        rule=hit.rule,
        injection_suspected=suspected,
        needs_review=suspected,
    )


def _of_model(job: JobInput, answer: AIResult[Classified], heard: Heard) -> Verdict:
    value = answer.value
    suspected = answer.injection_suspected or heard.words.injection_suspected
    label = "Blacklist" if value.opt_out else value.label
    # A Blacklist nobody can account for stops drafts, but only a person or a rule ends the contact.
    is_bare = label == "Blacklist" and not value.opt_out
    return Verdict(
        label=label,
        confidence=value.confidence,
        opt_out=value.opt_out,
        # Only mail systems bounce: elsewhere "blocked" and "bounced" are words of people.
        bounce=value.bounce and job.message.channel == "email",
        contains_phone=heard.phone or value.contains_phone,
        proposed_time=value.proposed_time and label not in MACHINE,
        is_automated=label in MACHINE,
        rule=answer.rule or "",
        answered_label=value.label if label != value.label else None,
        needs_review=answer.needs_review or suspected or is_bare or value.confidence < SURE,
        injection_suspected=suspected,
    )


def _proven(verdict: Verdict, job: JobInput) -> Verdict:
    """A meeting is booked when the provider or the calendar says so; a lead that says so asks for one."""
    if verdict.label != "Meeting Booked":
        return verdict
    if verdict.rule == _CALENDAR:
        return replace(verdict, evidence="calendar_acceptance")
    if signal(job, "meeting_booked") is not None:
        return replace(verdict, evidence="meeting_booked")
    return replace(verdict, label="Meeting Requested", answered_label="Meeting Booked")


STEP = Step(CLASSIFY, handing_over(CLASSIFY, run), dependency="ai", deadline=90.0)
