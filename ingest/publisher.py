"""Makes records durable in groups: whatever arrives while one group is on its way to Kafka travels in the next.

A record of its own costs aiokafka about 60 µs and a produce request each; in a group it is a few bytes more in a
batch. A group leaves at once when none left just now: a lone webhook waits for nobody, a stream travels together.
"""

import asyncio
from collections import defaultdict
from contextlib import suppress

import msgspec
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from events.envelope import Headers
from events.topics import MAX_RECORD_BYTES
from runtime.kafka import aiokafka_config
from runtime.partitioning import fresh_key_partition
from runtime.settings import Settings

#: Headers and the record batch's own fields come on top of the largest value.
_OVERHEAD_BYTES = 65_536
#: A batch is closed at this size; a single larger record still gets one of its own.
_BATCH_BYTES = 512 * 1024
#: While one group's answer comes back, the next can be on its way.
_GROUPS_UNDER_WAY = 2
#: Groups leave at least this far apart, seconds, unless one is full: each costs as much as many records.
_GROUP_INTERVAL = 0.004
_FULL_GROUP = 8
_RETRY_SECONDS = 1.0
_START_SECONDS = 10.0
_STOP_SECONDS = 5.0

log = structlog.get_logger()


class KafkaAway(Exception):
    """Kafka did not acknowledge in time. The record may still arrive later; a repeat is then a duplicate."""


class _Record(msgspec.Struct, frozen=True):
    topic: str
    key: bytes
    value: bytes
    headers: Headers


class _Group:
    """Records that travel together, and the answers that their senders wait for."""

    def __init__(self, timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self.records: list[_Record] = []
        # One each: a sender that hung up cancels its own wait and nobody else's.
        self._answers: list[asyncio.Future[None]] = []
        self._deadline = self._loop.call_later(timeout, self.fail, "no acknowledgement in time")

    def add(self, record: _Record) -> asyncio.Future[None]:
        """Takes the record along. The answer comes with the group's."""
        self.records.append(record)
        answer: asyncio.Future[None] = self._loop.create_future()
        self._answers.append(answer)
        return answer

    def succeed(self) -> None:
        self._deadline.cancel()
        for answer in self._answers:
            if not answer.done():
                answer.set_result(None)

    def fail(self, reason: str) -> None:
        self._deadline.cancel()
        for answer in self._answers:
            if not answer.done():
                answer.set_exception(KafkaAway(reason))


class Publisher:
    """Publishes with acks from all replicas, as long as `run` runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._timeout = settings.publish_timeout
        self._partitions = settings.partitions
        self._producer: AIOKafkaProducer | None = None
        self._waiting: _Group | None = None
        self._arrived = asyncio.Event()
        self._filled = asyncio.Event()
        self._last_left = 0.0
        #: False from the first group Kafka did not take until the next one it did.
        self.is_up = False

    @property
    def is_started(self) -> bool:
        """True once Kafka was reached."""
        return self._producer is not None

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """Returns when the record is durable. Raises KafkaAway after `publish_timeout` seconds at the latest."""
        if self._producer is None:
            raise KafkaAway("not connected yet")
        group = self._waiting
        if group is None:
            group = self._waiting = _Group(self._timeout)
            self._arrived.set()
        answer = group.add(_Record(topic, key, value, headers))
        if len(group.records) == _FULL_GROUP:
            self._filled.set()
        await answer

    async def run(self) -> None:
        """Keeps a producer connected until cancelled, then sends what waits and flushes."""
        while True:
            producer = await self._connected()
            self._producer = producer
            self._is_back()
            try:
                await self._send_for_ever(producer)
            finally:
                self._producer = None
                await self._finish(producer)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _send_for_ever(self, producer: AIOKafkaProducer) -> None:
        """Returns when the producer is of no more use."""
        senders = {asyncio.create_task(self._send_groups(producer)) for _ in range(_GROUPS_UNDER_WAY)}
        try:
            done, _ = await asyncio.wait(senders, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for sender in senders:
                sender.cancel()
            await asyncio.gather(*senders, return_exceptions=True)
        for sender in done:
            sender.result()

    async def _send_groups(self, producer: AIOKafkaProducer) -> None:
        while True:
            await self._arrived.wait()
            await self._until_due()
            group = self._take()
            if group is None:
                continue
            try:
                async with asyncio.timeout(self._timeout):
                    await _send(producer, group.records, self._partitions)
            except TimeoutError:
                self._is_away("no acknowledgement in time")
                group.fail("no acknowledgement in time")
            except KafkaError as error:
                self._is_away(type(error).__name__)
                group.fail(type(error).__name__)
                if not error.retriable:
                    # After a fatal error this producer fails every record; a new one starts clean.
                    return
            except BaseException:
                group.fail("stopping")
                raise
            else:
                group.succeed()
                self._is_back()

    async def _until_due(self) -> None:
        loop = asyncio.get_running_loop()
        while (due := self._last_left + _GROUP_INTERVAL) > loop.time() and not self._filled.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._filled.wait()

    def _take(self) -> _Group | None:
        group, self._waiting = self._waiting, None
        self._arrived.clear()
        self._filled.clear()
        if group is not None:
            self._last_left = asyncio.get_running_loop().time()
        return group

    async def _finish(self, producer: AIOKafkaProducer) -> None:
        group = self._take()
        if group is not None:
            group.fail("stopping")
        await _stopped(producer)

    async def _connected(self) -> AIOKafkaProducer:
        while True:
            producer = AIOKafkaProducer(
                acks="all",
                enable_idempotence=True,
                max_batch_size=_BATCH_BYTES,
                max_request_size=MAX_RECORD_BYTES + _OVERHEAD_BYTES,
                **aiokafka_config(self._settings),
            )
            try:
                await asyncio.wait_for(producer.start(), _START_SECONDS)
            except (KafkaError, OSError, TimeoutError) as error:
                await _stopped(producer)
                self._is_away(type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)
            except BaseException:
                await _stopped(producer)
                raise
            else:
                return producer

    def _is_away(self, reason: str) -> None:
        if self.is_up:
            log.error("kafka away: webhooks are refused and the providers send them again", reason=reason)
        self.is_up = False

    def _is_back(self) -> None:
        if not self.is_up:
            log.info("kafka up")
        self.is_up = True


async def _send(producer: AIOKafkaProducer, records: list[_Record], partitions: int) -> None:
    """All records as record batches, one or more a partition; returns when every batch is acknowledged."""
    by_place: dict[tuple[str, int], list[_Record]] = defaultdict(list)
    for record in records:
        by_place[record.topic, fresh_key_partition(record.key, partitions)].append(record)
    sent = []
    for (topic, partition), group in by_place.items():
        batch = producer.create_batch()
        for record in group:
            while batch.append(key=record.key, value=record.value, timestamp=None, headers=record.headers) is None:
                sent.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
        sent.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*sent)


async def _stopped(producer: AIOKafkaProducer) -> None:
    """Flushes and closes. Without Kafka a flush would wait for ever: every record left was answered as refused."""
    with suppress(TimeoutError):
        await asyncio.wait_for(producer.stop(), _STOP_SECONDS)
        return
    log.warning("producer stopped before kafka took everything")
    await producer.client.close()
