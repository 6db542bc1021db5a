"""Sends many records as few record batches and waits until the brokers have them all."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

from events.envelope import Headers
from events.topics import MAX_RECORD_BYTES
from runtime.kafka import aiokafka_config
from runtime.settings import Settings
from workers.lease import Lease

#: A record batch is closed at this size; a single larger record still gets a batch of its own.
BATCH_BYTES = 512 * 1024


class OutRecord(msgspec.Struct, frozen=True):
    """A record to send. The partition is given, so that whoever writes decides co-partitioning."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: Headers


class Outbox:
    """An idempotent producer that writes record batches. Not started until `start`.

    With a lease nothing is sent while it is over: what a worker was about to send when it was stopped is for the next
    owner of its partitions to send. A stop between this look and the send is left; ids make that record harmless.
    """

    def __init__(self, settings: Settings, lease: Lease | None = None) -> None:
        self._settings = settings
        self._lease = lease
        self._producer: AIOKafkaProducer

    async def start(self) -> None:
        """Connect, within the running event loop. Raises KafkaConnectionError when no broker answers."""
        self._producer = AIOKafkaProducer(
            **aiokafka_config(self._settings),
            enable_idempotence=True,
            acks="all",
            max_batch_size=BATCH_BYTES,
            max_request_size=2 * MAX_RECORD_BYTES,
            request_timeout_ms=30_000,
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Flush and disconnect."""
        await self._producer.stop()

    async def send(self, records: Iterable[OutRecord]) -> dict[tuple[str, int], int]:
        """Send all and wait for every ack. Returns the last written offset of each (topic, partition).

        Order within a partition is kept. Raises KafkaError when the brokers refuse.
        """
        by_partition: dict[tuple[str, int], list[OutRecord]] = defaultdict(list)
        for record in records:
            by_partition[record.topic, record.partition].append(record)
        await self._hold_lease()
        sent = [(place, await self._send_partition(place, group)) for place, group in by_partition.items()]
        written = {}
        for place, batches in sent:
            for future, count in batches:
                metadata = await future
                written[place] = metadata.offset + count - 1
        return written

    async def send_each(self, records: Iterable[OutRecord]) -> list[int]:
        """Send all and wait for every ack. Returns the offset of each, for whoever must know; slower than `send`.

        Raises KafkaError when the brokers refuse.
        """
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
        self, place: tuple[str, int], records: list[OutRecord]
    ) -> list[tuple[asyncio.Future[Any], int]]:
        topic, partition = place
        sent = []
        batch, count = self._producer.create_batch(), 0
        for record in records:
            while batch.append(key=record.key, value=record.value, timestamp=None, headers=record.headers) is None:
                sent.append((await self._producer.send_batch(batch, topic, partition=partition), count))
                batch, count = self._producer.create_batch(), 0
            count += 1
        sent.append((await self._producer.send_batch(batch, topic, partition=partition), count))
        return sent
