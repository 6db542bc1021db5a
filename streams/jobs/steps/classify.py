"""Labels one message, by rules where they are sure, else by the model, and asks for proof where a label needs it."""

from msgspec.structs import replace

from events.enrichments import MessageClassified, MessageLabel
from streams.ai import tasks
from streams.ai.answers import Classified
from streams.ai.provider import AIResult
from streams.ai.questions import Classify, ClassifyFacts
from streams.ai.rules.cleaning import own_words
from streams.ai.rules.decision import RuleHit, decide
from streams.ai.rules.phone import find_phone
from streams.ai.rules.proposed_time import proposes_time
from streams.jobs.step import JobInput, Step, StepContext, StepOutcome
from streams.jobs.steps.asking import ask
from streams.jobs.steps.concluding import concluded, skipped
from streams.jobs.steps.reading import lead_of, reply_of, signal, words_of
from streams.jobs.steps.suppressing import suppression
from streams.jobs.steps.verdict import CLASSIFY, MACHINE, SCREEN, Verdict

#: Below it a label is a guess, and a person should look.
SURE = 0.30
_CALENDAR = "calendar-acceptance"
#: What a provider calls a machine's message, and its label.
_SIGNALLED: dict[str, MessageLabel] = {"out_of_office": "Out of Office", "automated_reply": "Automated Reply"}


async def run(context: StepContext) -> StepOutcome:
    """The label of the message, whatever label the lead had before."""
    if "label" in context.results[SCREEN]:
        return skipped(context, CLASSIFY, "blacklisted_by_rule")
    hit = known_label(context.job)
    if hit is not None:
        verdict = _proven(_of_rule(context.job, hit), context.job)
        return concluded(context, CLASSIFY, MessageClassified, result=verdict.result(), **verdict.fields())
    answer = await ask(context, tasks.classify, classify_question(context.job))
    verdict = _proven(_of_model(context.job, answer), context.job)
    also = suppression(context.job, "model/opt-out", opt_out=True, bounce=False) if verdict.opt_out else ()
    return concluded(
        context, CLASSIFY, MessageClassified, result=verdict.result(), ai=answer, also=also, **verdict.fields()
    )


def classify_question(job: JobInput) -> Classify:
    """What a model is asked about the message."""
    return Classify(facts=ClassifyFacts(channel=job.message.channel), lead=lead_of(job))


def known_label(job: JobInput) -> RuleHit | None:
    """The label, where no model is needed: machines are recognised before a date of theirs can move anything."""
    hit = decide(reply_of(job), words_of(job))
    if hit is not None:
        return hit
    for one in job.signals:
        if one.message_id == job.message.message_id and one.signal in _SIGNALLED:
            return RuleHit(f"provider/{one.signal}", _SIGNALLED[one.signal])
    return RuleHit("provider/automated", "Automated Reply") if job.message.is_automated else None


def _of_rule(job: JobInput, hit: RuleHit) -> Verdict:
    words = words_of(job)
    return Verdict(
        label=hit.label,
        confidence=1.0,
        contains_phone=_phone(job),
        proposed_time=proposes_time(hit.label, words.text),
        is_automated=hit.label in MACHINE or hit.rule == _CALENDAR,
        rule=hit.rule,
        injection_suspected=words.injection_suspected,
        needs_review=words.injection_suspected,
    )


def _of_model(job: JobInput, answer: AIResult[Classified]) -> Verdict:
    value = answer.value
    suspected = answer.injection_suspected or words_of(job).injection_suspected
    label = "Blacklist" if value.opt_out else value.label
    # A Blacklist nobody can account for stops drafts, but only a person or a rule ends the contact.
    is_bare = label == "Blacklist" and not value.opt_out
    return Verdict(
        label=label,
        confidence=value.confidence,
        opt_out=value.opt_out,
        # Only mail systems bounce: elsewhere "blocked" and "bounced" are words of people.
        bounce=value.bounce and job.message.channel == "email",
        contains_phone=_phone(job) or value.contains_phone,
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


def _phone(job: JobInput) -> str | None:
    return find_phone(own_words(reply_of(job)).with_signature)


STEP = Step(CLASSIFY, run, dependency="ai", deadline=90.0)
