"""Hears opt-outs, bounces, abuse and wrong numbers by rules: first, on every channel, before any model."""

from headrace.events.enrichments import MessageClassified, MessageScreened
from streams.ai.reading import Unreadable
from streams.jobs.step import Step, StepContext, StepOutcome
from streams.jobs.steps.concluding import concluded
from streams.jobs.steps.hearing import hear
from streams.jobs.steps.reading import own_reply_of, reply_of
from streams.jobs.steps.suppressing import suppression
from streams.jobs.steps.verdict import SCREEN, UNREADABLE, Verdict


async def run(context: StepContext) -> StepOutcome:
    """Suppresses the lead and labels the message, or finds nothing. What can't be read is left to a person."""
    job = context.job
    try:
        heard = await context.read(hear, own_reply_of(job), reply_of(job))
    except Unreadable:
        return concluded(context, SCREEN, MessageClassified, result=UNREADABLE.result(), **UNREADABLE.fields())
    hit, suspected = heard.hit, heard.words.injection_suspected
    if hit is None or hit.label != "Blacklist":
        return concluded(
            context, SCREEN, MessageScreened, result={"injection_suspected": suspected}, injection_suspected=suspected
        )
    verdict = Verdict(
        label="Blacklist",
        confidence=1.0,
        opt_out=hit.opt_out,
        bounce=hit.bounce,
        rule=hit.rule,
        injection_suspected=suspected,
    )
    also = suppression(job, hit.rule, opt_out=hit.opt_out, bounce=hit.bounce)
    return concluded(context, SCREEN, MessageClassified, result=verdict.result(), also=also, **verdict.fields())


#: Long enough to wait for all that the workspace's other leads wrote at once, if all of it must be given up.
STEP = Step(SCREEN, run, deadline=120.0)
