"""A story as values: what stands below what, in which order, how long after, and what of it is not finished."""

from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.events.codec import Codec
from headrace.events.enrichments import Enrichment, LeadStateChanged, StepSkipped
from headrace.events.envelope import Envelope
from headrace.events.ids import derived_id
from headrace.events.job_plan import SCORING, job_id
from headrace.events.jobs import (
    JobCancelled,
    JobPaused,
    JobRequested,
    JobResumed,
    JobStarted,
    JobStepFinished,
    JobSucceeded,
)
from headrace.events.messages import MessageReceived
from headrace.events.receipts import ReceiptJudged
from headrace.events.records import Record
from headrace.events.topics import ENRICHMENTS, JOBS, MESSAGES, RECEIPTS, Topic
from headrace.settings import Settings
from operations.records.shown_record import Shower
from operations.trace.lineage import Lineage, Row
from operations.trace.node import Node, walk
from operations.trace.node_maker import NodeMaker, Options
from operations.trace.standing import Reached, unfinished
from operations.trace.tree import TreeBuilder
from projections.registry import ALL_PROJECTIONS
from projections.writing.upserts import rows_of
from tests.reply_topics import WEBHOOKS_GHL

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POST_PROCESS = "SMS_INBOUND_POST_PROCESS"
MESSAGE = derived_id("message", "1")
RECEIPT = derived_id("receipt", "1")
NOBODY = Reached(projected={}, judged={}, resolved={}, requested={})
_CODEC = Codec()


class Known:
    """A lineage made of events, each the next record of its topic, a second after the one before."""

    def __init__(self, **origin: Any) -> None:
        self.lineage = Lineage()
        self._offsets: dict[str, int] = {}
        self._second = 0
        self._origin = origin or {"schema": "proj_v1"}

    def add(self, topic: Topic, event: Any) -> None:
        type_ = _CODEC.type_of(event)
        offset = self._offsets[topic.name] = self._offsets.get(topic.name, -1) + 1
        self._second += 1
        envelope = Envelope(id=derived_id("event", topic.name, str(offset)), type=type_, source="/t", time=START)
        stored_ms = round((START + timedelta(seconds=self._second)).timestamp() * 1000)
        record = Record(topic.name, 0, offset, b"k", _CODEC.encode(event), envelope.headers(), stored_ms)
        self.lineage.records[topic.name, 0, offset] = record
        (projection,) = (one for one in ALL_PROJECTIONS if one.topic == topic)
        self.lineage.add(
            Row(table=one.table, values=one.values, **self._origin)
            for one in rows_of(record, projection.project(record), 1)
        )

    def webhook(self, number: int = 1, **fields: Any) -> None:
        shared: dict[str, Any] = {
            "receipt_id": derived_id("receipt", str(number)),
            "workspace": "acme",
            "provider": "ghl",
            "verdict": "fresh",
            "dedupe_key": "acme:ghl:1",
            "received_at": START,
            "source_topic": WEBHOOKS_GHL.name,
            "source_partition": 0,
            "source_offset": number,
            "body_bytes": 2,
            "message_ids": (MESSAGE,),
            "fact_count": 1,
        }
        self.add(RECEIPTS, ReceiptJudged(**(shared | fields)))

    def message(self) -> None:
        event = MessageReceived(
            receipt_id=RECEIPT,
            workspace="acme",
            provider="ghl",
            lead_id=derived_id("lead", "1"),
            message_id=MESSAGE,
            conversation_id=derived_id("conversation", "1"),
            channel="sms",
            direction="inbound",
            source="direct",
            provider_event="InboundMessage",
            provider_message_id="m-1",
            sent_at=START,
            received_at=START,
            text="zebra",
            body="zebra",
        )
        self.add(MESSAGES, event)

    def job(self, cls: Any, type_: str = POST_PROCESS, **fields: Any) -> None:
        shared: dict[str, Any] = {
            "job_id": job_id(MESSAGE, type_),
            "workspace": "acme",
            "lead_id": derived_id("lead", "1"),
            "type": type_,
            "message_id": MESSAGE,
            "receipt_id": RECEIPT,
            "at": START + timedelta(seconds=self._second),
        }
        self.add(JOBS, cls(**(shared | fields)))

    def conclusion(self, cls: type[Enrichment], **fields: Any) -> None:
        shared: dict[str, Any] = {
            "workspace": "acme",
            "lead_id": derived_id("lead", "1"),
            "message_id": MESSAGE,
            "job_id": job_id(MESSAGE, POST_PROCESS),
            "job_type": POST_PROCESS,
            "step": "lead_state",
            "receipt_id": RECEIPT,
            "at": START,
            "sent_at": START,
            "received_at": START,
        }
        self.add(ENRICHMENTS, cls(**(shared | fields)))

    def tree(self, lead_id: str | None = None, **options: Any) -> list[Node]:
        chosen = Options(**({"asked_for": MESSAGE} | options))
        return TreeBuilder(NodeMaker(self.lineage, Shower(Settings()), chosen, is_log_read=True)).build(lead_id)

    def open(self) -> list[tuple[str, int | None]]:
        return [(one.stage, one.lag) for one in unfinished(self.lineage, NOBODY)]


def whats(nodes: list[Node]) -> list[str]:
    return [node.what for node in nodes]


def only(nodes: list[Node], what: str) -> Node:
    (found,) = [node for node in walk(nodes) if node.what == what]
    return found


def test_each_thing_stands_below_its_cause_with_the_time_between() -> None:
    known = Known()
    known.webhook()
    known.message()
    known.job(JobRequested, due_at=START)
    (webhook,) = known.tree()
    assert whats(webhook.children) == ["raw request", "verdict", "message"]
    raw, verdict, message = webhook.children
    assert (raw.after_ms, verdict.after_ms, message.after_ms) == (0, 1000, 1000)
    assert (message.is_asked_for, webhook.is_asked_for) == (True, False)
    assert message.row == "proj_v1.messages"
    assert message.key == {"workspace_id": "acme", "message_id": MESSAGE}
    assert message.place == "messages[0]@0"
    assert message.says["text"] == {"characters": 5}
    assert known.tree(texts=True)[0].children[2].says["text"] == "zebra"
    assert raw.notes == ["its record is no longer in the log"]


def test_a_message_of_two_webhooks_is_told_once() -> None:
    known = Known()
    known.webhook(1)
    known.webhook(2)
    known.message()
    first, second = known.tree()
    assert [node.title for node in first.children if node.what == "message"] == ["inbound sms"]
    assert [node.title for node in second.children if node.what == "message"] == ["told above"]


def test_repeats_stand_below_the_webhook_they_repeat() -> None:
    known = Known()
    known.webhook(1)
    known.webhook(2, verdict="duplicate", first_receipt_id=RECEIPT, message_ids=(), fact_count=0)
    (first,) = known.tree()
    assert [node.id for node in first.children if node.what == "webhook"] == [derived_id("receipt", "2")]


def test_each_life_of_a_job_has_its_own_attempts_and_the_newest_the_conclusions() -> None:
    known = Known()
    known.message()
    for generation in (1, 2):
        known.job(JobRequested, due_at=START, generation=generation)
        known.job(JobStarted, attempt=1, worker="w", generation=generation)
        known.conclusion(LeadStateChanged, status="qualified", label="Interested", open_work="keep")
        known.job(JobStepFinished, step="lead_state", attempt=1, generation=generation)
        known.job(JobSucceeded, attempt=1, started_at=START, generation=generation)
    job = only(known.tree(), "job")
    assert job.title == f"{POST_PROCESS}: succeeded"
    assert [[node.what for node in walk(life.children)].count("conclusion") for life in job.children] == [0, 1]
    assert [[node.what for node in walk(life.children)].count("step") for life in job.children] == [1, 1]


def test_a_conclusion_that_was_taken_back_is_told_as_such() -> None:
    known = Known()
    known.message()
    known.job(JobRequested, due_at=START)
    known.conclusion(LeadStateChanged, status="qualified", label="Interested", open_work="keep")
    known.conclusion(StepSkipped, reason="nothing_to_do")
    known.job(JobStepFinished, step="lead_state", attempt=1, skipped="nothing_to_do")
    tree = known.tree()
    assert only(tree, "conclusion").says["skip_reason"] == "nothing_to_do"
    assert only(tree, "lead state").notes == ["counts no more: its step concluded something else since"]


def test_what_only_the_log_knows_has_no_row() -> None:
    known = Known(schema="", origin="log")
    known.webhook()
    known.message()
    message = only(known.tree(), "message")
    assert (message.row, message.key, message.notes) == ("", {}, ["not in Postgres yet"])
    assert ("project", None) in known.open()


def test_depth_counts_what_it_hides() -> None:
    known = Known()
    known.webhook()
    known.message()
    known.job(JobRequested, due_at=START)
    (webhook,) = known.tree(depth=2)
    assert webhook.children[2].children == []
    assert webhook.children[2].notes == ["2 more below: see --depth"]


def test_a_lead_stands_above_its_webhooks_newest_first() -> None:
    known = Known()
    known.webhook(1)
    known.webhook(2, message_ids=(), received_at=START + timedelta(minutes=1))
    (lead,) = known.tree(lead_id=derived_id("lead", "1"))
    assert (lead.what, lead.is_asked_for) == ("lead", True)
    assert [node.id for node in lead.children] == [derived_id("receipt", "2"), RECEIPT]


def test_stages_in_turn_until_nothing_is_open() -> None:
    known = Known()
    known.webhook()
    assert known.open() == [("resolve", None)]
    known.message()
    assert known.open() == [("request", None)]
    known.job(JobRequested, due_at=START)
    assert known.open() == [("jobs", None)]
    known.job(JobSucceeded, attempt=1, started_at=START)
    assert known.open() == [("jobs", None)]
    known.job(JobRequested, SCORING, due_at=START)
    known.job(JobSucceeded, SCORING, attempt=1, started_at=START)
    assert known.open() == []


def test_how_a_job_stands() -> None:
    known = Known()
    known.message()
    steps: list[tuple[Any, dict[str, Any], str]] = [
        (JobRequested, {"due_at": START}, "waiting"),
        (JobPaused, {"paused_by": "ann"}, "paused"),
        (JobResumed, {"resumed_by": "ann"}, "waiting"),
        (JobStarted, {"attempt": 1, "worker": "w"}, "running"),
        (JobCancelled, {"reason": "suppressed"}, "cancelled"),
        (JobSucceeded, {"attempt": 1, "started_at": START}, "cancelled"),
    ]
    for cls, fields, state in steps:
        known.job(cls, **fields)
        assert only(known.tree(), "job").title == f"{POST_PROCESS}: {state}"


def test_the_lag_is_what_a_stage_has_to_read_until_it_is_past_the_record() -> None:
    known = Known()
    known.message()
    for next_offset, lag in ((0, 1), (1, 0), (9, 0)):
        reached = Reached(projected={}, judged={}, resolved={}, requested={("messages", 0): next_offset})
        assert [one.lag for one in unfinished(known.lineage, reached)] == [lag]
