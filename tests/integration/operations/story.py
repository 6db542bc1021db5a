"""One message's whole story in the log, as the processes write it: envelopes, keys and partitions like theirs."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.events.ai import AiCalled
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
    StepSkipped,
    TimeZone,
)
from headrace.events.envelope import Envelope
from headrace.events.ids import conversation_id, derived_id, event_id, lead_id, message_id
from headrace.events.inbox import Identity, Person
from headrace.events.job_plan import SCORING, STEPS, job_id
from headrace.events.jobs import (
    JobDied,
    JobRequested,
    JobRetryScheduled,
    JobStarted,
    JobStepFinished,
    JobSucceeded,
    JobType,
)
from headrace.events.messages import LeadChanged, LeadSignalled, MessageReceived
from headrace.events.receipts import ReceiptJudged
from headrace.events.topics import AI_INTERACTIONS, DEAD_LETTERS, ENRICHMENTS, JOBS, MESSAGES, RECEIPTS, Topic
from headrace.events.webhooks import WebhookMeta, webhook_headers
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings
from tests.integration.operations.installation import CODEC, POST_PROCESS, Installation
from tests.reply_topics import WEBHOOKS_GHL

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
#: What nobody may see without asking for it, and what nobody may see at all.
TEXT = "Zebras would like to hear more"
DRAFT = "Gladly: zebras are our favourites"
SECRET = "k3y-of-the-zebra"
EMAIL = "dana@orbit.example"
PHONE = "+13125550148"
COST = 231


class Story(Installation):
    """Writes stories. `number` tells them apart: each is of a lead of its own unless `lead` says otherwise."""

    def __init__(self, settings: Settings, workspace: str = "acme") -> None:
        super().__init__(settings)
        self.workspace = workspace

    def receipt(self, number: int, repeat: int = 0) -> str:
        return derived_id("receipt", self.workspace, str(number), str(repeat))

    def message_of(self, number: int) -> str:
        return message_id(self.workspace, "ghl", "inbound", f"provider-{number}")

    def lead_of(self, number: int) -> str:
        return lead_id(self.workspace, "email", f"{number}-{EMAIL}")

    def conversation_of(self, number: int) -> str:
        return conversation_id(self.workspace, "ghl", str(number))

    def job_of(self, number: int, type_: JobType = POST_PROCESS) -> str:
        return job_id(self.message_of(number), type_)

    def draft_of(self, number: int) -> str:
        return derived_id("draft", self.message_of(number), "sms")

    def put(self, topic: Topic, event: Any, number: int, *parts: str, key: str = "") -> None:
        """An event with its envelope, under the lead's key."""
        type_ = CODEC.type_of(event)
        envelope = Envelope(
            id=event_id(type_, self.workspace, str(number), *parts),
            type=type_,
            source="/test",
            time=NOW,
            subject=self.lead_of(number),
            receipt_id=event.receipt_id,
            workspace=self.workspace,
        )
        self.keyed(topic, key or self.lead_of(number), CODEC.encode(event), envelope.headers())

    def keyed(self, topic: Topic, key: str, value: bytes, headers: list[tuple[str, bytes]]) -> tuple[int, int]:
        """Writes a record under its key; its partition and offset."""
        partition = key_partition(key.encode(), self.settings.partitions)
        place: list[tuple[int, int]] = []
        self._producer.produce(
            self.settings.topic(topic),
            value,
            key.encode(),
            partition,
            headers=list(headers),
            on_delivery=lambda _, message: place.append((message.partition(), message.offset())),
        )
        assert self._producer.flush(15) == 0
        return place[0]

    def queue(self, topic: Topic, partition: int, value: bytes) -> None:
        """One of many records, to be sent with the next `flush`."""
        self._producer.produce(self.settings.topic(topic), value, b"key", partition)

    def flush(self) -> None:
        """Send what was queued."""
        assert self._producer.flush(30) == 0

    def webhook_of(self, number: int, repeat: int = 0) -> None:
        """Ingest and dedupe: the raw request and its verdict. A repeat is a duplicate."""
        receipt, key = self.receipt(number, repeat), f"{self.workspace}:ghl:InboundMessage:{number}"
        meta = WebhookMeta(
            receipt_id=receipt, provider="ghl", workspace=self.workspace, received_at=NOW + timedelta(minutes=repeat)
        )
        body = json.dumps({"message": {"body": TEXT}, "secret_key": SECRET, "number": number}).encode()
        partition, offset = self.keyed(WEBHOOKS_GHL, key, body, webhook_headers(meta))
        verdict = ReceiptJudged(
            receipt_id=receipt,
            workspace=self.workspace,
            provider="ghl",
            provider_event="InboundMessage",
            verdict="duplicate" if repeat else "fresh",
            dedupe_key=key,
            first_receipt_id=self.receipt(number) if repeat else None,
            received_at=meta.received_at,
            source_topic=self.settings.topic(WEBHOOKS_GHL),
            source_partition=partition,
            source_offset=offset,
            body_bytes=len(body),
            message_ids=() if repeat else (self.message_of(number),),
            fact_count=0 if repeat else 1,
        )
        self.put(RECEIPTS, verdict, number, "verdict", str(repeat), key=key)

    def lead_and_message(self, number: int, *, lead: int | None = None) -> None:
        """Resolve: the lead, its message, and what the provider said of it."""
        of = number if lead is None else lead
        identities = (
            Identity(kind="email", value=f"{of}-{EMAIL}"),
            Identity(kind="phone", value=PHONE[:-1] + str(of)),
        )
        changed = LeadChanged(
            receipt_id=self.receipt(number),
            workspace=self.workspace,
            lead_id=self.lead_of(of),
            created_at=NOW,
            changed_at=NOW,
            identities=identities,
            person=Person(first_name="Dana", last_name=f"Or-bit {of}"),
            email=f"{of}-{EMAIL}",
        )
        received = MessageReceived(
            receipt_id=self.receipt(number),
            workspace=self.workspace,
            provider="ghl",
            lead_id=self.lead_of(of),
            message_id=self.message_of(number),
            conversation_id=self.conversation_of(number),
            channel="sms",
            direction="inbound",
            source="direct",
            provider_event="InboundMessage",
            provider_message_id=f"provider-{number}",
            sent_at=NOW,
            received_at=NOW,
            text=TEXT,
            body=TEXT,
        )
        signal = LeadSignalled(
            receipt_id=self.receipt(number),
            workspace=self.workspace,
            lead_id=self.lead_of(of),
            provider="ghl",
            signal="custom_label",
            occurred_at=NOW,
            received_at=NOW,
            provider_event="Label",
            detail=TEXT,
        )
        for event in (changed, received, signal):
            self.put(MESSAGES, event, number, "messages", key=self.lead_of(of))

    def jobs(self, number: int) -> None:
        """The jobs app: a first attempt that fails at the label, a second that succeeds, and the score."""
        self._attempts(number)
        self._conclusions(number)
        self._scoring(number)

    def _about(self, number: int, type_: JobType = POST_PROCESS) -> dict[str, Any]:
        return {
            "job_id": self.job_of(number, type_),
            "workspace": self.workspace,
            "lead_id": self.lead_of(number),
            "type": type_,
            "message_id": self.message_of(number),
            "receipt_id": self.receipt(number),
            "at": NOW + timedelta(seconds=5),
        }

    def _attempts(self, number: int) -> None:
        about = self._about(number)
        ended: dict[str, Any] = {"started_at": NOW, "worker": "w"}
        events: list[Any] = [
            JobRequested(**about, due_at=NOW),
            JobStarted(**about, attempt=1, worker="w"),
            JobStepFinished(**about, step="opt_out_and_bounce", attempt=1),
            JobRetryScheduled(
                **about, **ended, attempt=1, due_at=NOW, step="classify", error_class="transient", reason="timeout"
            ),
            JobStarted(**about, attempt=2, worker="w"),
            *(
                JobStepFinished(
                    **about,
                    step=step,
                    attempt=2,
                    result={"body": DRAFT} if step == "draft" else {},
                    skipped="nothing_to_do" if step == "lead_state" else "",
                )
                for step in STEPS[POST_PROCESS][1:]
            ),
            JobRequested(**self._about(number, SCORING), due_at=NOW),
            JobSucceeded(**about, **ended, attempt=2),
        ]
        for index, event in enumerate(events):
            self.put(JOBS, event, number, "jobs", str(index))
        self.called(number, "classify", 1, status="error", error="timeout", error_class="transient", billing="unknown")
        self.called(number, "classify", 2, cost_micro_usd=COST)

    def called(self, number: int, step: str, attempt: int, type_: JobType = POST_PROCESS, **fields: Any) -> None:
        """A call to a model."""
        shared: dict[str, Any] = {
            "receipt_id": self.receipt(number),
            "workspace": self.workspace,
            "lead_id": self.lead_of(number),
            "message_id": self.message_of(number),
            "job_id": self.job_of(number, type_),
            "step": step,
            "attempt": attempt,
            "call": 1,
            "called_at": NOW + timedelta(seconds=attempt),
            "source": "background-job/sms-inbound-post-process",
            "feature": "sentiment.classify",
            "prompt_key": "classify",
            "prompt_version": 1,
            "prompt_sha256": "0" * 64,
            "provider": "openai",
            "api": "chat_completions",
            "model": "gpt-5-mini",
            "input_tokens": 900,
            "output_tokens": 80,
            "usage_source": "reported",
            "billing": "metered",
            "cost_micro_usd": None,
            "price_version": "p1",
            "latency_ms": 1200,
            "status": "ok",
            "response_id": f"chatcmpl-{number}-{attempt}",
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
        }
        self.put(AI_INTERACTIONS, AiCalled(**(shared | fields)), number, step, str(attempt), type_)

    def call_of(self, number: int, attempt: int = 2) -> str:
        """The id of a call's event."""
        return event_id("ai.called.v1", self.workspace, str(number), "classify", str(attempt), POST_PROCESS)

    def _concluded(self, number: int, step: str, type_: JobType = POST_PROCESS) -> dict[str, Any]:
        about = self._about(number, type_)
        return {
            **{name: about[name] for name in ("workspace", "lead_id", "message_id", "job_id", "receipt_id", "at")},
            "job_type": type_,
            "step": step,
            "sent_at": NOW,
            "received_at": NOW,
        }

    def _conclusions(self, number: int) -> None:
        use = AiUse(
            provider="openai", model="gpt-5-mini", prompt_key="classify", prompt_version=1, prompt_sha256="0" * 64
        )
        zone = TimeZone(name="America/Chicago", evidence="phone")
        draft: dict[str, Any] = {"draft_id": self.draft_of(number), "channel": "sms"}
        of = self._concluded
        events: list[Any] = [
            MessageScreened(**of(number, "opt_out_and_bounce")),
            MessageClassified(**of(number, "classify"), label="Interested", confidence=0.93, ai=use),
            LeadStateChanged(**of(number, "lead_state"), status="qualified", label="Interested", open_work="pause"),
            FollowUpScheduled(
                **of(number, "follow_up_timing"), kind="recontact", due_at=NOW, timezone=zone, confidence=0.8
            ),
            BookingDeclined(**of(number, "booking_decision"), reason="auto_booking_off", process="offered_slots"),
            DraftCreated(**of(number, "draft"), **draft, body=DRAFT),
            ReplyDecided(
                **of(number, "decide_reply"),
                **draft,
                decision="needs_review",
                reasons=("setter_managed",),
                threshold=0.9,
                response_mode="SETTER_MANAGED",
            ),
        ]
        for event in events:
            self.put(ENRICHMENTS, event, number, event.step)

    def _scoring(self, number: int) -> None:
        about = self._about(number, SCORING)
        score = LeadScored(
            **self._concluded(number, "score", SCORING), fit=3, intent=4, overall=4, reasoning=f"Says: {TEXT}"
        )
        self.put(JOBS, JobStarted(**about, attempt=1, worker="w"), number, "scoring", "1")
        self.called(number, "score", 1, SCORING, feature="lead_scoring.score", cost_micro_usd=COST)
        self.put(ENRICHMENTS, score, number, "score")
        self.put(JOBS, JobStepFinished(**about, step="score", attempt=1), number, "scoring", "2")
        ended = JobSucceeded(**about, attempt=1, started_at=NOW, worker="w")
        self.put(JOBS, ended, number, "scoring", "3")

    def died(self, number: int) -> None:
        """A job that found no way on, and its dead letter."""
        about = self._about(number)
        self.put(JOBS, JobRequested(**about, due_at=NOW), number, "jobs", "0")
        why: dict[str, Any] = {"step": "classify", "error_class": "permanent", "reason": "refusal"}
        dead = JobDied(**about, attempt=1, started_at=NOW, worker="w", **why)
        self.put(JOBS, dead, number, "jobs", "1")
        self.put(
            ENRICHMENTS, StepSkipped(**self._concluded(number, "draft"), reason="label_gets_no_draft"), number, "x"
        )
        headers = {
            "ce_receiptid": self.receipt(number),
            "ce_workspace": self.workspace,
            "dlq_stage": "jobs",
            "dlq_topic": self.settings.topic(JOBS),
            "dlq_partition": str(key_partition(self.lead_of(number).encode(), self.settings.partitions)),
            "dlq_offset": "0",
            "dlq_error_class": "permanent",
            "dlq_reason": "refusal",
            "dlq_attempts": "1",
            "dlq_first_at": NOW.isoformat(),
            "dlq_last_at": NOW.isoformat(),
        }
        value = json.dumps({"text": TEXT, "secret": SECRET}).encode()
        self.keyed(DEAD_LETTERS, self.lead_of(number), value, [(n, v.encode()) for n, v in headers.items()])

    def whole(self, number: int) -> None:
        """From the webhook, which came twice, to the score."""
        self.webhook_of(number)
        self.webhook_of(number, repeat=1)
        self.lead_and_message(number)
        self.jobs(number)
