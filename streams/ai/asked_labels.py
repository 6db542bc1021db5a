"""Labels a file of replies with the model that jobs would ask, as jobs would: rules first, then the model."""

import asyncio
import time
from collections.abc import Sequence

import msgspec

from headrace.events.ai import AiCalled
from streams.ai import tasks
from streams.ai.asking import Desk, ask
from streams.ai.evaluation import Labelled, Report, compare
from streams.ai.labels import Label
from streams.ai.local.classifier import Classification
from streams.ai.provider import Caller
from streams.ai.questions import Classify, ClassifyFacts, Lead, Said
from streams.ai.rules.cleaning import own_words
from streams.ai.rules.decision import decide
from streams.ai.rules.phone import find_phone
from streams.ai.rules.proposed_time import proposes_time

#: Questions under way at once: few enough for the smallest account.
AT_ONCE = 8


class _Answered(msgspec.Struct, frozen=True):
    """A label, and what it took."""

    found: Classification
    ms: float
    calls: tuple[AiCalled, ...] = ()


async def evaluate_asked(desk: Desk, data: Sequence[Labelled], *, timeout_s: float) -> Report:
    """Asks once for each reply that no rule decides. Raises AIError with the first failure: that is no label."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def answered(item: Labelled) -> _Answered:
        async with slots:
            return await _label(desk, item, timeout_s)

    try:
        answers = await asyncio.gather(*(answered(item) for item in data))
    finally:
        await desk.provider.close()
    calls = [call for answer in answers for call in answer.calls]
    costs = [call.cost_micro_usd for call in calls]
    return compare(
        data,
        [answer.found for answer in answers],
        [answer.ms for answer in answers],
        provider=desk.provider.name,
        model=next((call.model for call in calls), desk.provider.model),
        cost_micro_usd=None if None in costs else sum(cost or 0 for cost in costs),
    )


async def _label(desk: Desk, item: Labelled, timeout_s: float) -> _Answered:
    began = time.perf_counter()
    reply, words = item.reply, own_words(item.reply)
    hit = decide(reply, words)
    calls: list[AiCalled] = []
    if hit is not None:
        found = _classification(hit.label, item, opt_out=hit.opt_out, bounce=hit.bounce, rule=hit.rule)
    else:
        history = tuple(Said(turn.direction, turn.text) for turn in reply.history)
        lead = Lead(text=words.with_signature, subject=reply.subject or None, history=history)
        question = Classify(facts=ClassifyFacts(channel=reply.channel), lead=lead)
        answer = await ask(desk, tasks.classify(question, _nobody(item.id)), timeout_s=timeout_s, record=calls.append)
        value = answer.value
        label: Label = "Blacklist" if value.opt_out else value.label
        found = _classification(
            label, item, opt_out=value.opt_out, bounce=value.bounce, confidence=value.confidence, model=answer.model
        )
    return _Answered(found, (time.perf_counter() - began) * 1000, tuple(calls))


def _classification(
    label: Label,
    item: Labelled,
    *,
    opt_out: bool,
    bounce: bool,
    rule: str | None = None,
    confidence: float = 1.0,
    model: str = "rules",
) -> Classification:
    words = own_words(item.reply)
    return Classification(
        label=label,
        opt_out=opt_out,
        bounce=bounce,
        contains_phone=find_phone(words.with_signature),
        proposed_time=proposes_time(label, words.text),
        confidence=confidence,
        rule=rule,
        model=model,
        injection_suspected=words.injection_suspected,
        needs_review=words.injection_suspected,
        probabilities={},
    )


def _nobody(reply_id: str) -> Caller:
    return Caller(
        receipt_id="", workspace="", lead_id="", message_id=reply_id, job_id="", job_type="EVALUATION", step=""
    )
