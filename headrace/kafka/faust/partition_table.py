"""A Faust table read and written by partition, a batch at a time: changelog first, then RocksDB in one write.

Faust's own mapping needs the current event for every key and sends one changelog record per write. The files,
the changelog and the persisted offset are the same, so Faust recovers and rebalances the table as its own.

Only the owner of a partition may write it, and a worker that was stopped or cut off does not know that it is the
owner no more. So whoever is given a partition claims it first: a record in the changelog under a new producer epoch,
after which the broker refuses every older epoch. What the last owner wrote before the claim is read at recovery, as
if it had died right after; what it sends later is written nowhere, however long it was on its way. And a position is
stored only when it follows the one before it without a gap: behind a gap stands what this worker has not read.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any

import faust
import structlog
from faust.types import TP
from rocksdict import WriteBatch

from headrace.kafka.faust.changelog import CLAIM, Changelog
from headrace.kafka.faust.fenced_producer import Entry, Fenced
from headrace.kafka.faust.loop import Loop
from headrace.kafka.faust.stops import ForeignTable, Lost, Shortened

log = structlog.get_logger()

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

#: Between two claims of a partition that stays, seconds. Kafka remembers a producer that is quiet for a day
#: (`producer.id.expiration.ms`), a name for seven (`transactional.id.expiration.ms`).
CLAIM_SECONDS = 6 * 3600.0
#: Kept on disk only. The id of the changelog's topic.
TOPIC_KEY = b"__headrace\0topic"
#: Kept on disk only, while the changelog lacks entries of this partition.
SHORT_KEY = b"__headrace\0short"
#: Entries, and bytes, appended at once where a whole partition is.
_PIECE_ENTRIES = 2000
_PIECE_BYTES = 1024**2


def declare_table(
    app: faust.App,
    name: str,
    partitions: int,
    ttl_seconds: int | None = None,
    changelog: Mapping[str, str] = MappingProxyType({}),
) -> Any:
    """A table of raw bytes. With a TTL, entries not written for that long go away on disk and in the changelog.

    `changelog`: further settings of its topic.
    """
    expiry = {"cleanup.policy": "compact,delete", "retention.ms": ttl_seconds * 1000} if ttl_seconds else {}
    return app.Table(
        name,
        partitions=partitions,
        key_type=bytes,
        value_type=bytes,
        recovery_buffer_size=RECOVERY_BATCHES,
        options={**ROCKSDB_OPTIONS, **({"ttl": ttl_seconds} if ttl_seconds else {})},
        extra_topic_configs={**changelog, **expiry},
    )


class PartitionTable:
    """Reads and writes one declared table. Only for partitions assigned to this process."""

    def __init__(self, table: Any, changelog: Changelog) -> None:
        self._table = table
        self._changelog = changelog
        # The stored position is that of the newest changelog record. Were two writes under way at once, the later
        # could be stored first, and a crash between them would lose the earlier for ever.
        self._writing = asyncio.Lock()

    def get(self, partition: int, key: bytes) -> bytes | None:
        """The stored value, None when absent."""
        value: bytes | None = self._database(partition).get(key)
        return value

    def get_many(self, partition: int, keys: list[bytes]) -> list[bytes | None]:
        """The stored values in the order of the keys."""
        if not keys:
            return []
        values: list[bytes | None] = self._database(partition).get(keys)
        return values

    def scan(self, partition: int, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Every entry whose key begins with the prefix, in key order, as the partition was when the scan began."""
        for key, value in self._database(partition).items(from_key=prefix):
            if not key.startswith(prefix):
                return
            yield key, value

    async def write(self, writes: Writes) -> None:
        """Append to the changelog, wait for the acks, then write each partition's entries and position atomically.

        Several agents may write one table: their writes take turns. Raises Lost when the partition is somebody else's,
        and RecordTooLarge before anything is written.
        """
        async with self._writing:
            try:
                await self._write({partition: entries for partition, entries in writes.items() if entries})
            except Fenced as error:
                raise Lost(self._changelog.topic) from error

    async def take_over(self, partitions: list[int]) -> None:
        """Claim these partitions, and no others, before they are recovered. Raises ForeignTable."""
        async with self._writing:
            await self._check_topic(partitions)
            for partition in set(self._changelog.claimed) - set(partitions):
                await self._changelog.release(partition)
            await asyncio.gather(*(self._take_over(partition) for partition in partitions))

    async def claim_again(self) -> None:
        """Claim what is claimed. Kafka forgets the epoch of whoever wrote nothing for a day. Raises Lost."""
        async with self._writing:
            for partition in self._changelog.claimed:
                position = self._position(partition)
                claim = await self._changelog.claim(partition)
                if claim.offset != position + 1:
                    raise Lost(self._changelog.topic)
                self._remember(partition, {claim.key: claim.value}, claim.offset)

    async def restore_changelogs(self) -> None:
        """Append what a changelog has lost, once the partitions are recovered and before anything is processed.

        The table is the most complete memory there is of what was done: acknowledged, forwarded, paid for. Its
        source is not read again, so what it forgot it would never learn again.
        """
        async with self._writing:
            for partition in self._changelog.claimed:
                if self.get(partition, SHORT_KEY) is not None:
                    await self._restore(partition)

    async def _write(self, writes: Writes) -> None:
        self._changelog.check(chain.from_iterable(entries.items() for entries in writes.values()))
        for partition in writes.keys() - set(self._changelog.claimed):
            await self._claim_unassigned(partition)
        sent = {
            partition: await self._changelog.append(partition, entries.items()) for partition, entries in writes.items()
        }
        for partition, appending in sent.items():
            self._append_to_table(partition, writes[partition], await appending.offsets())

    def _append_to_table(self, partition: int, entries: Mapping[bytes, bytes | None], offsets: range) -> None:
        position = self._position(partition)
        if offsets.start > position + 1:
            raise Lost(self._changelog.topic)
        if offsets.start <= position:
            self._remember(partition, {**entries, SHORT_KEY: b"1"}, offsets[-1])
            raise Shortened(self._changelog.topic, partition)
        self._remember(partition, entries, offsets[-1])

    async def _take_over(self, partition: int) -> None:
        claim = await self._changelog.claim(partition)
        position = self._position(partition)
        if claim.offset > position + 1:
            # Faust reads what others wrote since, and the claim after it.
            return
        short = {SHORT_KEY: b"1"} if claim.offset <= position else {}
        self._remember(partition, {claim.key: claim.value, **short}, claim.offset)

    async def _claim_unassigned(self, partition: int) -> None:
        """A changelog that was just created may be unknown to the group's leader, who then assigns it to nobody.

        It is empty then. Where it is not, the worker has to start again and recover it.
        """
        await self._check_topic([partition])
        claim = await self._changelog.claim(partition)
        if claim.offset != self._position(partition) + 1:
            raise Lost(self._changelog.topic)
        self._remember(partition, {claim.key: claim.value}, claim.offset)

    async def _check_topic(self, partitions: list[int]) -> None:
        if not partitions:
            return
        topic_id = (await self._changelog.topic_id()).encode()
        for partition in partitions:
            known = self.get(partition, TOPIC_KEY)
            if known not in (None, topic_id):
                raise ForeignTable(self._changelog.topic, self._table.data.path)
            if known is None:
                self._database(partition).put(TOPIC_KEY, topic_id)

    async def _restore(self, partition: int) -> None:
        claim_offset = self._position(partition)
        last_claim, deleted = await self._compare(partition, claim_offset)
        if last_claim is not None and self.get(partition, last_claim) is None:
            self._forget(partition)
            raise Lost(self._changelog.topic)
        count = 0
        tombstones: Iterator[Entry] = ((key, None) for key in deleted)
        for piece in _in_pieces(chain(tombstones, self._entries(partition))):
            offsets = await (await self._changelog.append(partition, piece)).offsets()
            self._database(partition).put(self._table.data.offset_key, str(offsets[-1]).encode())
            count += len(piece)
        self._remember(partition, {SHORT_KEY: None}, self._position(partition))
        log.warning("table.changelog_restored", topic=self._changelog.topic, partition=partition, entries=count)

    async def _compare(self, partition: int, end: int) -> tuple[bytes | None, set[bytes]]:
        """The last claim in a changelog, and the keys it has but the table has not."""
        last_claim: bytes | None = None
        deleted: set[bytes] = set()
        async for records in self._changelog.read(partition, end, _PIECE_ENTRIES):
            for record in records:
                if record.key.startswith(CLAIM):
                    last_claim = record.key
                elif record.value is not None and self.get(partition, record.key) is None:
                    deleted.add(record.key)
        return last_claim, deleted

    def _entries(self, partition: int) -> Iterator[Entry]:
        local = (self._table.data.offset_key, TOPIC_KEY, SHORT_KEY)
        return ((key, value) for key, value in self._database(partition).items() if key not in local)

    def _forget(self, partition: int) -> None:
        """Somebody else's changes are missing here and cannot be told apart: all is read from the changelog again."""
        database = self._database(partition)
        for key in list(database.keys()):
            database.delete(key)

    def _remember(self, partition: int, entries: Mapping[bytes, bytes | None], changelog_offset: int) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, value in entries.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(self._table.data.offset_key, str(changelog_offset).encode())
        self._database(partition).write(batch)

    def _position(self, partition: int) -> int:
        """The changelog offset of the newest entry; -1 for a partition that has none."""
        position: int | None = self._table.data.persisted_offset(TP(self._changelog.topic, partition))
        return -1 if position is None else position

    def _database(self, partition: int) -> Any:
        return self._table.data._db_for_partition(partition)


class ClaimKeeper(Loop):
    """Claims again and again what its tables have claimed, so that Kafka never forgets who the owner is."""

    def __init__(self, tables: Sequence[PartitionTable]) -> None:
        super().__init__()
        self._tables = tables

    async def run_for_ever(self) -> None:
        """Claim every few hours."""
        while True:
            await asyncio.sleep(CLAIM_SECONDS)
            for table in self._tables:
                await table.claim_again()


def _in_pieces(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    piece: list[Entry] = []
    size = 0
    for key, value in entries:
        piece.append((key, value))
        size += len(key) + len(value or b"")
        if len(piece) == _PIECE_ENTRIES or size >= _PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece
