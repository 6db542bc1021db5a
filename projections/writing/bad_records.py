"""Which errors are one record's own fault, where such records go, and when there are too many of them."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
import structlog
from psycopg import AsyncCursor

from headrace.events.records import Record
from projections.named_sql import NamedSql

log = structlog.get_logger()

#: A batch of at least this many records stops the projection when more than the share of it is bad.
JUDGED_BATCH = 50
BAD_SHARE = 0.2
#: So many bad records of a partition without a good one between stop it, whatever the batches are.
BAD_STREAK = 50

#: Postgres or psycopg refuse a value of the record. Everything else is the database's or our own fault.
ROW_ERRORS = (
    psycopg.DataError,
    psycopg.IntegrityError,
    # A value too large for an index; psycopg files it under OperationalError, and waiting won't help.
    psycopg.errors.ProgramLimitExceeded,
    UnicodeError,
    OverflowError,
)
_SQL = NamedSql(__file__)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


class TooManyBadRecords(Exception):
    """Nothing was written: when nearly everything fails, the fault is ours, and records must not be drained away."""

    def __init__(self, topic: str, bad: int, read: int, reason: str) -> None:
        super().__init__(
            f"{bad} of {read} records of {topic} can't be projected ({reason}), so the projection stopped before "
            "them: correct the projector or its input and start it again, nothing is lost"
        )


class BadRecordFound(msgspec.Struct, frozen=True):
    """A record that becomes a dead letter, and why. The reason holds no content."""

    projection: str
    record: Record
    error_class: str
    reason: str


def found_bad(projection: str, record: Record, error: Exception) -> BadRecordFound:
    """The bad record with a reason that names places, never values."""
    return BadRecordFound(projection, record, type(error).__name__, _UNPRINTABLE.sub("?", _reason(error))[:500])


def _reason(error: Exception) -> str:
    if isinstance(error, psycopg.Error):
        names = (error.diag.table_name, error.diag.column_name, error.diag.constraint_name)
        where = " ".join(name for name in names if name)
        return f"Postgres refused a value (SQLSTATE {error.sqlstate or 'unknown'}{', ' + where if where else ''})"
    if isinstance(error, UnicodeError | OverflowError):
        # Their messages quote the text.
        return f"a value can't be written to Postgres ({type(error).__name__})"
    return str(error)


def log_dead_letter(found: BadRecordFound) -> None:
    """Say that it is set aside, once that is committed."""
    record = found.record
    log.error(
        "projection.dead_letter",
        projection=found.projection,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        error_class=found.error_class,
        reason=found.reason,
    )


class BadStreaks:
    """Counts bad records in a row for each partition, across batches."""

    def __init__(self) -> None:
        self._streaks: dict[tuple[str, int], int] = {}

    def after(
        self, batch: Mapping[tuple[str, int], Sequence[Record]], bad: Sequence[BadRecordFound]
    ) -> Mapping[tuple[str, int], int]:
        """The streaks after this batch, to be kept once it is committed. Raises TooManyBadRecords."""
        places = {(found.record.topic, found.record.partition, found.record.offset): found for found in bad}
        _check_share(batch, bad)
        streaks: dict[tuple[str, int], int] = {}
        for (topic, partition), records in batch.items():
            streak = self._streaks.get((topic, partition), 0)
            for record in records:
                found = places.get((topic, partition, record.offset))
                streak = streak + 1 if found else 0
                if found and streak >= BAD_STREAK:
                    raise TooManyBadRecords(topic, streak, streak, found.reason)
            streaks[topic, partition] = streak
        return streaks

    def keep(self, streaks: Mapping[tuple[str, int], int]) -> None:
        """The batch is committed."""
        self._streaks.update(streaks)


def _check_share(batch: Mapping[tuple[str, int], Sequence[Record]], bad: Sequence[BadRecordFound]) -> None:
    for topic in {topic for topic, _ in batch}:
        read = sum(len(records) for (name, _), records in batch.items() if name == topic)
        of_topic = [found for found in bad if found.record.topic == topic]
        if read >= JUDGED_BATCH and len(of_topic) > BAD_SHARE * read:
            raise TooManyBadRecords(topic, len(of_topic), read, of_topic[0].reason)


async def insert_dead_letters(
    cursor: AsyncCursor[Any], versions: Mapping[str, int], bad: Sequence[BadRecordFound]
) -> None:
    """Keep the records whole beside the positions that pass them. `versions`: by projection."""
    rows = [
        (
            found.projection,
            versions[found.projection],
            found.record.topic,
            found.record.partition,
            found.record.offset,
            found.record.key,
            found.record.value,
            msgspec.json.encode(found.record.headers),
            datetime.fromtimestamp(found.record.timestamp_ms / 1000, UTC),
            found.error_class,
            found.reason,
        )
        for found in bad
    ]
    await cursor.executemany(_SQL["insert_dead_letter"], rows)
