"""The default provider: answers without network, key or cost, the same every time."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Protocol, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from streams.ai import local_judgement
from streams.ai.answers import Classified
from streams.ai.follow_up_timing import read_timing
from streams.ai.local_booking import read_booking
from streams.ai.local_drafts import write_draft
from streams.ai.provider import AIResult, AIRetryable, AITask, Call, Usage
from streams.ai.questions import (
    Classify,
    DecideReply,
    ExtractBooking,
    ExtractTiming,
    Lead,
    Question,
    ScoreLead,
    WriteDraft,
)
from streams.ai.reading import ReadOf, aside
from streams.ai.rules.reply import Reply, Turn
from streams.ai.templates import template_version
from streams.ai.untrusted import TEXT_LIMIT, cleaned, screened_lead

if TYPE_CHECKING:
    from streams.ai.local.classifier import Classification

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class _Spoken:
    """An answer and who gave it."""

    value: BaseModel
    model: str
    rule: str | None = None
    needs_review: bool = False
    injection_suspected: bool = False


class ReplyClassifier(Protocol):
    """What labels a reply."""

    def classify(self, reply: Reply, /) -> "Classification":
        """The label with its evidence; the same every time."""


class LocalProvider:
    """Rules, templates and the embedded classifier, which is loaded at the first task."""

    name = "local"
    api = "local"

    def __init__(self, classifier: Callable[[], ReplyClassifier] | None = None, read_of: ReadOf = aside) -> None:
        """`classifier` makes the classifier; the shipped one unless a test gives another."""
        self._classifier = shipped_classifier if classifier is None else cache(classifier)
        self._read_of = read_of

    @property
    def model(self) -> str:
        """What writes and scores. Each classification names the classifier that spoke."""
        return _model()

    async def run(self, task: AITask[T], budget_s: float) -> AIResult[T]:
        """See `AIProvider.run`. Failures of the classifier's own files are bugs or a broken install, and pass.

        Raises Unreadable, too.
        """
        if budget_s <= 0:
            raise ValueError("a task needs time: give budget_s in seconds, above 0")
        started = time.monotonic()
        try:
            async with asyncio.timeout(budget_s):
                # Embeddings take tens of milliseconds, in which other jobs go on.
                read = self._read_of(task.caller.workspace)
                spoken = await read(_answer, task.question, task.caller.message_id, self._classifier)
        except TimeoutError:
            raise AIRetryable("timeout", calls=(_late(self.model, started),)) from None
        latency_ms = _ms_since(started)
        value = task.answer.model_validate(spoken.value)
        call = Call(
            model=spoken.model, latency_ms=latency_ms, status="ok", usage=Usage(), billing="none", finish="stop"
        )
        return AIResult(
            value=value,
            provider=self.name,
            model=spoken.model,
            api=self.api,
            prompt=task.prompt,
            usage=call.usage,
            latency_ms=latency_ms,
            finish="stop",
            calls=(call,),
            injection_suspected=spoken.injection_suspected,
            needs_review=spoken.needs_review,
            rule=spoken.rule,
        )

    async def close(self) -> None:
        """Nothing is open."""


def _answer(question: Question, message_id: str, classifier: Callable[[], ReplyClassifier]) -> _Spoken:
    screened = screened_lead(question.lead)
    if isinstance(question, Classify):
        spoken = _classified(question, classifier())
        return replace(spoken, injection_suspected=spoken.injection_suspected or screened.injection_suspected)
    value = _written(question, screened.lead, message_id)
    return _Spoken(value=value, model=_model(), injection_suspected=screened.injection_suspected)


def _written(
    question: WriteDraft | DecideReply | ExtractTiming | ExtractBooking | ScoreLead, lead: Lead, message_id: str
) -> BaseModel:
    match question:
        case WriteDraft():
            return write_draft(WriteDraft(facts=question.facts, lead=lead), message_id)
        case DecideReply():
            return local_judgement.decide_reply(question)
        case ExtractTiming():
            written = question.facts.sent_at.astimezone(ZoneInfo(question.facts.timezone))
            return read_timing(lead.text, written, is_deferral=question.facts.label == "Follow Up")
        case ExtractBooking():
            return read_booking(lead.text, question.facts)
        case ScoreLead():
            return local_judgement.score(ScoreLead(facts=question.facts, lead=lead))


def _classified(question: Classify, classifier: ReplyClassifier) -> _Spoken:
    lead = question.lead
    found = classifier.classify(
        Reply(
            channel=question.facts.channel,
            subject=lead.subject or "",
            text=cleaned(lead.text, TEXT_LIMIT),
            history=tuple(Turn(said.direction, said.text) for said in lead.history),
        )
    )
    value = Classified(
        label=found.label,
        opt_out=found.opt_out,
        bounce=found.bounce,
        contains_phone=found.contains_phone,
        proposed_time=found.proposed_time,
        confidence=min(1.0, max(0.0, found.confidence)),
    )
    return _Spoken(
        value=value,
        model=found.model,
        rule=found.rule,
        needs_review=found.needs_review,
        injection_suspected=found.injection_suspected,
    )


def _model() -> str:
    return f"rules-{template_version()}"


def _late(model: str, started: float) -> Call:
    return Call(
        model=model,
        latency_ms=_ms_since(started),
        status="error",
        usage=Usage(),
        billing="none",
        error="timeout",
        error_class="transient",
    )


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


@cache
def shipped_classifier() -> ReplyClassifier:
    """The embedded classifier, loaded once a process."""
    from streams.ai.local.classifier import LocalClassifier  # noqa: PLC0415 - numpy and the model load when first used

    return LocalClassifier()
