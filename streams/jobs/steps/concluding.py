"""How a step says what came of it: its event, with where it comes from, and what later steps need of it."""

from collections.abc import Sequence
from typing import Any, TypeVar

from headrace.events.enrichments import AiUse, Enrichment, StepSkipped
from headrace.events.topics import ENRICHMENTS
from streams.ai.provider import AIResult
from streams.jobs.step import Emitted, StepContext, StepOutcome

E = TypeVar("E", bound=Enrichment)


def concluded(
    context: StepContext,
    step: str,
    event_type: type[E],
    /,
    *,
    result: dict[str, Any] | None = None,
    ai: AIResult[Any] | None = None,
    also: Sequence[Emitted] = (),
    **fields: Any,
) -> StepOutcome:
    """The outcome of a step that did something. `fields` are those that only its event has."""
    event = event_type(**_about(context, step), ai=_use(ai), **fields)
    return StepOutcome(result=result or {}, emitted=(Emitted(topic=ENRICHMENTS.name, event=event), *also))


def skipped(context: StepContext, step: str, reason: str, ai: AIResult[Any] | None = None) -> StepOutcome:
    """The outcome of a step that had nothing to do."""
    event = StepSkipped(**_about(context, step), ai=_use(ai), reason=reason)
    return StepOutcome(skipped=reason, emitted=(Emitted(topic=ENRICHMENTS.name, event=event),))


def _about(context: StepContext, step: str) -> dict[str, Any]:
    job, message = context.job, context.job.message
    return {
        "workspace": job.workspace,
        "lead_id": job.lead_id,
        "message_id": message.message_id,
        "job_id": job.job_id,
        "job_type": job.type,
        "step": step,
        "receipt_id": message.receipt_id,
        "at": context.now,
        "sent_at": message.sent_at,
        "received_at": message.received_at,
    }


def _use(result: AIResult[Any] | None) -> AiUse | None:
    if result is None:
        return None
    return AiUse(
        provider=result.provider,
        model=result.model,
        prompt_key=result.prompt.key,
        prompt_version=result.prompt.version,
        prompt_sha256=result.prompt.sha256,
    )
