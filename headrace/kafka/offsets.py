"""Where records stand in the log: partitions, and half-open ranges of their offsets."""

import msgspec

#: (topic on the broker, partition)
Partition = tuple[str, int]


class OffsetRange(msgspec.Struct, frozen=True):
    """Offsets of a partition: `start` up to, not including, `end`. Of a whole one `end` is the next to be written."""

    start: int
    end: int

    @property
    def count(self) -> int:
        """How many offsets there are: in Headrace's topics, each is a record."""
        return self.end - self.start
