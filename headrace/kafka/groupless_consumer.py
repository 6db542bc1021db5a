"""aiokafka's consumer outside any group: it is told where to read and commits nothing. Its records become ours."""

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from headrace.events.records import Record
from headrace.kafka.clients import aiokafka_config
from headrace.settings import Settings

__all__ = ["AIOKafkaConsumer", "TopicPartition", "groupless_consumer", "to_record"]


def groupless_consumer(settings: Settings, max_poll_records: int) -> AIOKafkaConsumer:
    """Not started yet, within the running event loop. Where the log was cut, it raises instead of guessing a place."""
    return AIOKafkaConsumer(
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_poll_records=max_poll_records,
        **aiokafka_config(settings),
    )


def to_record(record: Any) -> Record:
    """An aiokafka record as ours."""
    return Record(
        record.topic,
        record.partition,
        record.offset,
        record.key or b"",
        record.value,
        list(record.headers),
        record.timestamp,
    )
