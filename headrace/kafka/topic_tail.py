"""Reads a whole topic outside any consumer group: from its beginning or a moment on to its end, then as it grows.

For what every process must know of all partitions, whatever it was assigned. Kafka away or the topic missing is said
once and tried again every second; reading then begins anew, because what was missed can't be told.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol

import structlog

from headrace.events.records import Record
from headrace.events.topics import Topic
from headrace.kafka.errors import KafkaError
from headrace.kafka.groupless_consumer import AIOKafkaConsumer, TopicPartition, groupless_consumer, to_record
from headrace.settings import Settings

_RETRY_SECONDS = 1.0
_POLL_MS = 500
#: Records handed on at once: their folding must not hold up the event loop.
_POLL_RECORDS = 5_000
_STOP_SECONDS = 3.0
_CHECK_SECONDS = 0.02

log = structlog.get_logger()


class Reader(Protocol):
    """Who wants the records."""

    def begin(self) -> None:
        """Everything comes from the start now, perhaps not for the first time."""

    def take(self, records: Sequence[Record]) -> None:
        """The next records, those of a partition in their order."""

    def reached_end(self) -> None:
        """All that the topic held when reading began was taken."""


class TopicTail:
    """Feeds one reader as long as `run` runs. `since` gives the moment to begin at; without it, the oldest record."""

    def __init__(
        self, settings: Settings, topic: Topic, reader: Reader, since: Callable[[], datetime] | None = None
    ) -> None:
        self._settings = settings
        self._topic = settings.topic(topic)
        self._reader = reader
        self._since = since
        self._consumer: AIOKafkaConsumer | None = None
        self._taken: dict[TopicPartition, int] = {}

    async def run(self) -> None:
        """Until cancelled."""
        failing = False
        while True:
            consumer = groupless_consumer(self._settings, _POLL_RECORDS)
            try:
                await self._follow(consumer)
            except (KafkaError, OSError, TimeoutError) as error:
                if not failing:
                    log.warning("topic unreadable, retrying", topic=self._topic, error=type(error).__name__)
                failing = True
            finally:
                self._consumer = None
                with suppress(TimeoutError):
                    await asyncio.wait_for(consumer.stop(), _STOP_SECONDS)
            await asyncio.sleep(_RETRY_SECONDS)

    async def caught_up(self) -> None:
        """Returns once everything was taken that the topic holds now."""
        while True:
            consumer = self._consumer
            if consumer is not None:
                with suppress(KafkaError, OSError, TimeoutError):
                    ends = await consumer.end_offsets(list(self._taken))
                    if await self._reached(ends, consumer):
                        return
            await asyncio.sleep(_CHECK_SECONDS)

    async def _reached(self, ends: dict[TopicPartition, int], consumer: AIOKafkaConsumer) -> bool:
        """False when reading began anew meanwhile."""
        while consumer is self._consumer:
            if not self._is_behind(ends):
                return True
            await asyncio.sleep(_CHECK_SECONDS)
        return False

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        await consumer.start()
        partitions = await self._partitions(consumer)
        self._taken = await self._first_offsets(consumer, partitions)
        ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        for partition, offset in self._taken.items():
            consumer.seek(partition, offset)
        self._consumer = consumer
        self._reader.begin()
        while self._is_behind(ends):
            await self._take_next(consumer)
        self._reader.reached_end()
        while True:
            await self._take_next(consumer)

    async def _partitions(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        # A topic nobody subscribed to is only in the metadata of all topics.
        known = (await consumer._client.fetch_all_metadata()).partitions_for_topic(self._topic)
        if not known:
            log.warning("no such topic: run `headrace topics create`", topic=self._topic)
            raise KafkaError(f"topic {self._topic} does not exist")
        return [TopicPartition(self._topic, partition) for partition in sorted(known)]

    async def _first_offsets(
        self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, int]:
        if self._since is None:
            return dict(await consumer.beginning_offsets(partitions))
        moment_ms = round(self._since().timestamp() * 1000)
        ends = await consumer.end_offsets(partitions)
        firsts = await consumer.offsets_for_times(dict.fromkeys(partitions, moment_ms))
        return {place: ends[place] if firsts[place] is None else firsts[place].offset for place in partitions}

    async def _take_next(self, consumer: AIOKafkaConsumer) -> None:
        batches = await consumer.getmany(timeout_ms=_POLL_MS)
        records = [to_record(raw) for batch in batches.values() for raw in batch]
        if records:
            self._reader.take(records)
        for place in self._taken:
            self._taken[place] = await consumer.position(place)

    def _is_behind(self, ends: dict[TopicPartition, int]) -> bool:
        return any(self._taken[place] < end for place, end in ends.items())
