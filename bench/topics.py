"""Fills topics and counts what is in them, fast enough to be no part of a measurement."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count

import msgspec
import uuid_utils
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from bench.failure import BenchmarkFailed
from bench.webhooks import WORKSPACE, Traffic, templates
from headrace.events.envelope import Headers
from headrace.events.topics import Topic
from headrace.events.webhooks import WebhookMeta, webhook_headers
from headrace.kafka.clients import confluent_config, confluent_producer_config
from headrace.providers.payload import read_payload
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings

_FLUSH_SECONDS = 120.0
_ASK_SECONDS = 15.0


class Filling(msgspec.Struct, frozen=True):
    """One record to write."""

    key: bytes
    value: bytes
    headers: Headers
    #: -1: where the key's hash leads.
    partition: int = -1


def opaque(numbers: Iterable[int], size: int) -> Iterable[Filling]:
    """Records of `size` bytes that mean nothing, with the number as their key."""
    for number in numbers:
        key = b"key-%010d" % number
        yield Filling(key, key.ljust(size, b"."), [])


def webhooks(traffic: Traffic, numbers: Iterable[int], partitions: int | None = None) -> Iterable[Filling]:
    """Records as ingest writes them; all webhooks of the traffic must belong into one topic.

    With `partitions`, number modulo partitions is the partition, as in a table filled by `fill_seen`.
    """
    choices = templates(traffic)
    for number in numbers:
        template = choices[number % len(choices)]
        body = template.body(number)
        key = ADAPTERS[template.provider].deliver(WORKSPACE, read_payload(body)).dedupe_key
        meta = WebhookMeta(
            receipt_id=str(uuid_utils.uuid7()),
            provider=template.provider,
            workspace=WORKSPACE,
            received_at=datetime.now(UTC),
            query={"workspace": WORKSPACE},
        )
        partition = -1 if partitions is None else number % partitions
        yield Filling(key.encode(), body, webhook_headers(meta), partition)


def write(settings: Settings, topic: Topic, records: Iterable[Filling]) -> int:
    """Write the records, keyed as every other client would, and wait for all acks. How many there were."""
    # A broker that has just started lets its first producer wait: no reason for a line on stderr.
    large = {"linger.ms": 20, "queue.buffering.max.messages": 200_000, "log_level": 0}
    producer = Producer(confluent_producer_config(settings) | large)
    refused: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: object) -> None:
        if error is not None:
            refused.append(error)

    name, written = settings.topic(topic), count()
    for record in records:
        while True:
            try:
                producer.produce(
                    name, record.value, record.key, record.partition, headers=record.headers, on_delivery=delivered
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
        next(written)
    left = producer.flush(_FLUSH_SECONDS)
    if left or refused:
        raise BenchmarkFailed(f"Kafka did not take {left + len(refused)} records of {name}: see its log")
    return next(written)


class Counter:
    """Counts the records of topics by their end offsets: right for topics that nothing was removed from."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer = Consumer(confluent_config(settings) | {"group.id": "bench-counter", "log_level": 0})

    def records(self, topic: Topic) -> int:
        """All records ever written to the topic."""
        return self.records_in(self._settings.topic(topic))

    def records_in(self, name: str) -> int:
        """The same, by the name on the broker."""
        partitions = (TopicPartition(name, number) for number in range(self._settings.partitions))
        return sum(self._consumer.get_watermark_offsets(one, timeout=_ASK_SECONDS)[1] for one in partitions)
