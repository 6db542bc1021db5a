"""A small world for steps: a lead, its messages, a workspace, and a model whose answers the test writes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from headrace.events.ai import AiCalled
from headrace.events.enrichments import Enrichment
from headrace.events.inbox import Address, Campaign, Identity, Person
from headrace.events.messages import LeadChanged, LeadSignalled, LeadSuppressed, Message, MessageReceived, MessageSent
from headrace.events.workspaces import JobSettings, WorkspaceFacts
from streams.ai.answers import Booking, Classified, Draft, FollowUpTiming, ReplyDecision, Score
from streams.ai.asking import Desk
from streams.ai.pricing import ModelPrice, PriceTable
from streams.ai.provider import Feature
from streams.ai.reading import Read, read_here
from streams.ai.scripted_provider import Scripted, ScriptedProvider
from streams.ai.tasks import DEFAULT_TIMEOUTS
from streams.jobs.budget_ledger import BudgetLedger
from streams.jobs.context import Context, Profile, StepCall
from streams.jobs.desk_ai import DeskAi
from streams.jobs.step import JobInput, Step, StepFailed, StepOutcome
from streams.jobs.types import JOB_TYPES

NOW = datetime(2026, 3, 2, 15, 5, tzinfo=UTC)
SENT = datetime(2026, 3, 2, 15, 4, 11, tzinfo=UTC)
FACTS = WorkspaceFacts(
    sender_name="Dana",
    company="Acme North",
    service="recover unpaid claims",
    calendar_link="https://cal.example.com/dana",
    offered_slots=(datetime(2026, 3, 5, 21, 0, tzinfo=UTC), datetime(2026, 3, 6, 16, 0, tzinfo=UTC)),
    answers={"pricing": "We work on a success fee of 15 %."},
    ideal_customer="Clinics with many locations.",
)
_FEATURES: dict[type[BaseModel], Feature] = {
    Classified: "sentiment.classify",
    Draft: "draft.generate",
    ReplyDecision: "auto_send.evaluate",
    FollowUpTiming: "followup.extract_timing",
    Booking: "meeting.extract",
    Score: "lead_scoring.score",
}


@dataclass
class Ran:
    """What running some steps left behind."""

    enrichments: list[Any] = field(default_factory=list)
    suppressions: list[LeadSuppressed] = field(default_factory=list)
    calls: list[AiCalled] = field(default_factory=list)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def of(self, step: str) -> Any:
        """The one event of a step."""
        (event,) = (event for event in self.enrichments if event.step == step)
        return event

    def add(self, step: str, outcome: StepOutcome, calls: Sequence[Any]) -> None:
        """Take in what a step left."""
        self.results[step] = outcome.result
        if outcome.skipped:
            self.skipped[step] = outcome.skipped
        self.calls += calls
        for emitted in outcome.emitted:
            into: dict[str, list[Any]] = {"enrichments": self.enrichments, "messages": self.suppressions}
            into[emitted.topic].append(emitted.event)


class World:
    """Defaults for everything; a test changes what it is about."""

    def __init__(self) -> None:
        self.settings = JobSettings(response_mode="AI_AUTO_SEND", facts=FACTS)
        self.timezone = "America/Chicago"
        self.now = NOW
        self.lead: LeadChanged | None = self.made_lead()
        self.signals: tuple[LeadSignalled, ...] = ()
        self.suppressed: str | None = None
        self.label: str | None = None
        self.label_at: datetime | None = None
        self.earlier: list[Message] = []
        self.attempt = 1
        self.read: Read = read_here
        self.answers: list[BaseModel | Scripted | tuple[Feature, Scripted]] = []
        self.asked: list[Any] = []
        self.embedded: list[BaseModel] = []
        self.job_type = "SMS_INBOUND_POST_PROCESS"
        self.prices = PriceTable({"scripted": ModelPrice(input=Decimal(1), cached=Decimal(1), output=Decimal(1))})

    def made_lead(self, **fields: Any) -> LeadChanged:
        """The lead."""
        shared: dict[str, Any] = {
            "receipt_id": "r0",
            "workspace": "acme",
            "lead_id": "l1",
            "created_at": SENT,
            "changed_at": SENT,
            "identities": (Identity(kind="phone", value="+13125550148"),),
            "person": Person(first_name="Mara", company="Clinics United"),
            "phone": "+13125550148",
            "campaign": Campaign(id="c1"),
        }
        return LeadChanged(**(shared | fields))

    def message(self, text: str, *, minutes: int = 0, inbound: bool = True, **fields: Any) -> Message:
        """A message, `minutes` after the one the job is about."""
        shared: dict[str, Any] = {
            "receipt_id": "r1",
            "workspace": "acme",
            "provider": "ghl",
            "lead_id": "l1",
            "message_id": f"m{minutes}",
            "conversation_id": "conv",
            "channel": "sms",
            "direction": "inbound" if inbound else "outbound",
            "source": "direct",
            "provider_event": "sms",
            "provider_message_id": None,
            "sent_at": SENT + timedelta(minutes=minutes),
            "received_at": SENT + timedelta(minutes=minutes, seconds=1),
            "text": text,
            "body": fields.get("body", text),
        }
        return (MessageReceived if inbound else MessageSent)(**(shared | fields))

    def signal(self, kind: Any, *, minutes: int = 0, message_id: str | None = None) -> LeadSignalled:
        """What the provider says, `minutes` after the message."""
        return LeadSignalled(
            receipt_id="r2",
            workspace="acme",
            lead_id="l1",
            provider="ghl",
            signal=kind,
            occurred_at=SENT + timedelta(minutes=minutes),
            received_at=SENT + timedelta(minutes=minutes),
            provider_event="x",
            message_id=message_id,
        )

    def email(self, text: str, subject: str = "Re: claims", **fields: Any) -> Message:
        """The job's message as an e-mail."""
        shared: dict[str, Any] = {
            "provider": "smartlead",
            "channel": "email",
            "subject": subject,
            "from_address": Address(address="mara@clinics.example", name="Mara Lind"),
        }
        return self.message(text, **(shared | fields))

    async def run(self, message: Message | str, steps: Sequence[Step] = JOB_TYPES["SMS_INBOUND_POST_PROCESS"]) -> Ran:
        """Run the steps in turn. Raises StepFailed like the engine sees it, its calls in `self.failed_calls`."""
        given = self.message(message) if isinstance(message, str) else message
        job = self.job_input(given)
        profile = Profile("acme", "Acme North", self.timezone, self.settings)
        provider, embedded = self.provider(self.answers), self.provider(self.embedded)
        desk = Desk(provider=provider, prices=self.prices, now=lambda: self.now)
        second = Desk(provider=embedded, prices=PriceTable({}), now=lambda: self.now)
        ledger = BudgetLedger(lambda: self.now)
        ran = Ran()
        for step in steps:
            call = StepCall(job=job, step=step.name, workspace=profile, receipt_id="r1", traceparent="")
            ai = DeskAi(call, desk, second, DEFAULT_TIMEOUTS, ledger, lambda _workspace: self.read)
            try:
                outcome = await step.run(Context(job, profile, dict(ran.results), self.now, ai, self.read))
            except StepFailed:
                self.failed_calls = list(ai.take_calls())
                raise
            finally:
                self.asked = [*provider.asked, *embedded.asked]
            ran.add(step.name, outcome, ai.take_calls())
            if outcome.ends_job:
                break
        said = [event.step for event in ran.enrichments]
        assert len(said) == len(set(said))
        assert said[: len(steps)] == [step.name for step in steps]
        assert all(isinstance(event, Enrichment) for event in ran.enrichments)
        return ran

    def job_input(self, message: Message) -> JobInput:
        """The job of a message."""
        return JobInput(
            job_id="j1",
            type=self.job_type,
            attempt=self.attempt,
            generation=1,
            workspace="acme",
            lead_id="l1",
            message=message,
            conversation=(*self.earlier, message),
            lead=self.lead,
            suppressed_reason=self.suppressed,
            label=self.label,
            label_at=self.label_at,
            signals=self.signals,
        )

    def provider(self, answers: Sequence[BaseModel | Scripted | tuple[Feature, Scripted]]) -> ScriptedProvider:
        """A model that gives these answers, each to the question it fits."""
        script: dict[tuple[Feature, str], list[Scripted]] = {}
        for answer in answers:
            if isinstance(answer, tuple):
                script.setdefault((answer[0], "*"), []).append(answer[1])
            elif isinstance(answer, Scripted):
                for feature in DEFAULT_TIMEOUTS:
                    script.setdefault((feature, "*"), []).append(answer)
            else:
                script.setdefault((_FEATURES[type(answer)], "*"), []).append(Scripted(value=answer))
        return ScriptedProvider(script)


@pytest.fixture
def world() -> World:
    """A fresh world."""
    return World()


@pytest.fixture
def classified() -> Callable[..., Classified]:
    """A classifier's answer."""

    def answer(label: str, **fields: Any) -> Classified:
        shared: Mapping[str, Any] = {
            "label": label,
            "opt_out": False,
            "bounce": False,
            "contains_phone": None,
            "proposed_time": False,
            "confidence": 0.95,
        }
        return Classified.model_validate({**shared, **fields})

    return answer
