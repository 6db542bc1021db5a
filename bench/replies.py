"""Fills `messages`, `jobs` and `enrichments` with what replies lead to, as the pipeline and the jobs app write it.

Each reply comes with its lead's state, six notices of what was sent to that lead, the life of its two jobs and the
conclusions of their steps: 30 events, in the order in which they would have come.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.topics import Filling
from headrace.events.codec import Codec
from headrace.events.enrichments import (
    AiUse,
    BookingDeclined,
    DraftCreated,
    FollowUpScheduled,
    LeadScored,
    LeadStateChanged,
    MessageClassified,
    MessageScreened,
    ReplyDecided,
    TimeZone,
)
from headrace.events.envelope import Envelope
from headrace.events.ids import conversation_id, derived_id, event_id, lead_id, message_id
from headrace.events.inbox import Address, Campaign, Identity, Person
from headrace.events.job_plan import POST_PROCESS, SCORING, STEPS, job_id
from headrace.events.jobs import JobRequested, JobStarted, JobStepFinished, JobSucceeded, JobType, StepAnswer
from headrace.events.messages import LeadChanged, MessageReceived, MessageSent
from headrace.events.topics import ENRICHMENTS, JOBS, MESSAGES, Topic

#: Events of one reply in all three topics.
EVENTS_OF_A_REPLY = 30
_NOTICES = 6
_WORKSPACES = 20
_START = datetime(2026, 3, 2, tzinfo=UTC)
_JOB: JobType = POST_PROCESS["smartlead"]
_WORDS = (
    "thanks",
    "for",
    "reaching",
    "out",
    "we",
    "looked",
    "at",
    "pricing",
    "and",
    "would",
    "like",
    "to",
    "hear",
    "more",
)
_SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_USE: dict[str, Any] = {"provider": "openai", "model": "gpt-5-mini", "prompt_version": 1, "prompt_sha256": _SHA}


class Replies:
    """Writes the events of numbered replies; the same number gives the same events."""

    def __init__(self, seed: int = 0) -> None:
        chance = random.Random(seed)  # noqa: S311
        self._texts = [" ".join(chance.choices(_WORDS, k=chance.randint(8, 60))).capitalize() for _ in range(500)]
        self._codec = Codec()
        self._types: dict[type, str] = {}

    def of(self, number: int) -> Iterator[tuple[Topic, Filling]]:
        """All events of a reply with their topics. Every second reply is another one of the lead before."""
        reply = _Reply(number, self._texts[number % len(self._texts)])
        for topic, part, event in (*reply.messages(), *reply.job(), *reply.scoring()):
            yield topic, self._filling(reply, event, part)

    def _filling(self, reply: "_Reply", event: Any, part: str) -> Filling:
        type_ = self._codec.type_of(event)
        envelope = Envelope(
            id=event_id(type_, reply.message, part),
            type=type_,
            source="/jobs",
            time=reply.at,
            subject=reply.lead,
            receipt_id=reply.receipt,
            workspace=reply.workspace,
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        return Filling(reply.lead.encode(), self._codec.encode(event), envelope.headers())


class _Reply:
    def __init__(self, number: int, text: str) -> None:
        person = number // 2
        self.number = number
        self.text = text
        self.workspace = f"workspace-{person % _WORKSPACES:02d}"
        self.email = f"person.{person}@company-{person % 1000}.example"
        self.lead = lead_id(self.workspace, "email", self.email)
        self.message = message_id(self.workspace, "smartlead", "inbound", f"<{number}@mx.example>")
        self.receipt = derived_id("receipt", str(number))
        self.at = _START + timedelta(milliseconds=1234 * number, microseconds=number % 1000)

    def messages(self) -> Iterator[tuple[Topic, str, Any]]:
        yield MESSAGES, "lead", self._lead()
        for notice in range(_NOTICES):
            id_ = message_id(self.workspace, "smartlead", "outbound", f"<{self.number}-{notice}@mx.example>")
            yield MESSAGES, f"sent-{notice}", MessageSent(**self._message(id_, f"<{self.number}-{notice}@mx.example>"))
        received = self._message(self.message, f"<{self.number}@mx.example>") | {
            "direction": "inbound",
            "source": "direct",
            "provider_event": "EMAIL_REPLY",
            "html": f"<html><body><p>{self.text}</p></body></html>" if self.number % 3 == 0 else None,
        }
        yield MESSAGES, "received", MessageReceived(**received)

    def job(self) -> Iterator[tuple[Topic, str, Any]]:
        about = self._about(_JOB)
        yield JOBS, "requested", JobRequested(**about, due_at=self.at)
        yield JOBS, "started", JobStarted(**about, attempt=1, worker="jobs-0")
        for step, conclusion in zip(STEPS[_JOB], self._conclusions(), strict=True):
            yield ENRICHMENTS, step, conclusion
            yield JOBS, step, self._finished(about, step)
        yield JOBS, "scoring", JobRequested(**self._about(SCORING), due_at=self.at)
        yield JOBS, "succeeded", JobSucceeded(**about, attempt=1, started_at=self.at, worker="jobs-0")

    def scoring(self) -> Iterator[tuple[Topic, str, Any]]:
        about = self._about(SCORING)
        yield JOBS, "score-started", JobStarted(**about, attempt=1, worker="jobs-0")
        score = LeadScored(**self._concluded("score", SCORING), fit=3, intent=2, overall=3, reasoning=self.text)
        yield ENRICHMENTS, "score", score
        yield JOBS, "score", self._finished(about, "score")
        yield JOBS, "score-succeeded", JobSucceeded(**about, attempt=1, started_at=self.at, worker="jobs-0")

    def _lead(self) -> LeadChanged:
        return LeadChanged(
            receipt_id=self.receipt,
            workspace=self.workspace,
            lead_id=self.lead,
            created_at=_START,
            changed_at=self.at,
            identities=(
                Identity(kind="email", value=self.email),
                Identity(kind="phone", value=f"+1312555{self.number // 2:07d}"),
            ),
            person=Person(first_name="Dana", last_name=f"Person {self.number}", company="Orbit"),
            email=self.email,
            campaign=_CAMPAIGN,
        )

    def _message(self, id_: str, provider_id: str) -> dict[str, Any]:
        return {
            "receipt_id": self.receipt,
            "workspace": self.workspace,
            "provider": "smartlead",
            "lead_id": self.lead,
            "message_id": id_,
            "conversation_id": conversation_id(self.workspace, "smartlead", self.email),
            "channel": "email",
            "direction": "outbound",
            "source": "campaign",
            "provider_event": "EMAIL_SENT",
            "provider_message_id": provider_id,
            "sent_at": self.at,
            "received_at": self.at,
            "text": self.text,
            "body": self.text,
            "subject": "Re: a short question",
            "campaign": _CAMPAIGN,
            "account": "sales@acme.example",
            "from_address": Address(address=self.email),
            "to_addresses": (Address(address="sales@acme.example"),),
        }

    def _about(self, type_: JobType) -> dict[str, Any]:
        return {
            "job_id": job_id(self.message, type_),
            "workspace": self.workspace,
            "lead_id": self.lead,
            "type": type_,
            "message_id": self.message,
            "receipt_id": self.receipt,
            "at": self.at,
        }

    def _finished(self, about: dict[str, Any], step: str) -> JobStepFinished:
        asked = step in ("classify", "draft", "score")
        answer = StepAnswer(**_USE, feature=step, value={"text": self.text}, prompt_key=step, words_sha256=_SHA)
        result = {"label": "Interested", "confidence": 0.93} if asked else {}
        return JobStepFinished(**about, step=step, attempt=1, result=result, answers=(answer,) if asked else ())

    def _concluded(self, step: str, type_: JobType = _JOB) -> dict[str, Any]:
        about = self._about(type_)
        del about["type"]
        asked = step in ("classify", "draft", "score")
        ai = AiUse(**_USE, prompt_key=step) if asked else None
        return about | {"job_type": type_, "step": step, "sent_at": self.at, "received_at": self.at, "ai": ai}

    def _conclusions(self) -> tuple[Any, ...]:
        of = self._concluded
        draft: dict[str, Any] = {"draft_id": derived_id("draft", self.message, "email"), "channel": "email"}
        return (
            MessageScreened(**of("opt_out_and_bounce")),
            MessageClassified(**of("classify"), label="Interested", confidence=0.93),
            LeadStateChanged(**of("lead_state"), status="qualified", label="Interested", open_work="pause"),
            FollowUpScheduled(
                **of("follow_up_timing"), kind="recontact", due_at=self.at, timezone=_ZONE, confidence=0.8
            ),
            BookingDeclined(**of("booking_decision"), reason="auto_booking_off", process="offered_slots"),
            DraftCreated(**of("draft"), **draft, body=self.text),
            ReplyDecided(
                **of("decide_reply"),
                **draft,
                decision="needs_review",
                reasons=("setter_managed",),
                threshold=0.9,
                response_mode="SETTER_MANAGED",
            ),
        )


_CAMPAIGN = Campaign(id="4711", name="Spring outreach")
_ZONE = TimeZone(name="America/Chicago", evidence="phone")
