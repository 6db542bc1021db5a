"""Sends many records as few record batches and waits until the brokers have them all."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, OutOfOrderSequenceNumber
from aiokafka.producer.message_accumulator import BatchBuilder

from headrace.events.envelope import Headers
from headrace.events.topics import DEAD_LETTER_BYTES
from headrace.kafka.clients import aiokafka_config
from headrace.kafka.faust.lease import Lease
from headrace.kafka.faust.record_sizes import RecordLimits, record_bytes
from headrace.settings import Settings

log = structlog.get_logger()

#: A record batch is closed at this size; a single larger record still gets a batch of its own.
BATCH_BYTES = 512 * 1024
#: More than halving a batch until one record is left takes.
_MOST_TRIES = 32


class OutRecord(msgspec.Struct, frozen=True):
    """A record to send. The partition is given, so that whoever writes decides co-partitioning."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: Headers

    @property
    def bytes(self) -> int:
        """Its size on the broker, in a batch of its own."""
        return record_bytes(self.key, self.value, self.headers)


_ByPartition = dict[tuple[str, int], list[OutRecord]]


class _Refused(Exception):
    """A broker took no batch of this size for the topic."""

    def __init__(self, topic: str, size: int, records: int) -> None:
        super().__init__(topic)
        self.topic = topic
        self.size = size
        self.records = records


class Outbox:
    """An idempotent producer that writes record batches. Not started until `start`.

    With a lease nothing is sent while it is over: what a worker was about to send when it was stopped is for the next
    owner of its partitions to send. A stop between this look and the send is left; ids make that record harmless.
    Only what is true whoever owns them (`for_owner=False`) is sent in any case.
    """

    def __init__(self, settings: Settings, lease: Lease | None = None) -> None:
        self._settings = settings
        self._lease = lease
        self._producer: AIOKafkaProducer
        self._limits = RecordLimits()
        #: Topic → bytes of a batch of several records, where a broker refused more.
        self._room: dict[str, int] = {}
        self._renewing = asyncio.Lock()

    async def start(self) -> None:
        """Connect, within the running event loop. Raises KafkaConnectionError when no broker answers."""
        self._producer = await self._started()

    async def _started(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **aiokafka_config(self._settings),
            enable_idempotence=True,
            acks="all",
            max_batch_size=BATCH_BYTES,
            max_request_size=2 * DEAD_LETTER_BYTES,
            request_timeout_ms=30_000,
        )
        await producer.start()
        return producer

    async def stop(self) -> None:
        """Flush and disconnect."""
        await self._producer.stop()

    async def send(self, records: Iterable[OutRecord], *, for_owner: bool = True) -> dict[tuple[str, int], int]:
        """Send all and wait for every ack. Returns the last written offset of each (topic, partition).

        Order within a partition is kept. Raises RecordTooLarge before anything is sent, or when a broker takes less
        than was declared; KafkaError when the brokers refuse for any other reason.
        """
        by_partition: _ByPartition = defaultdict(list)
        for record in records:
            by_partition[record.topic, record.partition].append(record)
        for _ in range(_MOST_TRIES):
            for (topic, _), group in by_partition.items():
                self._limits.check(topic, (record.bytes for record in group))
            if for_owner:
                await self._hold_lease()
            producer = self._producer
            try:
                return await self._send_all(producer, by_partition)
            except _Refused as refused:
                self._learn(refused)
                await self._renew(producer)
            except OutOfOrderSequenceNumber:
                # Sent behind a batch that was refused, by whoever uses this producer, too.
                await self._renew(producer)
        raise KafkaError(f"brokers refused {_MOST_TRIES} tries to send")

    def _learn(self, refused: _Refused) -> None:
        """Several records may pass in smaller batches; one that was refused alone is refused at the next check."""
        if refused.records == 1:
            self._limits.refused(refused.topic, refused.size)
        else:
            self._room[refused.topic] = refused.size // 2
        log.error(
            "outbox.refused_as_too_large",
            topic=refused.topic,
            bytes=refused.size,
            records=refused.records,
            hint="the topic takes less than declared: see `headrace topics list`",
        )

    async def _send_all(self, producer: AIOKafkaProducer, records: _ByPartition) -> dict[tuple[str, int], int]:
        sent = [(place, await self._send_partition(producer, place, group)) for place, group in records.items()]
        # All of them, so that none is still under way when the producer is exchanged.
        if futures := [future for _, batches in sent for future, _, _ in batches]:
            await asyncio.wait(futures)
        written = {}
        for place, batches in sent:
            for future, count, size in batches:
                try:
                    metadata = await future
                except MessageSizeTooLargeError:
                    raise _Refused(place[0], size, count) from None
                written[place] = metadata.offset + count - 1
        return written

    async def _renew(self, producer: AIOKafkaProducer) -> None:
        """Go on with another producer: behind a batch that was refused, brokers take none of the same one."""
        async with self._renewing:
            if self._producer is producer:
                self._producer = await self._started()
                await producer.stop()

    async def send_each(self, records: Iterable[OutRecord]) -> list[int]:
        """Send all and wait for every ack. Returns the offset of each, for whoever must know; slower than `send`.

        Raises RecordTooLarge before anything is sent, KafkaError when the brokers refuse.
        """
        records = list(records)
        for record in records:
            self._limits.check(record.topic, (record.bytes,))
        await self._hold_lease()
        sent = [
            await self._producer.send(
                record.topic, record.value, record.key, partition=record.partition, headers=record.headers
            )
            for record in records
        ]
        return [(await future).offset for future in sent]

    async def _hold_lease(self) -> None:
        if self._lease is not None:
            await self._lease.wait()

    async def _send_partition(
        self, producer: AIOKafkaProducer, place: tuple[str, int], records: list[OutRecord]
    ) -> list[tuple[asyncio.Future[Any], int, int]]:
        """The batches' futures, each with the number of its records and its bytes."""
        topic, partition = place
        room = self._room.get(topic, BATCH_BYTES)
        sent = []
        batch, count = producer.create_batch(), 0
        for record in records:
            is_full = room < BATCH_BYTES and count > 0 and batch.size() + record.bytes > room
            while is_full or _append(batch, record) is None:
                sent.append((await producer.send_batch(batch, topic, partition=partition), count, batch.size()))
                batch, count, is_full = producer.create_batch(), 0, False
            count += 1
        sent.append((await producer.send_batch(batch, topic, partition=partition), count, batch.size()))
        return sent


def _append(batch: BatchBuilder, record: OutRecord) -> Any:
    """None when the batch is full. A record larger than a batch gets one of its own."""
    return batch.append(key=record.key, value=record.value, timestamp=None, headers=record.headers)
