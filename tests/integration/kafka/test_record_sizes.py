"""The largest records go through a broker that was left as it comes, and what it does not take stops nobody."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from headrace.events.codec import EVENT_TYPES, Codec
from headrace.events.envelope import header_map
from headrace.events.topics import (
    ALL_TOPICS,
    BODY_LIMIT,
    DEAD_LETTER_BYTES,
    DEAD_LETTERS,
    INBOX,
    MAX_RECORD_BYTES,
    WEBHOOKS_BULK,
    Topic,
)
from headrace.events.webhooks import WebhookMeta, webhook_headers
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.kafka.faust.record_sizes import RecordTooLarge
from headrace.kafka.topics import describe_changelogs, describe_topics, mend_topics
from headrace.settings import Settings
from tests.largest import WORST, largest
from tests.lifeline import end
from tests.reply_topics import WEBHOOKS_GHL

FORWARDING = Path(__file__).with_name("forwarding_program.py")
HEADRACE = ("-c", "from operations.cli.main import main; main()", "run")
DEADLINE = 120.0
PROBE = b"probe"
CODEC = Codec()
PLACES = [(topic, name) for topic in ALL_TOPICS for name in topic.events]


@contextmanager
def running(settings: Settings, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "HEADRACE_TOPIC_PREFIX": settings.topic_prefix,
        "HEADRACE_PARTITIONS": str(settings.partitions),
        "HEADRACE_DATA_DIR": str(settings.data_dir),
    }
    with settings.data_dir.with_suffix(".log").open("ab") as output:
        process = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        end(process, seconds=20)


async def send(settings: Settings, records: list[OutRecord]) -> None:
    outbox = Outbox(settings)
    await outbox.start()
    try:
        await outbox.send(records)
    finally:
        await outbox.stop()


async def read(settings: Settings, name: str) -> list[Any]:
    """All records of a topic, those of a partition in their order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(name, number) for number in range(settings.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found: list[Any] = []
        while [place for place in places if await consumer.position(place) < ends[place]]:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [record for record in records if record.key != PROBE]
        return found
    finally:
        await consumer.stop()


async def until(settings: Settings, topic: Topic, count: int, process: "subprocess.Popen[bytes]") -> list[Any]:
    give_up = time.monotonic() + DEADLINE
    while len(found := await read(settings, settings.topic(topic))) < count:
        assert process.poll() is None, settings.data_dir.with_suffix(".log").read_text()[-3000:]
        assert time.monotonic() < give_up, f"{len(found)} of {count} in {topic.name}"
        await asyncio.sleep(0.5)
    return found


async def set_limit(settings: Settings, topic: Topic, limit: int) -> None:
    """As an operator does. Returns once the broker keeps to it, which it does some time after it said so."""
    entry = ConfigEntry("max.message.bytes", str(limit), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, settings.topic(topic), incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    for future in admin.incremental_alter_configs([resource]).values():
        future.result()
    give_up = time.monotonic() + DEADLINE
    while time.monotonic() < give_up:
        try:
            await send(settings, [OutRecord(settings.topic(topic), 1, PROBE, b"x" * (limit + 1), [])])
        except RecordTooLarge:
            return
    pytest.fail(f"{topic.name} takes more than {limit} bytes still")


def ghl(settings: Settings, key: str, value: bytes) -> OutRecord:
    return OutRecord(settings.topic(WEBHOOKS_GHL), 0, key.encode(), value, [])


@pytest.mark.usefixtures("topics_created")
@pytest.mark.parametrize("character", [WORST, "\U0001f600"], ids=["escaped", "four bytes"])
async def test_the_largest_event_of_every_type_goes_through(kafka_settings: Settings, character: str) -> None:
    events = [(topic, largest(EVENT_TYPES[name][0], character)) for topic, name in PLACES]
    await send(
        kafka_settings,
        [OutRecord(kafka_settings.topic(topic), 0, b"k" * 100, CODEC.encode(event), []) for topic, event in events],
    )
    for topic in {topic for topic, _ in events}:
        sent = [event for place, event in events if place == topic]
        records = await read(kafka_settings, kafka_settings.topic(topic))
        names = [name for place, name in PLACES if place == topic]
        found = [
            CODEC.decode(f"{name}.v{EVENT_TYPES[name][1]}", record.value)
            for name, record in zip(names, records, strict=True)
        ]
        assert found == sent


@pytest.mark.usefixtures("topics_created")
async def test_a_dead_letter_of_the_largest_record_fits(kafka_settings: Settings) -> None:
    letter = OutRecord(kafka_settings.topic(DEAD_LETTERS), 0, b"k", b"x" * (DEAD_LETTER_BYTES - 1_000), [])
    await send(kafka_settings, [letter])
    (found,) = await read(kafka_settings, letter.topic)
    assert len(found.value) == DEAD_LETTER_BYTES - 1_000


@pytest.mark.usefixtures("topics_created")
async def test_a_broker_that_takes_less_refuses_one_record_and_the_others_keep_their_order(
    kafka_settings: Settings,
) -> None:
    await set_limit(kafka_settings, WEBHOOKS_GHL, 20_000)
    outbox = Outbox(kafka_settings)
    await outbox.start()
    try:
        await outbox.send([ghl(kafka_settings, "first", b"x")])
        with pytest.raises(RecordTooLarge, match=r"webhooks\.ghl, which takes [\d,]+ at most"):
            await outbox.send([ghl(kafka_settings, "large", b"x" * 50_000)])
        many = [ghl(kafka_settings, f"{number:03}", b"x" * 1_000) for number in range(300)]
        written = await outbox.send(many)
        end_offset = written[many[0].topic, 0]
    finally:
        await outbox.stop()
    records = await read(kafka_settings, kafka_settings.topic(WEBHOOKS_GHL))
    assert records[-1].offset == end_offset
    assert [record.key.decode() for record in records[-300:]] == [f"{number:03}" for number in range(300)]
    assert "large" not in {record.key.decode() for record in records}


@pytest.mark.usefixtures("topics_created")
async def test_a_worker_sets_aside_what_a_broker_does_not_take_and_goes_on(kafka_settings: Settings) -> None:
    await set_limit(kafka_settings, INBOX, 20_000)
    records = [
        ghl(kafka_settings, f"{number:03}", b"x" * (50_000 if number % 50 == 7 else 100)) for number in range(200)
    ]
    await send(kafka_settings, records)
    with running(kafka_settings, str(FORWARDING)) as process:
        letters = await until(kafka_settings, DEAD_LETTERS, 4, process)
        await send(kafka_settings, [ghl(kafka_settings, "last", b"x")])
        forwarded = await until(kafka_settings, INBOX, 197, process)
        while "last" not in {record.key.decode() for record in forwarded}:
            forwarded = await until(kafka_settings, INBOX, len(forwarded) + 1, process)
    assert {record.key.decode() for record in letters} == {"007", "057", "107", "157"}
    assert all(len(record.value) == 50_000 for record in letters)
    reasons = {header_map(record.headers)["dlq_reason"] for record in letters}
    assert all("INBOX".lower() in reason and "at most" in reason for reason in reasons)
    whole = {record.key.decode() for record in forwarded}
    assert whole == {record.key.decode() for record in records if len(record.value or b"") == 100} | {"last"}


@pytest.mark.usefixtures("topics_created")
async def test_fifty_clicked_links_of_a_megabyte_make_no_large_record(kafka_settings: Settings) -> None:
    bulk, pipeline, jobs = (running(kafka_settings, *HEADRACE, name) for name in ("bulk", "pipeline", "jobs"))
    await send(kafka_settings, [click(kafka_settings, number) for number in range(50)])
    with bulk as first, pipeline as second, jobs as third:
        signals = await until_signals(kafka_settings, 50, (first, second, third))
        name = f"{kafka_settings.topic_prefix}jobs-conversations-changelog"
        give_up = time.monotonic() + DEADLINE
        while not (heads := await read(kafka_settings, name)) or b'"r49"' not in heads[-1].value:
            assert time.monotonic() < give_up
            await asyncio.sleep(0.5)
        assert [process.poll() for process in (first, second, third)] == [None, None, None]
    assert max(len(record.value) for record in signals) < 10_000
    assert max(len(record.value) for record in heads) < 60_000
    assert not await read(kafka_settings, kafka_settings.topic(DEAD_LETTERS))
    changelogs = describe_changelogs(kafka_settings)
    assert {state.config["max.message.bytes"] for state in changelogs} == {str(MAX_RECORD_BYTES)}
    assert {state.name.removeprefix(kafka_settings.topic_prefix) for state in changelogs} == {
        "bulk-seen_bulk-changelog",
        "pipeline-seen-changelog",
        "pipeline-identities-changelog",
        "pipeline-message_homes-changelog",
        "jobs-conversations-changelog",
        "jobs-open_jobs-changelog",
        "jobs-closed_jobs-changelog",
    }
    # A changelog takes what any topic takes.
    await send(kafka_settings, [OutRecord(name, 0, b"k", b"x" * (MAX_RECORD_BYTES - 1_000), [])])


def click(settings: Settings, number: int) -> OutRecord:
    at = largest(WebhookMeta).received_at
    meta = WebhookMeta(receipt_id=f"r{number}", provider="smartlead", workspace="acme", received_at=at)
    body = {
        "event_type": "EMAIL_LINK_CLICK",
        "sl_lead_email": "dana@orbit.example",
        "event_timestamp": f"2026-03-02T14:{number:02}:00+00:00",
        "link_clicked": ["https://x.example/" + "a" * (BODY_LIMIT - 300)],
    }
    key = f"acme:smartlead:EMAIL_LINK_CLICK:{number}".encode()
    return OutRecord(settings.topic(WEBHOOKS_BULK), 0, key, json.dumps(body).encode(), webhook_headers(meta))


async def until_signals(settings: Settings, count: int, processes: tuple["subprocess.Popen[bytes]", ...]) -> list[Any]:
    give_up = time.monotonic() + DEADLINE
    while True:
        records = await read(settings, settings.topic_prefix + "messages")
        found = [record for record in records if header_map(record.headers)["ce_type"] == "lead.signalled.v1"]
        if len(found) >= count:
            return found
        log = settings.data_dir.with_suffix(".log").read_text()[-3000:]
        assert [process.poll() for process in processes] == [None] * len(processes), log
        assert time.monotonic() < give_up, log
        await asyncio.sleep(0.5)


@pytest.mark.usefixtures("topics_created")
async def test_what_an_operator_made_too_small_is_shown_and_mended(kafka_settings: Settings) -> None:
    await set_limit(kafka_settings, INBOX, 20_000)
    unmended = [state for state in describe_topics(kafka_settings) if state.mended]
    assert [(state.topic, state.mended) for state in unmended] == [
        (INBOX, {"max.message.bytes": str(MAX_RECORD_BYTES)})
    ]
    mend_topics(kafka_settings, unmended)
    assert not [state for state in describe_topics(kafka_settings) if state.differences]
