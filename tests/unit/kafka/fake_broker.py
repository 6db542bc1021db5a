"""A broker in memory, for followers."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata, OffsetAndTimestamp
from faust.types import TP

from headrace.kafka.faust.following import Batch


async def process_nothing(_batch: Batch) -> None:
    """Nothing: only positions matter here."""


class Broker:
    """As much of Faust's consumer, its thread and aiokafka's consumer as is asked where partitions begin."""

    def __init__(self, partitions: list[TP]) -> None:
        self._partitions = partitions
        self._thread = self._coordinator = self
        self.questions = 0
        self.end = 10
        #: The append time in the group's commit, and the first record after it.
        self.metadata = ""
        self.later: list[int] = []

    def assignment(self) -> set[TP]:
        return set(self._partitions)

    def _ensure_consumer(self) -> "Broker":
        return self

    async def ask(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        self.questions += 1
        return await ask()

    async def fetch_committed_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        return {place: OffsetAndMetadata(5, self.metadata) for place in places if place.partition == 1}

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 3)

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self.end)

    async def offsets_for_times(self, times: dict[TopicPartition, int]) -> dict[TopicPartition, OffsetAndTimestamp]:
        return {place: OffsetAndTimestamp(offset, ms) for place, ms in times.items() for offset in self.later}
