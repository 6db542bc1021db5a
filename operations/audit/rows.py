"""The audit's questions to Postgres: gaps between verdicts, doubled verdicts, and what fresh webhooks still lack.

Offsets are arithmetic: as many distinct source offsets as the range is long means that no verdict is missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from psycopg import Connection, Cursor

from headrace.events.envelope import header_map
from headrace.kafka.log_offsets import LogRange, Place
from operations.audit.unsettled_letters import ACCOUNTED_OFFSETS, UNSETTLED
from projections.versions import bind, fingerprint, is_live, live_versions, schemas

#: Findings told of one partition; more of the same help nobody.
LIMIT = 1000


class Gap(msgspec.Struct, frozen=True):
    """Offsets `start` up to, not including, `end` have no verdict row."""

    start: int
    end: int


Lack = Literal["message", "fact", "original"]


class Incomplete(msgspec.Struct, frozen=True):
    """A receipt whose consequences are not all rows."""

    offset: int
    receipt_id: str
    #: message: one of its messages has no row. fact: fewer suppressions and signals than facts.
    #: original: a duplicate of a webhook that has no verdict.
    lack: Lack


class Proven(msgspec.Struct, frozen=True):
    """Up to which offset a partition was proven before."""

    verdicts_to: int
    facts_to: int


class AuditRows:
    """Reads the read model. One connection, no transaction: rows are only ever added to what it asks for."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        live = live_versions(connection)
        self._schemas = schemas(live)
        #: What is remembered is about these versions alone.
        self._fingerprint = fingerprint(live)

    def positions(self) -> dict[Place, int]:
        """Next offset of every projection, by topic and partition."""
        rows = self._ask(_POSITIONS, [])
        return {(topic, partition): next_offset for topic, partition, next_offset in rows}

    def gaps(self, place: Place, log_range: LogRange) -> list[Gap]:
        """Where verdicts are missing, in order, at most `LIMIT` ranges. Counts first: that is the usual end of it."""
        if log_range.end <= log_range.start:
            return []
        count = self._one(_COUNT, place, log_range)
        if count == log_range.end - log_range.start:
            return []
        return [Gap(start, end) for start, end in self._many(_GAPS, place, log_range)]

    def doubled(self, place: Place, log_range: LogRange) -> list[tuple[int, int]]:
        """(offset, verdicts) of records with more than one verdict."""
        return [(offset, count) for offset, count in self._many(_DOUBLED, place, log_range)]

    def incomplete(self, place: Place, log_range: LogRange) -> list[Incomplete]:
        """Receipts of the range whose consequences are not all rows."""
        rows = self._many(_INCOMPLETE, place, log_range)
        return [Incomplete(offset, str(receipt_id), lack) for offset, receipt_id, lack in rows]

    def mismatched(self, place: Place, receipts: Mapping[int, str]) -> list[int]:
        """Offsets with a verdict, but about another receipt than the one that stands there in the log."""
        rows = self._ask(_MISMATCHED, {"topic": place[0], "partition": place[1], **_columns(receipts.items())})
        return [offset for (offset,) in rows]

    def verdict_offsets(self, place: Place, receipts: Sequence[tuple[str, str]]) -> dict[str, list[int]]:
        """Receipt id → the offsets of the partition at which it was judged; receipts are (workspace, receipt id)."""
        found: dict[str, list[int]] = {}
        for receipt_id, offset in self._ask(
            _VERDICT_OFFSETS,
            {
                "topic": place[0],
                "partition": place[1],
                "workspaces": [workspace for workspace, _ in receipts],
                "receipts": [receipt_id for _, receipt_id in receipts],
            },
        ):
            found.setdefault(receipt_id, []).append(offset)
        return found

    def unwritten_messages(self, messages: Mapping[int, tuple[str, str]]) -> list[int]:
        """Offsets of messages, given with (workspace, message id), that have no row."""
        return self._unwritten(_UNWRITTEN, messages)

    def unwritten_splits(self, splits: Mapping[int, tuple[str, str]]) -> list[int]:
        """Offsets of splits, given with (workspace, id of the new lead), that have no row."""
        return self._unwritten(_UNWRITTEN_SPLITS, splits)

    def unwritten_moves(self, moves: Mapping[int, tuple[str, str]]) -> list[int]:
        """Offsets of moves, given with (workspace, message id), that have no row."""
        return self._unwritten(_UNWRITTEN_MOVES, moves)

    def _unwritten(self, query: bytes, keys: Mapping[int, tuple[str, str]]) -> list[int]:
        columns = [list(keys), [workspace for workspace, _ in keys.values()], [id_ for _, id_ in keys.values()]]
        return [offset for (offset,) in self._ask(query, columns)]

    def dead_offsets(self, place: Place) -> set[int]:
        """Offsets of the partition that a stage of the pipeline dead-lettered, or that a redrive accounts for."""
        rows = self._ask(ACCOUNTED_OFFSETS.encode(), {"topic": place[0], "partition": place[1]})
        return {offset for (offset,) in rows}

    def dead_receipts(self, receipt_ids: Iterable[str]) -> set[str]:
        """Receipts that a dead letter accounts for: these by the pipeline's, and any that a projection refused."""
        wanted = list(receipt_ids)
        if not wanted:
            return set()
        rows = self._ask(_DEAD_RECEIPTS, [wanted])
        return {receipt_id for (receipt_id,) in rows} | self._refused_receipts()

    def _refused_receipts(self) -> set[str]:
        rows = self._ask(_REFUSED, [])
        pairs = (msgspec.json.decode(headers, type=list[tuple[str, bytes]]) for (headers,) in rows)
        return {receipt_id for pair in pairs if (receipt_id := header_map(pair).get("ce_receiptid"))}

    def proven(self) -> dict[Place, Proven]:
        """What earlier audits proved."""
        rows = self._connection.execute(
            "SELECT topic, partition, verdicts_to, facts_to FROM ctl.audit_positions WHERE version = %s",
            [self._fingerprint],
        )
        return {(topic, partition): Proven(*offsets) for topic, partition, *offsets in rows}

    def remember(self, proven: Mapping[Place, Proven]) -> None:
        """Keep what is proven now, so that the next audit starts there."""
        places = sorted(proven)
        self._connection.execute(
            _REMEMBER,
            [
                self._fingerprint,
                [topic for topic, _ in places],
                [partition for _, partition in places],
                [proven[place].verdicts_to for place in places],
                [proven[place].facts_to for place in places],
            ],
        )

    def _one(self, query: bytes, place: Place, log_range: LogRange) -> int:
        return int(self._many(query, place, log_range)[0][0])

    def _many(self, query: bytes, place: Place, log_range: LogRange) -> Sequence[tuple[Any, ...]]:
        parameters = {"topic": place[0], "partition": place[1], "start": log_range.start, "end": log_range.end}
        return self._ask(query, parameters).fetchall()

    def _ask(self, query: bytes, parameters: Sequence[Any] | Mapping[str, Any]) -> Cursor[Any]:
        """Of the live versions, as they were when the audit began."""
        return self._connection.execute(bind(query, self._schemas), parameters)


def _columns(pairs: Iterable[tuple[int, str]]) -> dict[str, list[Any]]:
    listed = list(pairs)
    return {"offsets": [offset for offset, _ in listed], "receipts": [receipt for _, receipt in listed]}


def _sql(text: str) -> bytes:
    return text.replace("{limit}", str(LIMIT)).encode()


_POSITIONS = _sql(f"SELECT topic, partition, next_offset FROM ctl.projection_offsets AS o WHERE {is_live('o')}")  # noqa: S608
_REFUSED = _sql(f"SELECT headers FROM ctl.dead_letters AS d WHERE {is_live('d')} AND state <> 'fixed'")  # noqa: S608
_DEAD_RECEIPTS = f"""
SELECT DISTINCT letter.receipt_id FROM {{proj}}.dead_letters AS letter
WHERE letter.receipt_id = ANY(%s) AND {UNSETTLED}
""".encode()  # noqa: S608
_COUNT = _sql("""
SELECT count(DISTINCT source_offset) FROM {proj}.webhook_receipts
WHERE source_topic = %(topic)s AND source_partition = %(partition)s
  AND source_offset >= %(start)s AND source_offset < %(end)s
""")
_GAPS = _sql("""
SELECT before + 1, here FROM (
    SELECT source_offset AS here, lag(source_offset, 1, %(start)s - 1) OVER (ORDER BY source_offset) AS before
    FROM (
        SELECT source_offset FROM {proj}.webhook_receipts
        WHERE source_topic = %(topic)s AND source_partition = %(partition)s
          AND source_offset >= %(start)s AND source_offset < %(end)s
        UNION ALL
        SELECT %(end)s
    ) AS seen
) AS steps
WHERE here > before + 1
ORDER BY here
LIMIT {limit}
""")
_DOUBLED = _sql("""
SELECT source_offset, count(*) FROM {proj}.webhook_receipts
WHERE source_topic = %(topic)s AND source_partition = %(partition)s
  AND source_offset >= %(start)s AND source_offset < %(end)s
GROUP BY source_offset HAVING count(*) > 1
ORDER BY source_offset
LIMIT {limit}
""")
_INCOMPLETE = _sql("""
SELECT judged.source_offset, judged.receipt_id, judged.lack
FROM (
    SELECT r.source_offset, r.receipt_id, CASE
        WHEN r.verdict = 'duplicate' AND NOT EXISTS (
            SELECT FROM {proj}.webhook_receipts AS first
            WHERE first.workspace_id = r.workspace_id AND first.receipt_id = r.first_receipt_id
        ) THEN 'original'
        WHEN r.verdict = 'fresh' AND EXISTS (
            SELECT FROM unnest(r.message_ids) AS produced (message_id)
            WHERE NOT EXISTS (
                SELECT FROM {proj}.messages AS m
                WHERE m.workspace_id = r.workspace_id AND m.message_id = produced.message_id
            )
        ) THEN 'message'
        WHEN r.verdict = 'fresh' AND r.fact_count > cardinality(r.message_ids) AND
            r.fact_count - cardinality(r.message_ids)
            > (SELECT count(*) FROM {proj}.lead_suppressions AS s WHERE s.receipt_id = r.receipt_id)
            + (SELECT count(*) FROM {proj}.lead_signals AS s WHERE s.receipt_id = r.receipt_id)
        THEN 'fact'
    END AS lack
    FROM {proj}.webhook_receipts AS r
    WHERE r.source_topic = %(topic)s AND r.source_partition = %(partition)s
      AND r.source_offset >= %(start)s AND r.source_offset < %(end)s
      AND r.verdict IN ('fresh', 'duplicate')
) AS judged
WHERE judged.lack IS NOT NULL
ORDER BY judged.source_offset
LIMIT {limit}
""")
_MISMATCHED = _sql("""
SELECT logged.source_offset
FROM unnest(%(offsets)s::bigint[], %(receipts)s::text[]) AS logged (source_offset, receipt_id)
JOIN {proj}.webhook_receipts AS r
    ON r.source_topic = %(topic)s AND r.source_partition = %(partition)s AND r.source_offset = logged.source_offset
GROUP BY logged.source_offset, logged.receipt_id
HAVING NOT bool_or(r.receipt_id::text = logged.receipt_id)
ORDER BY logged.source_offset
""")
_VERDICT_OFFSETS = _sql("""
SELECT r.receipt_id::text, r.source_offset
FROM unnest(%(workspaces)s::text[], %(receipts)s::uuid[]) AS wanted (workspace_id, receipt_id)
JOIN {proj}.webhook_receipts AS r ON r.workspace_id = wanted.workspace_id AND r.receipt_id = wanted.receipt_id
WHERE r.source_topic = %(topic)s AND r.source_partition = %(partition)s
""")


def _without_row(table: str, column: str) -> bytes:
    return _sql(f"""
SELECT logged.place
FROM unnest(%s::bigint[], %s::text[], %s::uuid[]) AS logged (place, workspace_id, id)
WHERE NOT EXISTS (
    SELECT FROM {{proj}}.{table} AS t WHERE t.workspace_id = logged.workspace_id AND t.{column} = logged.id
)
ORDER BY logged.place
""")  # noqa: S608


_UNWRITTEN = _without_row("messages", "message_id")
_UNWRITTEN_SPLITS = _without_row("lead_splits", "new_lead_id")
_UNWRITTEN_MOVES = _without_row("message_moves", "message_id")
_REMEMBER = b"""
INSERT INTO ctl.audit_positions (version, topic, partition, verdicts_to, facts_to, verified_at)
SELECT %s, i.topic, i.partition, i.verdicts_to, i.facts_to, clock_timestamp()
FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[]) AS i (topic, partition, verdicts_to, facts_to)
ON CONFLICT (version, topic, partition) DO UPDATE
SET verdicts_to = excluded.verdicts_to, facts_to = excluded.facts_to, verified_at = excluded.verified_at
"""
