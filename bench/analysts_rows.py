"""A read model as analysts find it, of any size: real events make the first rows, and SQL multiplies those.

The events are projected as in production, so every lineage is true. A copy of the rows gets ids, offsets and times of
its own, consistently over all tables, so what belonged together does in each copy.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg

from bench.progress import Say
from bench.replies import Replies
from headrace.events.ai import AiCalled
from headrace.events.codec import Codec
from headrace.events.envelope import Envelope
from headrace.events.ids import derived_id, event_id
from headrace.events.inbox import SignalKind
from headrace.events.messages import (
    LeadMerged,
    LeadSignalled,
    LeadSplit,
    LeadSuppressed,
    MessageMoved,
    MessageReceived,
    MessageSent,
)
from headrace.events.receipts import IngestLatencyMeasured, LatencyBucket, ReceiptJudged
from headrace.events.records import Record
from headrace.events.topics import AI_INTERACTIONS, INGEST_LATENCY, MESSAGES, RECEIPTS, Topic
from projections.connection import connector, libpq_url
from projections.named_sql import NamedSql
from projections.writing.writer import ProjectionWriter

#: Messages that come with one reply, itself included.
MESSAGES_OF_A_REPLY = 7
#: So many times as far apart as the replies of the log are.
_STRETCH = 20
_PARTITIONS = 4
_BATCH = 2_000
_SQL = NamedSql(__file__)
#: Not multiplied: few in any database, and their ids are made of other columns.
_AS_THEY_ARE = ("dead_letters", "dead_letter_events")
#: Texts that tell people or messages apart, so that each copy has its own.
_NAMES = ("value", "email", "phone", "from_email", "provider_message_id", "dedupe_key")
_SIGNALS: tuple[SignalKind, ...] = (
    "interested",
    "meeting_booked",
    "meeting_completed",
    "link_clicked",
    "out_of_office",
)


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How much: `replies` made of events, then so many copies of their rows, spread over `days` until now."""

    replies: int
    copies: int
    days: int = 180


def fill_read_model(database_url: str, sizes: Sizes, say: Say) -> int:
    """Fill empty tables of the first version. How many messages there are then."""
    asyncio.run(_project(database_url, sizes.replies))
    say(f"{sizes.replies:,} replies with all that follows from them")
    with psycopg.connect(libpq_url(database_url), autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET timezone = 'UTC'")
        connection.execute(_SQL["vary"])
        until = datetime.now(UTC)
        for table in _tables(connection):
            _multiply(connection, table, sizes, until)
        connection.execute("VACUUM (ANALYZE)")
        found = connection.execute("SELECT count(*) FROM proj_v1.messages").fetchone()
    return int(found[0]) if found else 0


async def _project(database_url: str, replies: int) -> None:
    writer = ProjectionWriter(connector(database_url))
    offsets: dict[tuple[str, int], int] = defaultdict(int)
    waiting: dict[tuple[str, int], list[Record]] = defaultdict(list)
    for topic, key, value, headers in _events(replies):
        partition = sum(key) % _PARTITIONS
        place = (topic.name, partition)
        made = Record(topic.name, partition, offsets[place], key, value, headers, 1_772_400_000_000 + offsets[place])
        offsets[place] += 1
        waiting[place].append(made)
        if len(waiting[place]) >= _BATCH:
            await writer.write({place: waiting.pop(place)})
    for place, records in waiting.items():
        await writer.write({place: records})
    await writer.beat({place: (0, end) for place, end in offsets.items()})
    await writer.close()


def _events(replies: int) -> Iterator[tuple[Topic, bytes, bytes, list[tuple[str, bytes]]]]:
    source, more = Replies(), _More()
    codec = Codec()
    for number in range(replies):
        for topic, filling in source.of(number):
            yield topic, filling.key, filling.value, filling.headers
            event = codec.decode(dict(filling.headers)["ce_type"].decode(), filling.value)
            if isinstance(event, MessageReceived | MessageSent):
                yield from more.of(number, event)
    yield from more.latency()


class _More:
    """What the log of replies lacks: verdicts, calls, evidence, merges, splits, response times."""

    def __init__(self) -> None:
        self._codec = Codec()
        self._chance = random.Random(7)  # noqa: S311
        self._leads: dict[str, list[str]] = defaultdict(list)

    def of(
        self, number: int, message: MessageReceived | MessageSent
    ) -> Iterator[tuple[Topic, bytes, bytes, list[tuple[str, bytes]]]]:
        yield self._record(RECEIPTS, message, _receipt(message, number))
        if message.direction == "outbound":
            return
        for call, feature in enumerate(("sentiment.classify", "draft.generate", "lead_scoring.score"), 1):
            yield self._record(AI_INTERACTIONS, message, _called(message, feature, call))
        for event in self._evidence(message):
            yield self._record(MESSAGES, message, event)

    def _evidence(self, message: MessageReceived | MessageSent) -> Iterator[Any]:
        chance, about = self._chance, _about(message)
        if chance.random() < 0.03:
            event: dict[str, Any] = {"provider": message.provider, "provider_event": message.provider_event}
            yield LeadSuppressed(**about, **event, **_times(message), reason="unsubscribed", detail="opt-out")
        if chance.random() < 0.1:
            event = {"provider": message.provider, "provider_event": "LEAD_CATEGORY_UPDATED"}
            yield LeadSignalled(**about, **event, **_times(message), signal=chance.choice(_SIGNALS))
        others = self._leads[message.workspace]
        if others and message.lead_id not in others and chance.random() < 0.03:
            yield LeadMerged(**about, into_lead_id=chance.choice(others), merged_at=message.sent_at)
        elif chance.random() < 0.002:
            new = derived_id("lead", message.lead_id, "half")
            yield LeadSplit(**about, new_lead_id=new, identities=(), split_at=message.sent_at, by="kim")
            yield MessageMoved(**about, message_id=message.message_id, into_lead_id=new, moved_at=message.sent_at)
        else:
            others.append(message.lead_id)

    def latency(self) -> Iterator[tuple[Topic, bytes, bytes, list[tuple[str, bytes]]]]:
        start = datetime(2026, 3, 2, tzinfo=UTC)
        for window in range(60):
            at = start + timedelta(seconds=10 * window)
            for route in ("/webhooks/smartlead", "/webhooks/ghl"):
                buckets = (LatencyBucket(2_378, 40), LatencyBucket(4_757, 50), LatencyBucket(19_027, 10))
                event = IngestLatencyMeasured(
                    process_id="ingest-0",
                    route=route,
                    status=200,
                    window_start=at,
                    window_end=at + timedelta(seconds=10),
                    count=100,
                    sum_us=400_000,
                    max_us=18_000,
                    buckets=buckets,
                )
                yield self._wire(INGEST_LATENCY, route.encode(), event, f"{route}{window}", at, "", "")

    def _record(
        self, topic: Topic, message: MessageReceived | MessageSent, event: Any
    ) -> tuple[Topic, bytes, bytes, list[tuple[str, bytes]]]:
        part = f"{message.message_id}{getattr(event, 'feature', '')}"
        key = message.lead_id.encode()
        return self._wire(topic, key, event, part, message.sent_at, message.receipt_id, message.workspace)

    def _wire(
        self, topic: Topic, key: bytes, event: Any, part: str, at: datetime, receipt: str, workspace: str
    ) -> tuple[Topic, bytes, bytes, list[tuple[str, bytes]]]:
        type_ = self._codec.type_of(event)
        id_ = event_id(type_, part)
        envelope = Envelope(id=id_, type=type_, source="/bench", time=at, receipt_id=receipt, workspace=workspace)
        return topic, key, self._codec.encode(event), list(envelope.headers())


def _about(message: MessageReceived | MessageSent) -> dict[str, Any]:
    return {"receipt_id": message.receipt_id, "workspace": message.workspace, "lead_id": message.lead_id}


def _times(message: MessageReceived | MessageSent) -> dict[str, Any]:
    return {"occurred_at": message.sent_at, "received_at": message.received_at}


def _receipt(message: MessageReceived | MessageSent, number: int) -> ReceiptJudged:
    return ReceiptJudged(
        # Notices of one reply bear its receipt: here each has its own, as in production.
        receipt_id=message.receipt_id if message.direction == "inbound" else derived_id("receipt", message.message_id),
        workspace=message.workspace,
        provider=message.provider,
        verdict="fresh",
        dedupe_key=f"{message.workspace}:{message.message_id}",
        received_at=message.received_at,
        source_topic="webhooks.smartlead",
        source_partition=number % _PARTITIONS,
        source_offset=number,
        body_bytes=900,
        message_ids=(message.message_id,),
        fact_count=1,
    )


def _called(message: MessageReceived | MessageSent, feature: str, call: int) -> AiCalled:
    return AiCalled(
        **_about(message),
        message_id=message.message_id,
        job_id=derived_id("job", message.message_id, "SMARTLEAD_INBOUND_POST_PROCESS"),
        step="classify",
        attempt=1,
        call=call,
        called_at=message.received_at,
        source="background-job/smartlead-inbound-post-process",
        feature=feature,
        prompt_key=feature,
        prompt_version=1,
        prompt_sha256="ab",
        provider="openai",
        api="chat_completions",
        model="gpt-5-mini",
        input_tokens=700,
        output_tokens=60,
        usage_source="reported",
        billing="metered",
        cost_micro_usd=295,
        price_version="p1",
        latency_ms=900 + call,
        status="ok",
    )


def _tables(connection: "psycopg.Connection[Any]") -> list[str]:
    """The tables of the first version that are multiplied."""
    found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'proj_v1' ORDER BY 1").fetchall()
    return [name for (name,) in found if name not in _AS_THEY_ARE]


def _multiply(connection: "psycopg.Connection[Any]", table: str, sizes: Sizes, until: datetime) -> None:
    """Rows in place of the seed's, the table's other indexes built afterwards."""
    columns = connection.execute(_SQL["columns"], [table]).fetchall()
    indexes = [definition for (definition,) in connection.execute(_SQL["indexes"], [table])]
    names = ", ".join(f'"{name}"' for name, _ in columns)
    values = ", ".join(_copied(name, type_) for name, type_ in columns)
    with connection.transaction():
        connection.execute(_SQL.filled("drop_indexes", table=table))
        connection.execute(f"CREATE TEMP TABLE seed ON COMMIT DROP AS TABLE proj_v1.{table}".encode())
        connection.execute(f"TRUNCATE proj_v1.{table}".encode())
        connection.execute(
            f"INSERT INTO proj_v1.{table} ({names}) SELECT {values} "  # noqa: S608 - our own names
            "FROM seed CROSS JOIN generate_series(0, %(copies)s - 1) AS copy (n)".encode(),
            {"copies": sizes.copies, "days": sizes.days, "until": until},
        )
        for definition in indexes:
            connection.execute(definition.encode())


def _copied(name: str, type_: str) -> str:
    """SQL: a column's value in copy n."""
    column = f'seed."{name}"'
    if type_ == "uuid":
        return f"md5({column}::text || copy.n)::uuid"
    if type_ == "uuid[]":
        return f"ARRAY(SELECT md5(one::text || copy.n)::uuid FROM unnest({column}) AS one)"  # noqa: S608
    if type_ == "timestamp with time zone":
        return (
            f"%(until)s - %(days)s * interval '1 day' * (copy.n + 1) / %(copies)s"
            f" + ({column} - timestamptz '2026-03-02') * {_STRETCH}"
        )
    if name.endswith("offset"):
        return f"{column} + copy.n::bigint * 1000000000"
    return f"{column} || '-' || copy.n" if name in _NAMES else column
