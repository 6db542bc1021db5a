"""What earlier audits proved, by partition: an audit looks only at what is new since, and notices when that is gone.

Beside the offsets stands when the broker had appended the newest record there was. Whatever is appended later is new,
so that a log which was cut and written anew is known by its times, however far it has grown since.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec
from psycopg import Connection, sql

from headrace.kafka.log_offsets import LogOffsets, LogRange, Place
from headrace.kafka.truncation import cut_offset
from operations.audit.findings import LostEnd


class ProvenWebhooks(msgspec.Struct, frozen=True):
    """Up to which offset a partition of `webhooks.*` has its verdicts, and what fresh webhooks led to."""

    verdicts_to: int
    facts_to: int


class ProvenJobs(msgspec.Struct, frozen=True):
    """Up to which offset a partition of `messages` has its jobs, or one of `jobs` has ended them well."""

    proven_to: int


P = TypeVar("P", bound=ProvenWebhooks | ProvenJobs)


class Proof(msgspec.Struct, Generic[P], frozen=True):
    """What was proven of a partition, and the newest record's append time as of then; None when there was none."""

    proven: P
    appended_ms: int | None

    @property
    def end(self) -> int:
        """Up to where anything was proven."""
        return int(max(msgspec.structs.astuple(self.proven)))


class Proofs(Generic[P]):
    """One table of `ctl`, whose columns are the fields of `P`. Every method raises psycopg.Error."""

    def __init__(self, connection: Connection[Any], version: int, table: str, of: type[P]) -> None:
        """`version`: what is remembered is about this fingerprint of the live versions alone."""
        self._connection = connection
        self._version = version
        self._table = sql.Identifier("ctl", table)
        self._of = of
        self._columns = [sql.Identifier(name) for name in of.__struct_fields__]

    def read(self) -> dict[Place, Proof[P]]:
        """What earlier audits proved."""
        query = sql.SQL("SELECT topic, partition, verified_at, {} FROM {} WHERE version = %s")
        rows = self._connection.execute(query.format(_listed(self._columns), self._table), [self._version])
        return {(topic, partition): Proof(self._of(*offsets), _ms(at)) for topic, partition, at, *offsets in rows}

    def remember(self, proven: Mapping[Place, P], appended_ms: Mapping[Place, int]) -> None:
        """Keep what is proven now. `appended_ms`: asked for after the log's ends; without empty partitions."""
        query = sql.SQL(
            "INSERT INTO {table} (version, topic, partition, verified_at, {columns}) VALUES (%s, %s, %s, %s, {values}) "
            "ON CONFLICT (version, topic, partition) DO UPDATE SET "
            "(verified_at, {columns}) = ROW (excluded.verified_at, {new})"
        ).format(
            table=self._table,
            columns=_listed(self._columns),
            values=_listed([sql.Placeholder()] * len(self._columns)),
            new=_listed([sql.SQL("excluded.{}").format(column) for column in self._columns]),
        )
        rows = [
            (self._version, *place, _moment(appended_ms.get(place)), *msgspec.structs.astuple(offsets))
            for place, offsets in sorted(proven.items())
        ]
        with self._connection.cursor() as cursor:
            cursor.executemany(query, rows)


def lost_ends(log: LogOffsets, proofs: Mapping[Place, Proof[P]], ranges: Mapping[Place, LogRange]) -> list[LostEnd]:
    """The partitions that lost records which were proven, each with the first offset that is gone or another's.

    A partition that is not among the ranges any more is nobody's. Raises KafkaUnreachable.
    """
    known = {place: proof for place, proof in sorted(proofs.items()) if place in ranges}
    first_later = log.first_after({place: proof.appended_ms for place, proof in known.items() if proof.appended_ms})
    lost = []
    for place, proof in known.items():
        cut = cut_offset(proof.end, ranges[place].end, first_later.get(place))
        if cut is not None:
            topic, partition = place
            lost.append(
                LostEnd(topic=topic, partition=partition, lost_from=cut, proven_to=proof.end, end=ranges[place].end)
            )
    return lost


def _listed(parts: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _moment(appended_ms: int | None) -> datetime:
    return datetime.fromtimestamp((appended_ms or 0) / 1000, UTC)


def _ms(moment: datetime) -> int | None:
    return round(moment.timestamp() * 1000) or None
