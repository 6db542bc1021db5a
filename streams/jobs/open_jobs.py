"""The tables of jobs: those that are open or died, by their details, and for a while those that ended."""

from collections.abc import Iterable, Iterator

from headrace.events.jobs import AnyJobEvent
from headrace.events.messages import Message
from headrace.kafka.faust.partition_table import PartitionTable
from streams.jobs.open_job import ClosedJob, Entry, OpenJob, Place, decode_entry, encode_entry, ends_run, fold
from streams.jobs.requests import job_ids

#: What keys begin with: of open jobs, and of those that died.
_OPEN = b"o\x1f"
_DIED = b"d\x1f"


class OpenJobs:
    """Read by whoever runs jobs; written by the execute agent alone."""

    def __init__(self, open_jobs: PartitionTable, closed_jobs: PartitionTable) -> None:
        self._open = open_jobs
        self._closed = closed_jobs

    def job(self, partition: int, job_id: str) -> OpenJob | None:
        """An open job with all its details, None when it is none."""
        value = self._open.get(partition, _OPEN + job_id.encode())
        return None if value is None else decode_entry(value)

    def needs(self, partition: int, message: Message) -> bool:
        """True while a job of the message is open, or died and may be asked for again."""
        keys = [prefix + job_id.encode() for job_id in job_ids(message) for prefix in (_OPEN, _DIED)]
        return any(value is not None for value in self._open.get_many(partition, keys))

    def scan(self, partition: int) -> Iterator[OpenJob]:
        """All open jobs of a partition."""
        for _, value in self._open.scan(partition, _OPEN):
            yield decode_entry(value)

    def fold(self, partition: int, events: list[tuple[AnyJobEvent, Place]]) -> "PartitionFold":
        """The partition's jobs after these events, in their order. Written by `write`."""
        folded = PartitionFold(self._open, self._closed, partition)
        folded.fold(events)
        return folded

    async def write(self, folds: Iterable["PartitionFold"]) -> None:
        """Remember. An open job counts before a closed one: cut off in between, it is closed once more."""
        folds = list(folds)
        await self._closed.write({folded.partition: folded.closed_writes() for folded in folds})
        await self._open.write({folded.partition: folded.writes() for folded in folds})


class PartitionFold:
    """The jobs of one partition that a batch of events is about."""

    def __init__(self, table: PartitionTable, closed: PartitionTable, partition: int) -> None:
        self.partition = partition
        self._table = table
        self._closed = closed
        self.entries: dict[str, Entry | None] = {}
        self._had_died: set[str] = set()
        #: Job id → True when an event ended its run.
        self.changed: dict[str, bool] = {}

    def fold(self, events: list[tuple[AnyJobEvent, Place]]) -> None:
        """Fold the events in their order."""
        self._read({event.job_id: None for event, _ in events})
        for event, place in events:
            before = self.entries[event.job_id]
            after = fold(before, event, place)
            if after is not before:
                self.entries[event.job_id] = after
                self.changed[event.job_id] = self.changed.get(event.job_id, False) or ends_run(event)

    def _read(self, job_ids: dict[str, None]) -> None:
        missing = self._read_from(self._table, _OPEN, list(job_ids))
        closed = self._read_from(self._table, _DIED, missing)
        self._had_died = set(missing) - set(closed)
        for job_id in self._read_from(self._closed, b"", closed):
            self.entries[job_id] = None

    def _read_from(self, table: PartitionTable, prefix: bytes, job_ids: list[str]) -> list[str]:
        """Read these entries. Returns the ids that have none here."""
        values = table.get_many(self.partition, [prefix + job_id.encode() for job_id in job_ids])
        known = {job_id: value for job_id, value in zip(job_ids, values, strict=True) if value is not None}
        self.entries |= {job_id: decode_entry(value) for job_id, value in known.items()}
        return [job_id for job_id in job_ids if job_id not in known]

    def writes(self) -> dict[bytes, bytes | None]:
        """What the table of open jobs must remember: also those that died, until somebody asks for them again."""
        entries: dict[bytes, bytes | None] = {}
        for job_id in self.changed:
            entry = self.entries[job_id]
            key = job_id.encode()
            if job_id in self._had_died:
                entries[_DIED + key] = None
            entries[_OPEN + key] = encode_entry(entry) if isinstance(entry, OpenJob) else None
            if isinstance(entry, ClosedJob) and entry.outcome == "died":
                entries[_DIED + key] = encode_entry(entry)
        return entries

    def closed_writes(self) -> dict[bytes, bytes | None]:
        """What the table of closed jobs must remember for a while."""
        ended = ((job_id, self.entries[job_id]) for job_id in self.changed)
        return {
            job_id.encode(): encode_entry(entry)
            for job_id, entry in ended
            if isinstance(entry, ClosedJob) and entry.outcome != "died"
        }
