"""A Faust table read and written by partition, a batch at a time: changelog first, then RocksDB in one write.

Faust's own mapping needs the current event for every key and sends one changelog record per write. The files,
the changelog and the persisted offset are the same, so Faust recovers and rebalances the table as its own.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import faust
from rocksdict import WriteBatch

from workers.outbox import Outbox, OutRecord

#: Per table and partition at most 16 MiB; Faust's default cache alone would be 2 GiB.
ROCKSDB_OPTIONS = {
    "write_buffer_size": 4 * 1024**2,
    "max_write_buffer_number": 2,
    "block_cache_size": 8 * 1024**2,
    "target_file_size_base": 64 * 1024**2,
    "bloom_filter_size": 10,
}

#: Batches of up to `MAX_POLL_RECORDS` records that recovery gathers before it writes them. Not 1: for Faust that means
#: a table it reads from its changelog for ever.
RECOVERY_BATCHES = 4

Writes = dict[int, dict[bytes, bytes | None]]


def declare_table(app: faust.App, name: str, partitions: int, ttl_seconds: int | None = None) -> Any:
    """A table of raw bytes. With a TTL, entries not written for that long go away on disk and in the changelog."""
    return app.Table(
        name,
        partitions=partitions,
        key_type=bytes,
        value_type=bytes,
        recovery_buffer_size=RECOVERY_BATCHES,
        options={**ROCKSDB_OPTIONS, **({"ttl": ttl_seconds} if ttl_seconds else {})},
        extra_topic_configs=(
            {"cleanup.policy": "compact,delete", "retention.ms": ttl_seconds * 1000} if ttl_seconds else {}
        ),
    )


class PartitionTable:
    """Reads and writes one declared table. Only for partitions assigned to this process."""

    def __init__(self, table: Any, outbox: Outbox) -> None:
        self._table = table
        self._outbox = outbox
        # The stored position is that of the newest changelog record. Were two writes under way at once, the later
        # could be stored first, and a crash between them would lose the earlier for ever.
        self._writing = asyncio.Lock()

    def get(self, partition: int, key: bytes) -> bytes | None:
        """The stored value, None when absent."""
        value: bytes | None = self._table.data._db_for_partition(partition).get(key)
        return value

    def get_many(self, partition: int, keys: list[bytes]) -> list[bytes | None]:
        """The stored values in the order of the keys."""
        if not keys:
            return []
        values: list[bytes | None] = self._table.data._db_for_partition(partition).get(keys)
        return values

    def scan(self, partition: int, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Every entry whose key begins with the prefix, in key order, as the partition was when the scan began."""
        for key, value in self._table.data._db_for_partition(partition).items(from_key=prefix):
            if not key.startswith(prefix):
                return
            yield key, value

    async def write(self, writes: Writes) -> None:
        """Append to the changelog, wait for the acks, then write each partition's entries and position atomically.

        Several agents may write one table: their writes take turns.
        """
        async with self._writing:
            await self._write(writes)

    async def _write(self, writes: Writes) -> None:
        topic = self._table.changelog_topic.get_topic_name()
        records = [
            OutRecord(topic, partition, key, value, [])
            for partition, entries in writes.items()
            for key, value in entries.items()
        ]
        if not records:
            return
        written = await self._outbox.send(records)
        for partition, entries in writes.items():
            if entries:
                self._apply(partition, entries, written[topic, partition])

    def _apply(self, partition: int, entries: Mapping[bytes, bytes | None], changelog_offset: int) -> None:
        store = self._table.data
        batch = WriteBatch(raw_mode=True)
        for key, value in entries.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(store.offset_key, str(changelog_offset).encode())
        store._db_for_partition(partition).write(batch)
