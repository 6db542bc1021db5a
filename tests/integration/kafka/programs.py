"""Worker programs of these tests as processes, and what stands in the topics and tables they write."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.settings import Settings
from tests.lifeline import end
from tests.reply_topics import WEBHOOKS_GHL

HERE = Path(__file__).parent
DEADLINE = 60.0


@contextmanager
def program(settings: Settings, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker program of this directory, while the block runs. A stopped one is continued first."""
    environment = {
        **os.environ,
        "HEADRACE_INSTANCE_ID": settings.instance_id,
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "HEADRACE_TOPIC_PREFIX": settings.topic_prefix,
        "HEADRACE_PARTITIONS": str(settings.partitions),
        "HEADRACE_DATA_DIR": str(settings.data_dir),
    }
    with log_of(settings).open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, str(HERE / name), *arguments], env=environment, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
        end(process, seconds=20)


def log_of(settings: Settings) -> Path:
    """Where a program's lines go."""
    return settings.data_dir.with_suffix(".log")


def twin(settings: Settings, instance_id: str, directory: str) -> Settings:
    """Another process of the same worker, with a data directory of its own."""
    return settings.model_copy(update={"instance_id": instance_id, "data_dir": settings.data_dir.with_name(directory)})


async def send(settings: Settings, keys: list[str], partition: int | None = None) -> None:
    """One record for each key, in the order given; by turns to all partitions unless one is named."""
    outbox = Outbox(settings)
    await outbox.start()
    try:
        await outbox.send(
            OutRecord(
                settings.topic(WEBHOOKS_GHL),
                number % settings.partitions if partition is None else partition,
                key.encode(),
                key.encode(),
                [],
            )
            for number, key in enumerate(keys)
        )
    finally:
        await outbox.stop()


async def records(settings: Settings, topic: str) -> list[ConsumerRecord]:
    """All that stands in a topic, by its name on the broker, partition by partition in order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(settings.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        read: list[ConsumerRecord] = []
        while [place for place in places if await consumer.position(place) < ends[place]]:
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                read.extend(batch)
        return sorted(read, key=lambda record: (record.partition, record.offset))
    finally:
        await consumer.stop()


async def until(holds: Callable[[], Awaitable[bool]], what: str, deadline: float = DEADLINE) -> None:
    """Returns once it holds; fails at the deadline."""
    give_up = time.monotonic() + deadline
    while not await holds():
        assert time.monotonic() < give_up, f"{what}: not after {deadline:.0f} s"
        await asyncio.sleep(0.2)
