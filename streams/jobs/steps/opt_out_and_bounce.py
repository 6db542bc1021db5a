"""Hears opt-outs, bounces, abuse and wrong numbers by rules: first, on every channel, before any model."""

from events.enrichments import MessageClassified, MessageScreened
from streams.ai.rules.decision import decide
from streams.jobs.step import Step, StepContext, StepOutcome
from streams.jobs.steps.concluding import concluded
from streams.jobs.steps.reading import reply_of, words_of
from streams.jobs.steps.suppressing import suppression
from streams.jobs.steps.verdict import SCREEN, Verdict


async def run(context: StepContext) -> StepOutcome:
    """Suppresses the lead and labels the message, or finds nothing."""
    job = context.job
    words = words_of(job)
    hit = decide(reply_of(job), words)
    if hit is None or hit.label != "Blacklist":
        suspected = words.injection_suspected
        return concluded(
            context, SCREEN, MessageScreened, result={"injection_suspected": suspected}, injection_suspected=suspected
        )
    verdict = Verdict(
        label="Blacklist",
        confidence=1.0,
        opt_out=hit.opt_out,
        bounce=hit.bounce,
        rule=hit.rule,
        injection_suspected=words.injection_suspected,
    )
    also = suppression(job, hit.rule, opt_out=hit.opt_out, bounce=hit.bounce)
    return concluded(context, SCREEN, MessageClassified, result=verdict.result(), also=also, **verdict.fields())


STEP = Step(SCREEN, run, deadline=10.0)
