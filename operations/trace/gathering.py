"""Gathers the rows of a story from the read model, by keys and indexes alone."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from operations.trace.lineage import Lineage, Position, Row, quarantine_letter
from operations.trace.lookup import Kind, Subject
from projections.named_sql import NamedSql
from projections.versions import live_schemas

_SQL = NamedSql(__file__)

#: Another webhook about the same message is looked for within so long of the first.
AROUND = timedelta(minutes=15)

#: By the message they are about.
_BY_MESSAGE = (
    "jobs",
    "enrichments",
    "message_labels",
    "follow_ups",
    "booking_decisions",
    "drafts",
    "reply_decisions",
    "lead_scores",
    "ai_interactions",
)
#: Where a subject stands, and its id there; a lead has more than one place.
_SUBJECTS: Mapping[Kind, tuple[str, str]] = {
    "receipt": ("webhook_receipts", "receipt_id"),
    "message": ("messages", "message_id"),
    "job": ("jobs", "job_id"),
    "AI call": ("ai_interactions", "event_id"),
    "draft": ("drafts", "draft_id"),
    "suppression": ("lead_suppressions", "event_id"),
    "signal": ("lead_signals", "event_id"),
}
_BY_JOB = ("job_progress", "job_attempts", "job_steps", "job_ends", "job_holds")
_BY_RECEIPT = ("lead_suppressions", "lead_signals")


class Gatherer:
    """Reads the rows of one workspace into a lineage. Every method raises psycopg.Error."""

    def __init__(self, connection: psycopg.Connection[Any], workspace: str) -> None:
        self._connection = connection
        self._schemas = live_schemas(connection)
        self._workspace = workspace
        self.lineage = Lineage()

    def gather(self, subject: Subject, limit: int) -> None:
        """All rows of the story the subject belongs to; of a lead those of its newest messages."""
        messages, receipts = self._start(subject, limit)
        self._receipts(receipts, messages)
        messages |= {row["message_id"] for row in self.lineage.of("messages")}
        self._about(messages)
        self._letters()

    def _start(self, subject: Subject, limit: int) -> tuple[set[str], set[str]]:
        """The messages and receipts to begin with."""
        messages: set[str] = set()
        receipts: set[str] = set()
        for row in self._of_subject(subject, limit):
            messages |= {row["message_id"]} if row.values.get("message_id") else set()
            receipts |= {row["receipt_id"]} if row.table in ("messages", "webhook_receipts", *_BY_RECEIPT) else set()
        return messages, receipts

    def _of_subject(self, subject: Subject, limit: int) -> list[Row]:
        if subject.kind == "lead":
            return self._lead(subject.id, limit)
        table, column = _SUBJECTS[subject.kind]
        return self._add(table, f"t.{column} = %(id)s", id=subject.id)

    def _lead(self, lead_id: str, limit: int) -> list[Row]:
        """The lead, those that became it, and the newest messages of them all."""
        self._add("lead_merges", "t.lead_id = %(id)s OR t.into_lead_id = %(id)s", id=lead_id)
        leads = [lead_id, *(row["lead_id"] for row in self.lineage.of("lead_merges", into_lead_id=lead_id))]
        self._add("lead_splits", "t.lead_id = ANY(%(ids)s::uuid[]) OR t.new_lead_id = ANY(%(ids)s::uuid[])", ids=leads)
        self._add("leads", "t.lead_id = ANY(%(ids)s::uuid[])", ids=leads)
        messages = []
        for lead in leads:
            messages += self._read(
                "messages", "t.lead_id = %(id)s ORDER BY t.sent_at DESC LIMIT %(limit)s", id=lead, limit=limit
            )
            moved = self._add("message_moves", "t.into_lead_id = %(id)s", id=lead)
            messages += self._read(
                "messages",
                "t.message_id = ANY(%(ids)s::uuid[]) ORDER BY t.sent_at DESC LIMIT %(limit)s",
                ids=[row["message_id"] for row in moved],
                limit=limit,
            )
        newest = sorted(messages, key=lambda row: (row["sent_at"], row["message_id"]), reverse=True)[:limit]
        self.lineage.add(newest)
        return newest

    def _receipts(self, receipts: set[str], messages: set[str]) -> None:
        """The webhooks: the named ones, the first ones of repeats, what produced the messages, and all repeats."""
        self._messages(messages, receipts)
        receipts |= {row["receipt_id"] for row in self.lineage.of("messages")}
        rows = self._add("webhook_receipts", "t.receipt_id = ANY(%(ids)s::uuid[])", ids=list(receipts))
        firsts = {row["first_receipt_id"] for row in rows} - {None}
        rows += self._add("webhook_receipts", "t.receipt_id = ANY(%(ids)s::uuid[])", ids=list(firsts))
        self._messages({one for row in rows for one in row["message_ids"]}, receipts | firsts)
        self._related(rows)
        everything = [row["receipt_id"] for row in self.lineage.of("webhook_receipts")]
        for table in _BY_RECEIPT:
            self._add(table, "t.receipt_id = ANY(%(ids)s::uuid[])", ids=everything)

    def _messages(self, messages: Iterable[str], receipts: Iterable[str]) -> None:
        self._add("messages", "t.message_id = ANY(%(ids)s::uuid[])", ids=list(messages))
        self._add("messages", "t.receipt_id = ANY(%(ids)s::uuid[])", ids=list(receipts))

    def _related(self, rows: Sequence[Row]) -> None:
        """Repeats of these webhooks, and other webhooks about the same messages, received not long before or after."""
        self._add(
            "webhook_receipts",
            "t.first_receipt_id = ANY(%(ids)s::uuid[])",
            ids=[row["receipt_id"] for row in rows],
        )
        for row in rows:
            self._add(
                "webhook_receipts",
                "t.received_at BETWEEN %(from_)s AND %(to)s AND t.message_ids && %(messages)s::uuid[]",
                from_=row["received_at"] - AROUND,
                to=row["received_at"] + AROUND,
                messages=row["message_ids"],
            )

    def _about(self, messages: set[str]) -> None:
        """Everything that follows from these messages."""
        for table in _BY_MESSAGE:
            self._add(table, "t.message_id = ANY(%(ids)s::uuid[])", ids=list(messages))
        jobs = {row["job_id"] for row in self.lineage.of("jobs")}
        for table in _BY_JOB:
            self._add(table, "t.job_id = ANY(%(ids)s::uuid[])", ids=list(jobs))
        leads = {row["lead_id"] for row in self.lineage.of("messages")}
        self._add(
            "lead_states",
            "t.lead_id = ANY(%(leads)s::uuid[]) AND t.message_id = ANY(%(ids)s::uuid[])",
            leads=list(leads),
            ids=list(messages),
        )
        self._add("leads", "t.lead_id = ANY(%(ids)s::uuid[])", ids=list(leads))
        self._add("lead_merges", "t.lead_id = ANY(%(ids)s::uuid[])", ids=list(leads))
        moves = self._add("message_moves", "t.message_id = ANY(%(ids)s::uuid[])", ids=list(messages))
        self._add("leads", "t.lead_id = ANY(%(ids)s::uuid[])", ids=[row["into_lead_id"] for row in moves])

    def _letters(self) -> None:
        """What was set aside on the way: by a worker, or by a projection."""
        receipts = [row["receipt_id"] for row in self.lineage.of("webhook_receipts")]
        positions = list(self.lineage.positions())
        self.lineage.add(_letters(self._connection, self._schemas["dead_letters"], receipts, positions))
        self.lineage.refused += _refused(self._connection, receipts, positions)
        self._quarantine()

    def _quarantine(self) -> None:
        """What was done about webhooks that nobody could assign."""
        letters = [quarantine_letter(row) for row in self.lineage.of("webhook_receipts", verdict="quarantined")]
        if letters:
            table = sql.Identifier(self._schemas["dead_letter_events"], "dead_letter_events")
            query = sql.SQL(_SQL["quarantine"].decode()).format(table=table)
            self.lineage.quarantine |= dict(self._connection.execute(query, {"letters": letters}).fetchall())

    def _add(self, table: str, condition: str, **values: Any) -> list[Row]:
        rows = self._read(table, condition, **values)
        self.lineage.add(rows)
        return rows

    def _read(self, table: str, condition: str, **values: Any) -> list[Row]:
        schema = self._schemas[table]
        query = sql.SQL("SELECT t.* FROM {table} AS t WHERE t.workspace_id = %(workspace)s AND {condition}").format(
            table=sql.Identifier(schema, table), condition=sql.SQL(_grouped(condition))
        )
        return _rows(self._connection, table, schema, query, {**values, "workspace": self._workspace})


def _grouped(condition: str) -> str:
    head, order, tail = condition.partition(" ORDER BY ")
    return f"({head}){order}{tail}"


def _letters(
    connection: psycopg.Connection[Any], schema: str, receipts: list[str], positions: list[Position]
) -> list[Row]:
    """Dead letters of the receipts, and of records at these positions."""
    template = sql.SQL(_SQL["letters"].decode())
    query = template.format(table=sql.Identifier(schema, "dead_letters"))
    return _rows(connection, "dead_letters", schema, query, {"receipts": receipts, **_arrays(positions)})


def _refused(
    connection: psycopg.Connection[Any], receipts: Iterable[str], positions: Iterable[Position]
) -> list[dict[str, Any]]:
    """What the live projections set aside: records of these receipts and at these positions, without the records."""
    ids = list(receipts)
    of = {"receipts": ids, "encoded": [base64.b64encode(one.encode()) for one in ids], **_arrays(positions)}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SQL["refused"], of).fetchall()


def _arrays(positions: Iterable[Position]) -> dict[str, list[Any]]:
    ordered = sorted(positions)
    return {
        "topics": [topic for topic, _, _ in ordered],
        "partitions": [partition for _, partition, _ in ordered],
        "offsets": [offset for _, _, offset in ordered],
    }


def _rows(
    connection: psycopg.Connection[Any], table: str, schema: str, query: sql.Composed, values: dict[str, Any]
) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        fetched = cursor.execute(query, values).fetchall()
    return [Row(table=table, schema=schema, values={name: _plain(one) for name, one in row.items()}) for row in fetched]


def _plain(value: Any) -> Any:
    """Ids as the events have them."""
    if isinstance(value, UUID):
        return str(value)
    return [_plain(one) for one in value] if isinstance(value, list) else value
