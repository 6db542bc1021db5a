"""`headrace trace` on a real log and real rows: from any id the whole story, and only the records it is made of."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from psycopg.rows import dict_row

from headrace.events.ids import event_id
from headrace.events.inbox import InboxSignal
from headrace.events.jobs import JobRequested
from headrace.events.records import Record
from headrace.events.topics import DEAD_LETTERS, INBOX, JOBS, MESSAGES, RECEIPTS, WEBHOOKS_QUARANTINE
from headrace.events.webhooks import WebhookMeta, webhook_headers
from headrace.kafka import log_offsets, log_records
from headrace.kafka.log_offsets import Place
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings
from operations.records.record_filter import UnknownTopic
from operations.trace import reading
from operations.trace.node import Node, walk
from operations.trace.trace_options import TraceOptions
from operations.trace.tracing import Trace, TraceImpossible, trace
from projections.tables import key_columns, proj_metadata
from tests.headrace_command import Finished, headrace
from tests.integration.operations.installation import POST_PROCESS
from tests.integration.operations.story import COST, DRAFT, EMAIL, NOW, PHONE, SECRET, TEXT, Story
from tests.reply_topics import WEBHOOKS_GHL

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
def story(settings: Settings, topics_created: tuple[str, ...]) -> Story:
    return Story(settings)


@pytest.fixture
def told(story: Story) -> Story:
    """Two stories as rows, the second of which is none of the first one's business."""
    story.webhook_of(1)
    fact(story, 1)
    story.webhook_of(1, repeat=1)
    story.lead_and_message(1)
    story.jobs(1)
    story.whole(2)
    story.judge_and_resolve()
    story.project()
    return story


def fact(story: Story, number: int) -> None:
    """Dedupe: a fact of the webhook, as it stands in the inbox."""
    signal = InboxSignal(
        receipt_id=story.receipt(number),
        workspace=story.workspace,
        provider="ghl",
        provider_event="Label",
        identities=(),
        signal="custom_label",
        occurred_at=NOW,
        received_at=NOW,
    )
    story.put(INBOX, signal, number, "fact", key=story.workspace)


def place(story: Story, topic: Any, key: str, offset: int) -> str:
    partition = key_partition(key.encode(), story.settings.partitions)
    return f"{story.settings.topic(topic)}[{partition}]@{offset}"


def nodes(found: Trace, what: str = "") -> list[Node]:
    return [node for node in walk(found.trees) if what in ("", node.what)]


def traced(settings: Settings, id_: str, **options: Any) -> Trace:
    return trace(settings, id_, TraceOptions(**options))


def command(settings: Settings, *arguments: str) -> Finished:
    return headrace(environment_of(settings), "trace", *arguments)


def environment_of(settings: Settings) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "DATABASE_URL": settings.database_url,
        "HEADRACE_TOPIC_PREFIX": settings.topic_prefix,
        "HEADRACE_PARTITIONS": str(settings.partitions),
    }


def test_every_id_leads_to_the_same_story(told: Story, settings: Settings) -> None:
    lead = told.lead_of(1)
    expected = {
        told.receipt(1): "webhook",
        told.receipt(1, repeat=1): "webhook",
        told.message_of(1): "message",
        told.message_of(1).upper(): "message",
        told.message_of(1)[:12]: "message",
        told.job_of(1): "job",
        told.job_of(1, "LEAD_SCORING_POST_PROCESS"): "job",
        told.call_of(1): "AI call",
        told.draft_of(1): "draft",
        event_id("lead.signalled.v1", "acme", "1", "messages"): "signal",
        "provider-1": "message",
        "acme:ghl:InboundMessage:1": "webhook",
        "chatcmpl-1-2": "AI call",
        place(told, WEBHOOKS_GHL, "acme:ghl:InboundMessage:1", 0): "raw request",
        place(told, RECEIPTS, "acme:ghl:InboundMessage:1", 0): "verdict",
        place(told, MESSAGES, lead, 1).removeprefix(settings.topic_prefix): "message",
        place(told, INBOX, "acme", 0): "fact",
        place(told, JOBS, lead, 1): "record",
    }
    for id_, what in expected.items():
        found = traced(settings, id_)
        asked_for = {node.what for node in nodes(found) if node.is_asked_for}
        assert (id_, asked_for, found.trees[0].id) == (id_, {what}, told.receipt(1))
        assert len(nodes(found, "step")) == 8
        assert found.unfinished == []


def test_a_person_leads_to_the_story_of_the_lead_however_it_is_spelled(told: Story, settings: Settings) -> None:
    email, phone = f"1-{EMAIL}", f"{PHONE[:-1]}1"
    spelled = (f"{phone[:2]} ({phone[2:5]}) {phone[5:8]}-{phone[8:]}", phone[2:])
    for text in (email, email.upper(), f" <{email}> ", phone, *spelled, "dana or-bit 1", "OR-BIT 1"):
        found = traced(settings, text)
        assert (text, found.subject and (found.subject.kind, found.subject.id)) == (text, ("lead", told.lead_of(1)))
        assert [node.is_asked_for for node in found.trees] == [True]
    assert {one.id for one in traced(settings, "Dana").candidates} == {told.lead_of(1), told.lead_of(2)}
    assert traced(settings, "nobody@example.test").trees == []


def test_a_quarantined_webhook_is_set_aside_and_not_finished(story: Story, settings: Settings) -> None:
    quarantined = {"workspace": "", "verdict": "quarantined", "reason": "unknown workspace"}
    story.verdict(9, 0, WEBHOOKS_QUARANTINE, **quarantined, message_ids=(), fact_count=0, receipt_id=story.receipt(9))
    story.project()
    (open_,) = traced(settings, story.receipt(9)).unfinished
    letter = f"{settings.topic(WEBHOOKS_QUARANTINE)}:0:0:quarantine"
    assert (open_.stage, "set aside: unknown workspace" in open_.what, letter in open_.what) == (
        "quarantine",
        True,
        True,
    )
    listed = headrace(environment_of(settings), "dlq", "list")
    assert "In quarantine, of the same filter: 1." in listed.stderr
    audited = headrace(environment_of(settings), "audit", "--wait", "0")
    assert "In quarantine: 1." in audited.stdout


def test_a_story_names_every_row_it_stands_in_and_no_other(told: Story, settings: Settings) -> None:
    found = nodes(traced(settings, told.receipt(1)))
    named = {(node.row, json.dumps(node.key, sort_keys=True)) for node in found if node.row}
    receipts = [told.receipt(1), told.receipt(1, repeat=1)]
    expected = set()
    with psycopg.connect(settings.database_url) as connection:
        for table in proj_metadata(1).sorted_tables:
            # Sums over all of a lead's messages, and ids it is found by: no row of one story.
            if "receipt_id" not in table.columns or table.name in ("lead_identities", "lead_activity"):
                continue
            keys = ", ".join(key_columns(table))
            query = f"SELECT {keys} FROM {table.fullname} WHERE receipt_id::text = ANY(%s)"  # noqa: S608
            cursor = connection.cursor(row_factory=dict_row).execute(query.encode(), [receipts])
            expected |= {(table.fullname, json.dumps(row, sort_keys=True, default=str)) for row in cursor}
    assert len(expected) > 30
    assert expected <= named
    # The tables that carry no receipt are the job's.
    ours = (told.job_of(1), told.job_of(1, "LEAD_SCORING_POST_PROCESS"))
    assert [key for _, key in named - expected if not any(job in key for job in ours)] == []

    assert_leads_to_the_raw_bytes(told, settings)


def assert_leads_to_the_raw_bytes(told: Story, settings: Settings) -> None:
    (raw, repeated) = nodes(traced(settings, told.call_of(1), raw=True), "raw request")
    assert raw.raw is not None
    assert repeated.place.endswith("@1")
    assert json.loads(raw.raw) == {"message": {"body": TEXT}, "secret_key": "(hidden)", "number": 1}
    assert raw.size == len(json.dumps({"message": {"body": TEXT}, "secret_key": SECRET, "number": 1}))
    (call,) = [node for node in nodes(traced(settings, told.call_of(1))) if node.id == told.call_of(1)]
    assert (call.says["cost_micro_usd"], call.says["input_tokens"]) == (COST, 900)


def test_only_the_records_of_the_story_are_read(
    told: Story, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    offsets: set[tuple[str, int, int]] = set()

    def noted(settings_: Settings, wanted: Mapping[Place, Iterable[int]]) -> Iterator[Record]:
        offsets.update((*place, offset) for place, of_place in wanted.items() for offset in of_place)
        return log_records.read_positions(settings_, wanted)

    monkeypatch.setattr(reading, "read_positions", noted)
    found = traced(settings, told.message_of(1))
    places = {node.place for node in nodes(found) if node.place and node.what != "fact"}
    assert {f"{topic}[{partition}]@{offset}" for topic, partition, offset in offsets} == places
    assert found.looked.places == len(offsets)
    assert found.looked.gone_through == 1
    assert (found.looked.gaps, found.looked.left_out) == ([], 0)


def test_what_is_no_row_yet_is_found_in_the_log(story: Story, settings: Settings) -> None:
    story.webhook_of(1)
    story.lead_and_message(1)
    story.judge_and_resolve()
    story.project()
    story.jobs(1)
    found = traced(settings, story.receipt(1))
    by_origin = {note for node in nodes(found, "step") for note in node.notes}
    assert by_origin == {"not in Postgres yet"}
    assert len(nodes(found, "step")) == 8
    assert [node.row for node in nodes(found, "step")] == [""] * 8
    assert {one.stage for one in found.unfinished} == {"project"}
    assert {one.lag for one in found.unfinished} == {16, 8, 3}
    # The same story, once it is rows.
    story.project()
    assert traced(settings, story.receipt(1)).unfinished == []


def test_where_a_message_is_stuck(story: Story, settings: Settings) -> None:
    story.webhook_of(1)
    story.project()
    (one,) = traced(settings, story.receipt(1)).unfinished
    assert (one.stage, story.message_of(1) in one.what) == ("resolve", True)
    story.lead_and_message(1)
    story.project()
    (one,) = traced(settings, story.receipt(1)).unfinished
    assert (one.stage, one.lag) == ("request", 2)
    story.put(JOBS, JobRequested(**story._about(1), due_at=NOW), 1, "asked")
    story.project()
    (one,) = traced(settings, story.receipt(1)).unfinished
    assert (one.stage, one.since, "waiting" in one.what) == ("jobs", NOW, True)
    assert_a_webhook_without_verdict_is_found_by_the_time_in_its_id(story, settings)


def assert_a_webhook_without_verdict_is_found_by_the_time_in_its_id(story: Story, settings: Settings) -> None:
    drawn_at = datetime.now(UTC)
    receipt = str(UUID(int=(int(drawn_at.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | 5))
    meta = WebhookMeta(receipt_id=receipt, provider="ghl", workspace="acme", received_at=drawn_at)
    story.keyed(WEBHOOKS_GHL, "other", b"{}", webhook_headers(msgspec.structs.replace(meta, receipt_id="another")))
    partition, offset = story.keyed(WEBHOOKS_GHL, "other", b"{}", webhook_headers(meta))
    found = traced(settings, receipt)
    (raw,) = nodes(found, "raw request")
    assert raw.place == f"{settings.topic(WEBHOOKS_GHL)}[{partition}]@{offset}"
    assert [(one.stage, one.lag) for one in found.unfinished] == [("dedupe", offset + 1)]


def test_what_was_set_aside_on_the_way(story: Story, settings: Settings) -> None:
    story.webhook_of(3)
    story.lead_and_message(3)
    story.died(3)
    story.project()
    found = traced(settings, place(story, DEAD_LETTERS, story.lead_of(3), 0))
    (letter,) = nodes(found, "dead letter")
    assert letter.is_asked_for
    assert letter.says["error_class"] == "permanent"
    assert [one.stage for one in found.unfinished] == ["jobs", "dead letter"]
    assert f"{POST_PROCESS} job {story.job_of(3)} is died (classify, permanent, refusal)" in found.unfinished[0].what

    assert_what_a_projection_refused_is_told(story, settings)


def assert_what_a_projection_refused_is_told(story: Story, settings: Settings) -> None:
    story.webhook_of(1)
    headers = [("ce_receiptid", story.receipt(1).encode()), ("ce_type", b"message.received.v1")]
    partition, offset = story.keyed(MESSAGES, story.lead_of(1), b"{}", headers)
    story.project()
    found = traced(settings, story.receipt(1))
    (aside,) = nodes(found, "set aside")
    assert aside.place == f"{settings.topic(MESSAGES)}[{partition}]@{offset}"
    assert "project:leads" in {one.stage for one in found.unfinished}


def test_a_lead_a_beginning_and_an_id_of_nothing(story: Story, settings: Settings) -> None:
    for number in (1, 2, 3):
        story.webhook_of(number)
        story.lead_and_message(number, lead=1)
    story.project()
    found = traced(settings, story.lead_of(1), limit=2)
    (lead,) = found.trees
    assert (lead.what, lead.is_asked_for) == ("lead", True)
    told = [node.id for node in nodes(found, "message")]
    assert len(told) == 2
    times = [node.at for node in lead.children if node.at is not None]
    assert times == sorted(times, reverse=True)
    assert len(nodes(traced(settings, story.lead_of(1)), "message")) == 3
    assert_a_beginning_that_fits_several_ids_lists_them(story, settings)
    assert_what_is_not_there_is_said_with_where_it_was_looked_for(settings)


def test_without_postgres_or_kafka_the_other_tells_what_it_can(
    told: Story, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = traced(settings, told.message_of(1))
    alone = settings.model_copy(update={"database_url": NOWHERE})
    nothing = traced(alone, told.message_of(1))
    assert nothing.trees == []
    printed = command(alone, told.message_of(1))
    assert (printed.exit_code, "Postgres can't be reached" in printed.stderr) == (2, True)
    assert "Nothing is known" not in printed.output
    assert "give --from" in nothing.searched[-1]
    found = traced(alone, told.message_of(1), from_=datetime.now(UTC) - timedelta(hours=1))
    assert "Postgres can't be reached" in found.problems[0]
    assert {node.place for node in nodes(found)} == {node.place for node in nodes(whole)}
    assert {node.row for node in nodes(found)} == {""}

    monkeypatch.setattr(log_offsets, "_TIMEOUT", 1.0)
    assert_without_kafka_the_rows_tell_what_they_can(told, settings)


def assert_without_kafka_the_rows_tell_what_they_can(told: Story, settings: Settings) -> None:
    alone = settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    found = traced(alone, told.message_of(1))
    assert len(nodes(found, "step")) == 8
    assert nodes(found, "fact") == []
    assert len(found.problems) == 1
    with pytest.raises(TraceImpossible, match="only be looked up in Kafka"):
        traced(alone, "messages[0]@0")
    with pytest.raises(TraceImpossible, match="Neither Postgres nor Kafka"):
        traced(alone.model_copy(update={"database_url": NOWHERE}), told.message_of(1))


def assert_what_retention_removed_is_told(told: Story, settings: Settings) -> None:
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0})
    topic = settings.topic(WEBHOOKS_GHL)
    partition = key_partition(b"acme:ghl:InboundMessage:1", settings.partitions)
    for future in admin.delete_records([TopicPartition(topic, partition, 1)]).values():
        future.result()
    (raw, _) = nodes(traced(settings, told.message_of(1)), "raw request")
    assert raw.notes == ["its record is no longer in the log"]
    assert raw.size
    with pytest.raises(TraceImpossible, match="holds the offsets from 1"):
        traced(settings, f"{topic}[{partition}]@0")


def assert_a_beginning_that_fits_several_ids_lists_them(story: Story, settings: Settings) -> None:
    for last in "12":
        story.verdict(0, 0, receipt_id=f"abcdef01-0000-5000-8000-00000000000{last}")
    story.project()
    found = traced(settings, "abcdef01-00")
    assert [one.id[-1] for one in found.candidates] == ["1", "2"]
    assert found.trees == []


def test_the_command_shows_no_text_and_no_secret_unasked(told: Story, settings: Settings) -> None:
    printed = command(settings, told.message_of(1))
    assert printed.exit_code == 0
    assert "Finished: nothing of it is open." in printed.stdout
    for text in (TEXT, DRAFT, EMAIL, PHONE, SECRET):
        assert text not in printed.output
    shown = command(settings, told.message_of(1), "--text", "--raw")
    assert TEXT in shown.stdout
    assert DRAFT in shown.stdout
    assert SECRET not in shown.output
    as_json = msgspec.json.encode(traced(settings, told.job_of(1))).decode()
    assert json.loads(as_json)["subject"]["kind"] == "job"
    assert [text for text in (TEXT, DRAFT, EMAIL, PHONE, SECRET) if text in as_json] == []
    assert_what_retention_removed_is_told(told, settings)


def assert_what_is_not_there_is_said_with_where_it_was_looked_for(settings: Settings) -> None:
    printed = command(settings, "0f0c0f0c-0000-5000-8000-000000000000")
    assert printed.exit_code == 1
    assert "Nothing is known of" in printed.stderr
    assert "Postgres: receipts" in printed.stderr
    assert "Kafka: the records that are not in Postgres yet" in printed.stderr
    with pytest.raises(UnknownTopic, match="no topic 'mesages'"):
        traced(settings, "mesages[0]@1")
    with pytest.raises(TraceImpossible, match="no partition 7; it has 2"):
        traced(settings, "messages[7]@1")
