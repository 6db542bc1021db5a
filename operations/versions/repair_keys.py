"""Which keys a repair is about: those of chosen records of a window, and of leads that were merged with theirs."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from headrace.events.records import Record
from headrace.kafka.partitioning import fresh_key_partition
from headrace.refusal import Refusal

#: Keys of one batch, and so of one transaction: short enough that a worker which waits for it is not held up.
KEYS_PER_BATCH = 200
#: More keys than these would need too much memory, and a rebuild is faster by then.
MOST_KEYS = 1_000_000

#: Whether a record's key is to be repaired.
Wants = Callable[[Record], bool]
#: Reads the pairs of ids of leads that became one, anew at each call.
ReadMerges = Callable[[], Iterable[tuple[str, str]]]
#: Partition → key → its batch. No batch has keys of two partitions.
Selected = Mapping[int, Mapping[bytes, int]]


class TooManyKeys(Refusal):
    """The repair would be about more keys than it can hold; the message says what to do instead."""

    def __init__(self) -> None:
        super().__init__(
            f"More than {MOST_KEYS:,} keys were touched: choose a shorter window or one workspace, or make all rows "
            "anew with `headrace proj rebuild`, which is faster then."
        )


class FoundKeys(msgspec.Struct):
    """Keys by partition, and what was seen while they were looked for."""

    keys: dict[int, set[bytes]] = {}
    #: Records that were looked at, and their bytes.
    records: int = 0
    size: int = 0
    #: Records that were wanted.
    wanted: int = 0
    count: int = 0

    def look(self, record: Record, wants: Wants) -> None:
        """Take the record's key if it is wanted. Raises TooManyKeys."""
        self.records += 1
        self.size += len(record.key) + len(record.value or b"")
        if wants(record):
            self.wanted += 1
            self.add(record.partition, record.key)

    def add(self, partition: int, key: bytes) -> None:
        """Take a key of a partition. Raises TooManyKeys."""
        known = self.keys.setdefault(partition, set())
        if key in known:
            return
        if self.count >= MOST_KEYS:
            raise TooManyKeys
        known.add(key)
        self.count += 1

    def add_merged(self, read_merges: ReadMerges, partitions: int) -> None:
        """Take the leads that became one with those that are there: rows of a message may come from either."""
        ids = {key for keys in self.keys.values() for key in keys}
        grows = bool(ids)
        while grows:
            grows = False
            for pair in read_merges():
                first, second = (id_.encode() for id_ in pair)
                if (first in ids) != (second in ids):
                    new = second if first in ids else first
                    ids.add(new)
                    self.add(fresh_key_partition(new, partitions), new)
                    grows = True

    def in_batches(self) -> Selected:
        """The keys, each with the number of its batch."""
        selected: dict[int, dict[bytes, int]] = {}
        batch = 0
        for partition, keys in sorted(self.keys.items()):
            for number, key in enumerate(sorted(keys)):
                batch += number % KEYS_PER_BATCH == 0
                selected.setdefault(partition, {})[key] = batch
        return selected
