"""The changelog of one table, and the claims by which one worker at a time may append to a partition of it."""

import asyncio
from collections.abc import AsyncGenerator, Iterable

import msgspec
from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient

from headrace.events.records import Record
from headrace.kafka.clients import confluent_config
from headrace.kafka.faust.fenced_producer import Appending, Entry, FencedProducer, FencedProducers
from headrace.kafka.faust.log_reader import pieces
from headrace.kafka.faust.offset_guard import Hole
from headrace.kafka.faust.record_sizes import RecordLimits, record_bytes
from headrace.settings import Settings

#: Keys of claims begin so; each claim has a key of its own, so that compaction keeps them all.
CLAIM = b"__headrace\0claim\0"
_ADMIN_SECONDS = 10.0


class Claim(msgspec.Struct, frozen=True):
    """The record that begins a worker's turn in a partition: nobody before it can write after it."""

    key: bytes
    value: bytes
    offset: int


class Changelog:
    """Appends to the partitions that were claimed."""

    def __init__(self, settings: Settings, producers: FencedProducers, topic: str) -> None:
        self.topic = topic
        self._settings = settings
        self._producers = producers
        self._claimed: dict[int, FencedProducer] = {}
        self._limits = RecordLimits()

    @property
    def claimed(self) -> list[int]:
        """The partitions this worker may write."""
        return sorted(self._claimed)

    async def claim(self, partition: int) -> Claim:
        """Become the only one who can append to the partition. Waits for the brokers as long as they are away."""
        producer = await self._producers.take(self._name(partition))
        key = CLAIM + producer.identity.encode()
        value = msgspec.json.encode({"instance": self._settings.instance_id})
        offsets = await (await producer.append(self.topic, partition, [(key, value)])).offsets()
        self._claimed[partition] = producer
        return Claim(key, value, offsets.start)

    async def release(self, partition: int) -> None:
        """The partition is somebody else's."""
        self._claimed.pop(partition, None)
        await self._producers.release(self._name(partition))

    def check(self, entries: Iterable[Entry]) -> None:
        """Raises RecordTooLarge for an entry that the topic does not take."""
        self._limits.check(self.topic, (record_bytes(key, value, []) for key, value in entries))

    async def append(self, partition: int, entries: Iterable[Entry]) -> Appending:
        """Send entries of a claimed partition; at least one."""
        return await self._claimed[partition].append(self.topic, partition, entries)

    async def read(self, partition: int, end: int, size: int) -> AsyncGenerator[list[Record], None]:
        """What stands before an offset, a piece at a time."""
        async for piece in pieces(self._settings, Hole(self.topic, partition, 0, end), size):
            yield piece.records

    async def topic_id(self) -> str:
        """Kafka's own id of the topic: another one after it was deleted and made anew."""
        return await asyncio.to_thread(self._topic_id)

    def _topic_id(self) -> str:
        admin = AdminClient({**confluent_config(self._settings), "log_level": 0})
        described = admin.describe_topics(TopicCollection([self.topic]), request_timeout=_ADMIN_SECONDS)
        return str(described[self.topic].result().topic_id)

    def _name(self, partition: int) -> str:
        return f"{self.topic}-{partition}"
