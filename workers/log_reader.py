"""Reads a known range of offsets straight from Kafka, outside any consumer group: the way to fill a hole."""

from aiokafka import AIOKafkaConsumer, TopicPartition

from events.records import Record
from runtime.kafka import aiokafka_config
from runtime.settings import Settings
from workers.batch_transport import to_record
from workers.offset_guard import Hole


async def read_range(settings: Settings, hole: Hole) -> list[Record]:
    """All records of the hole that still exist, in order; retention may have removed its beginning."""
    partition = TopicPartition(hole.topic, hole.partition)
    consumer = AIOKafkaConsumer(**aiokafka_config(settings), enable_auto_commit=False, auto_offset_reset="none")
    await consumer.start()
    try:
        consumer.assign([partition])
        oldest = (await consumer.beginning_offsets([partition]))[partition]
        position = max(hole.start, oldest)
        consumer.seek(partition, position)
        records: list[Record] = []
        while position < hole.end:
            fetched = await consumer.getmany(partition, timeout_ms=1000)
            for raw in fetched.get(partition, []):
                if raw.offset < hole.end:
                    records.append(to_record(raw))
                position = raw.offset + 1
        return records
    finally:
        await consumer.stop()
