"""The worker frame on real Kafka: holes are filled, tables come back, kill -9 loses and doubles nothing."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from headrace.events.topics import INBOX, Topic
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.kafka.log_offsets import LogOffsets
from headrace.settings import Settings
from tests.lifeline import end
from tests.reply_topics import WEBHOOKS_GHL

PROGRAM = Path(__file__).with_name("forwarding_program.py")
DEADLINE = 60.0


def environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "HEADRACE_INSTANCE_ID": settings.instance_id,
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "HEADRACE_TOPIC_PREFIX": settings.topic_prefix,
        "HEADRACE_PARTITIONS": str(settings.partitions),
        "HEADRACE_DATA_DIR": str(settings.data_dir),
    }


@contextmanager
def forwarding(settings: Settings, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    log = settings.data_dir.with_suffix(".log")
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *arguments], env=environment(settings), stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        end(process, seconds=20)


async def write(settings: Settings, keys: list[str]) -> None:
    outbox = Outbox(settings)
    await outbox.start()
    try:
        await outbox.send(
            OutRecord(settings.topic(WEBHOOKS_GHL), number % settings.partitions, key.encode(), key.encode(), [])
            for number, key in enumerate(keys)
        )
    finally:
        await outbox.stop()


async def read(settings: Settings, topic: Topic) -> dict[int, list[str]]:
    """All keys of a topic by partition, in order."""
    name = settings.topic(topic)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(name, number) for number in range(settings.partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: dict[int, list[str]] = {number: [] for number in range(settings.partitions)}
        while [place for place in partitions if await consumer.position(place) < ends[place]]:
            for place, records in (await consumer.getmany(timeout_ms=500)).items():
                found[place.partition].extend(record.key.decode() for record in records)
        return found
    finally:
        await consumer.stop()


async def until(count: int, settings: Settings, alive: Callable[[], object] = lambda: None) -> dict[int, list[str]]:
    """The forwarded keys, once there are so many."""
    give_up = time.monotonic() + DEADLINE
    while True:
        alive()
        found = await read(settings, INBOX)
        if sum(map(len, found.values())) >= count:
            return found
        assert time.monotonic() < give_up, f"{sum(map(len, found.values()))} of {count} forwarded"
        await asyncio.sleep(0.3)


async def repeat(settings: Settings, keys: list[str]) -> dict[int, list[str]]:
    """The forwarded keys, once each partition's worker is past these, which it knows already.

    They are followed by a new key a partition: what precedes it in the batch or the log was judged before it.
    """
    last = {f"behind repeats {partition}" for partition in range(settings.partitions)}
    await write(settings, [*keys, *sorted(last)])
    give_up = time.monotonic() + DEADLINE
    while True:
        found = await read(settings, INBOX)
        forwarded = {key for part in found.values() for key in part}
        if last <= forwarded:
            return {partition: [key for key in part if key not in last] for partition, part in found.items()}
        assert time.monotonic() < give_up, f"never forwarded: {last - forwarded}"
        await asyncio.sleep(0.3)


async def until_committed(settings: Settings, expected: dict[tuple[str, int], int]) -> None:
    """Returns once the worker's group has committed these offsets."""
    log, group = LogOffsets(settings), f"{settings.topic_prefix}forwarding"
    give_up = time.monotonic() + DEADLINE
    while log.committed(group, expected) != expected:
        assert time.monotonic() < give_up, f"committed: {log.committed(group, expected)}"
        await asyncio.sleep(0.3)


@pytest.mark.usefixtures("topics_created")
async def test_batches_lost_on_the_way_are_read_from_kafka_first(kafka_settings: Settings) -> None:
    keys = [f"key-{number:06d}" for number in range(20_000)]
    await write(kafka_settings, keys)
    with forwarding(kafka_settings, "--skip", "3"):
        found = await until(len(keys), kafka_settings)
    assert (found[0], found[1]) == (keys[0::2], keys[1::2])


@pytest.mark.usefixtures("topics_created")
async def test_what_was_lost_at_the_end_does_not_wait_for_more_to_come(kafka_settings: Settings) -> None:
    keys = [f"key-{number:06d}" for number in range(5_000)]
    await write(kafka_settings, keys)
    with forwarding(kafka_settings, "--skip", "1"):
        found = await until(len(keys), kafka_settings)
        assert (found[0], found[1]) == (keys[0::2], keys[1::2])
        topic = kafka_settings.topic(WEBHOOKS_GHL)
        await until_committed(kafka_settings, {(topic, 0): 2_500, (topic, 1): 2_500})


@pytest.mark.usefixtures("topics_created")
async def test_a_table_comes_back_from_its_changelog_when_the_disk_is_lost(kafka_settings: Settings) -> None:
    keys = [f"key-{number}" for number in range(5_000)]
    await write(kafka_settings, keys)
    topic = kafka_settings.topic(WEBHOOKS_GHL)
    with forwarding(kafka_settings):
        await until(len(keys), kafka_settings)
        # What is forwarded but not yet remembered when it stops is forwarded again.
        await until_committed(kafka_settings, {(topic, 0): 2_500, (topic, 1): 2_500})
    shutil.rmtree(kafka_settings.data_dir)
    await write(kafka_settings, [*keys, "new-0", "new-1"])
    with forwarding(kafka_settings):
        found = await until(len(keys) + 2, kafka_settings)
    assert Counter(key for part in found.values() for key in part) == Counter([*keys, "new-0", "new-1"])


@pytest.mark.usefixtures("topics_created")
async def test_kill_9_under_load_loses_nothing_and_the_restart_works_at_once(kafka_settings: Settings) -> None:
    keys = [f"key-{number:06d}" for number in range(30_000)]
    resumed = []
    for part in range(3):
        with forwarding(kafka_settings) as process:
            before = sum(map(len, (await read(kafka_settings, INBOX)).values()))
            started = time.monotonic()
            await write(kafka_settings, keys[part * 10_000 : (part + 1) * 10_000])
            await until(before + 1_000, kafka_settings)
            resumed.append(time.monotonic() - started)
            process.kill()
            process.wait()
    with forwarding(kafka_settings):
        await until(len(keys), kafka_settings)
        found = await repeat(kafka_settings, keys[::7])
    forwarded = [key for part in found.values() for key in part]
    assert set(forwarded) == set(keys)
    # Forwarded but not yet remembered when the kill came: at most what was in flight, and harmless downstream.
    assert len(forwarded) - len(keys) <= 3 * 4_000
    assert max(resumed) < 15


@pytest.mark.usefixtures("topics_created")
async def test_sigterm_ends_it_cleanly_and_the_next_one_goes_on(kafka_settings: Settings) -> None:
    await write(kafka_settings, ["a", "b"])
    with forwarding(kafka_settings) as process:
        await until(2, kafka_settings)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    await write(kafka_settings, ["a", "c"])
    with forwarding(kafka_settings):
        found = await until(3, kafka_settings)
    assert sorted(key for part in found.values() for key in part) == ["a", "b", "c"]


@pytest.mark.usefixtures("topics_created")
async def test_two_workers_share_the_partitions_and_one_takes_over_when_the_other_dies(
    kafka_settings: Settings,
) -> None:
    second = kafka_settings.model_copy(
        update={"instance_id": "1", "data_dir": kafka_settings.data_dir.with_name("second")}
    )
    keys = [f"key-{number:06d}" for number in range(12_000)]
    with forwarding(kafka_settings), forwarding(second) as doomed:
        await write(kafka_settings, keys[:6_000])
        await until(6_000, kafka_settings)
        await write(kafka_settings, keys[6_000:9_000])
        doomed.kill()
        doomed.wait()
        await write(kafka_settings, keys[9_000:])
        await until(len(keys), kafka_settings)
        # Whoever has a partition now knows what its former owner forwarded.
        found = await repeat(kafka_settings, keys[::5])
    forwarded = Counter(key for part in found.values() for key in part)
    assert forwarded.keys() == set(keys)
    # Twice only what was in flight in the dying worker.
    assert sum(forwarded.values()) - len(keys) <= 3_000
