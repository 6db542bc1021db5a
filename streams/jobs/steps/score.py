"""Scores the lead after each of its messages: fit, intent and overall, 1 to 4."""

from headrace.events.enrichments import LeadScored, MessageLabel
from streams.ai import tasks
from streams.ai.questions import ScoreFacts, ScoreLead
from streams.jobs.step import ForPerson, Step, StepContext, StepFailed, StepOutcome, is_suppressed
from streams.jobs.steps.asking import ask
from streams.jobs.steps.concluding import concluded, skipped
from streams.jobs.steps.facts import business_of, facts_of
from streams.jobs.steps.hearing import hear
from streams.jobs.steps.reading import lead_of, own_reply_of, reply_of
from streams.jobs.steps.unreadable import skipped_when_unreadable

NAME = "score"


async def run(context: StepContext) -> StepOutcome:
    """The score; the lowest, without a model, for a lead nobody may write to."""
    job = context.job
    label = await _label(context)
    if job.suppressed_reason is not None or label == "Blacklist":
        why = "Nobody may write to the lead any more."
        return concluded(context, NAME, LeadScored, fit=1, intent=1, overall=1, reasoning=why)
    facts = ScoreFacts(channel=job.message.channel, label=label, business=business_of(facts_of(context)))
    try:
        answer = await ask(context, tasks.score, ScoreLead(facts=facts, lead=lead_of(job)))
    except ForPerson as failure:
        # Nobody waits for a score, and the next message brings another.
        return skipped(context, NAME, failure.person_reason)
    score = answer.value
    return concluded(
        context,
        NAME,
        LeadScored,
        ai=answer,
        fit=score.fit,
        intent=score.intent,
        overall=score.overall,
        reasoning=score.reasoning,
    )


async def _label(context: StepContext) -> MessageLabel:
    """The lead's label as of this message. Raises StepFailed while the conclusion about it is still on its way."""
    job = context.job
    hit = (await context.read(hear, own_reply_of(job), reply_of(job))).hit
    if hit is not None and hit.label == "Blacklist":
        return hit.label
    if job.label is None or job.label_at is None or job.label_at < job.message.sent_at:
        raise StepFailed("label not known yet", "transient")
    label: MessageLabel = job.label  # type: ignore[assignment]
    return label


STEP = Step(NAME, skipped_when_unreadable(NAME, run), dependency="ai", deadline=60.0, overtaken=is_suppressed)
