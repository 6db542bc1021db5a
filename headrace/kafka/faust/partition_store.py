"""Faust's RocksDB store, opened with the options of this program alone: those in the files would empty the table."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from faust import stores
from faust.stores import rocksdb
from faust.types import TP, EventT
from rocksdict import AccessType, Rdict, ReadOptions, WriteBatch

from headrace.events.records import Record
from headrace.kafka.faust.service import FAUST_LOGGER

#: The store's name in Faust's settings.
URL = "headrace://"
stores.STORES.aliases["headrace"] = f"{__name__}:PartitionStore"


class PartitionStore(rocksdb.Store):
    """One database a partition."""

    logger = FAUST_LOGGER

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.rocksdb_options = Opening(**self.options, use_rocksdict=True)

    def apply_changelog_batch(
        self,
        batch: Iterable[EventT[Any]],
        to_key: Callable[[Any], Any],  # noqa: ARG002 - Faust's
        to_value: Callable[[Any], Any],  # noqa: ARG002
    ) -> None:
        """Write what recovery has read of the changelog, each partition's entries and position in one."""
        read: dict[int, list[Record]] = defaultdict(list)
        for event in batch:
            read[event.message.partition].extend(event.message.value)
        for partition, records in read.items():
            writes = WriteBatch(raw_mode=True)
            for record in records:
                if record.value is None:
                    writes.delete(record.key)
                else:
                    writes.put(record.key, record.value)
            writes.put(self.offset_key, str(records[-1].offset).encode())
            self._db_for_partition(partition).write(writes)

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """As Faust's, then claim what is assigned: recovery reads up to the claim, and nobody else writes after it."""
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)
        if generation_id == self.app.consumer_generation_id:
            topics = self.table.changelog_topic.topics
            partitions = sorted(tp.partition for tp in assigned if tp.topic in topics)
            await self.app.partition_tables[self.table.name].take_over(partitions)


class Opening(rocksdb.RocksDBOptions):
    """Opens a partition's files.

    rocksdict takes the options of files that exist from the files. With a TTL, RocksDB's filter of expired entries is
    among them, and would be put into a second one: that hands on values without their time, and the first one then
    takes their last bytes for it. All entries would be gone after the second start.
    """

    def open(self, path: Path, *, read_only: bool = False) -> Rdict:  # noqa: ARG002 - Faust's
        """The database, made if it is missing."""
        access = AccessType.read_write() if self.ttl is None else AccessType.with_ttl(self.ttl)
        column_families = {"default": self.as_options()}
        database = Rdict(str(path), options=self.as_options(), column_families=column_families, access_type=access)
        database.set_read_options(ReadOptions())
        return database
