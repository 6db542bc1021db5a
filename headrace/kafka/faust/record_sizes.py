"""What a record takes on the broker, and what its topic takes: a record too large is set aside by itself.

Sizes are those of a record batch of its own, which is what a broker compares with `max.message.bytes`.
"""

from collections.abc import Iterable

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from headrace.events.caps import TooLarge
from headrace.events.envelope import Headers
from headrace.events.topics import record_limit


class RecordTooLarge(TooLarge):
    """A topic does not take the record. The message names topic, size and limit, never content."""

    def __init__(self, topic: str, size: int, limit: int) -> None:
        super().__init__(f"a record of {size:,} bytes for {topic}, which takes {limit:,} at most")


def record_bytes(key: bytes, value: bytes | None, headers: Headers) -> int:
    """Of the record in a batch of its own, a little too much rather than too little."""
    size: int = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, value, headers)
    return size


class RecordLimits:
    """What each topic takes: as declared, or less where a broker refused as much."""

    def __init__(self) -> None:
        self._refused: dict[str, int] = {}

    def of(self, topic: str) -> int:
        """Bytes of a batch. `topic` is the name on the broker."""
        return self._refused.get(topic, record_limit(topic))

    def check(self, topic: str, sizes: Iterable[int]) -> None:
        """Raises RecordTooLarge."""
        limit = self.of(topic)
        for size in sizes:
            if size > limit:
                raise RecordTooLarge(topic, size, limit)

    def refused(self, topic: str, size: int) -> None:
        """A broker took no batch of this size: the topic has less room than was declared."""
        self._refused[topic] = min(self.of(topic), size - 1)
