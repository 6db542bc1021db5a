"""Finds what an id or a person's address names in the read model: by keys where they lead there, else by whole tables.

A person is a lead: by e-mail address, phone number or LinkedIn profile, however they are spelled, or by name.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import class_row

from headrace.events.ids import message_id
from headrace.providers.identities import identity, linkedin
from headrace.providers.registry import ADAPTERS
from operations.trace.naming import SHORTEST, IdNamed
from projections.named_sql import NamedSql
from projections.versions import bind, live_schemas

_SQL = NamedSql(__file__)

Kind = Literal["receipt", "message", "job", "AI call", "lead", "draft", "suppression", "signal"]

#: Other texts may hold a number's digits, too.
_PHONE = re.compile(r"[\d\s+()./-]+")
#: Candidates that are told when a beginning fits several.
SHOWN = 20


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A thing the read model has under this id."""

    kind: Kind
    workspace: str
    id: str
    at: datetime


class _Column(msgspec.Struct, frozen=True):
    """Where ids of a kind stand."""

    kind: Kind
    table: str
    column: str
    at: str


#: The primary key begins with workspace and id.
_KEYED = (
    _Column("receipt", "webhook_receipts", "receipt_id", "received_at"),
    _Column("message", "messages", "message_id", "received_at"),
    _Column("job", "jobs", "job_id", "requested_at"),
    _Column("AI call", "ai_interactions", "event_id", "called_at"),
    _Column("lead", "leads", "lead_id", "created_at"),
    _Column("lead", "lead_merges", "lead_id", "merged_at"),
    _Column("draft", "drafts", "draft_id", "concluded_at"),
)
#: The whole table has to be read.
_UNKEYED = (
    _Column("suppression", "lead_suppressions", "event_id", "received_at"),
    _Column("signal", "lead_signals", "event_id", "received_at"),
)


class _Text(msgspec.Struct, frozen=True):
    """Where texts that others chose stand, and the id of the row."""

    kind: Kind
    table: str
    columns: tuple[str, ...]
    #: SQL of the id that is meant: of a repeat, the webhook it repeats.
    id: sql.SQL
    at: str


_FIRST = sql.SQL("coalesce(t.first_receipt_id, t.receipt_id)")
_TEXTS = (
    _Text("receipt", "webhook_receipts", ("dedupe_key",), _FIRST, "received_at"),
    _Text("message", "messages", ("provider_message_id",), sql.SQL("t.message_id"), "received_at"),
    _Text("AI call", "ai_interactions", ("response_id", "request_id", "trace_id"), sql.SQL("t.event_id"), "called_at"),
)


def find_subjects(connection: psycopg.Connection[Any], wanted: IdNamed) -> list[Subject]:
    """What the text names, or everything its beginning fits. Empty when the read model has nothing of it."""
    return next((subjects for subjects in _tries(connection, wanted) if subjects), [])


def _tries(connection: psycopg.Connection[Any], wanted: IdNamed) -> Iterator[list[Subject]]:
    """One way after the other, the quick ones first. What is too short for an id can be a person's name."""
    if wanted.first is not None:
        yield _assigned(_unique(_by_id(connection, "by_key", _KEYED, wanted)))
    yield _by_derived_id(connection, wanted.text)
    yield _by_identity(connection, wanted.text)
    if wanted.first is not None:
        yield _unique(_by_id(connection, "by_scan", _UNKEYED, wanted))
    yield _people(connection, "by_name", text=" ".join(wanted.text.split()))
    if len(wanted.text) < SHORTEST:
        return
    for condition in ("t.{column} = %(text)s", "starts_with(t.{column}, %(text)s)"):
        yield _assigned(_by_text(connection, condition, wanted.text))


def _by_identity(connection: psycopg.Connection[Any], text: str) -> list[Subject]:
    """The leads of an e-mail address, phone number or profile."""
    ways = [identity("email", text), identity("phone", text) if _PHONE.fullmatch(text) else None, linkedin(text)]
    known = [way for way in ways if way is not None]
    if not known:
        return []
    return _people(connection, "by_identity", kinds=[way.kind for way in known], values=[way.value for way in known])


def _people(connection: psycopg.Connection[Any], question: str, **parameters: Any) -> list[Subject]:
    query = bind(_SQL[question], live_schemas(connection))
    with connection.cursor(row_factory=class_row(Subject)) as cursor:
        return cursor.execute(query, {**parameters, "limit": SHOWN}).fetchall()


def _assigned(subjects: list[Subject]) -> list[Subject]:
    """Without the quarantined row of a webhook that has a workspace by now."""
    assigned = {(subject.kind, subject.id) for subject in subjects if subject.workspace}
    return [subject for subject in subjects if subject.workspace or (subject.kind, subject.id) not in assigned]


def _by_id(
    connection: psycopg.Connection[Any], question: str, columns: Sequence[_Column], wanted: IdNamed
) -> list[Subject]:
    of = live_schemas(connection)
    subjects: list[Subject] = []
    for column in columns:
        table = sql.Identifier(of[column.table], column.table)
        query = _template(question).format(
            kind=sql.Literal(column.kind),
            table=table,
            column=sql.Identifier(column.column),
            at=sql.Identifier(column.at),
            limit=sql.Literal(SHOWN),
        )
        subjects += _subjects(connection, query, {"first": wanted.first, "last": wanted.last})
    return subjects


def _by_derived_id(connection: psycopg.Connection[Any], text: str) -> list[Subject]:
    """A provider's id of a message: ours is derived from it, so every id it can have become is asked for by key."""
    of = live_schemas(connection)
    table = sql.Identifier(of["messages"], "messages")
    names = connection.execute(_template("workspace_names").format(table=table))
    possible = [
        (workspace, message_id(workspace, provider, direction, text))
        for (workspace,) in names
        for provider in ADAPTERS
        for direction in ("inbound", "outbound")
    ]
    query = _template("messages_by_id").format(table=table)
    workspaces, ids = [one for one, _ in possible], [one for _, one in possible]
    return _subjects(connection, query, {"workspaces": workspaces, "ids": ids})


def _by_text(connection: psycopg.Connection[Any], condition: str, text: str) -> list[Subject]:
    of = live_schemas(connection)
    subjects: list[Subject] = []
    for place in _TEXTS:
        conditions = [sql.SQL(condition).format(column=sql.Identifier(name)) for name in place.columns]
        query = _template("by_text").format(
            kind=sql.Literal(place.kind),
            table=sql.Identifier(of[place.table], place.table),
            id=place.id,
            at=sql.Identifier(place.at),
            condition=sql.SQL(" OR ").join(conditions),
            limit=sql.Literal(SHOWN),
        )
        subjects += _subjects(connection, query, {"text": text})
    return subjects


def _template(question: str) -> sql.SQL:
    return sql.SQL(_SQL[question].decode())


def _subjects(connection: psycopg.Connection[Any], query: sql.Composed, parameters: dict[str, Any]) -> list[Subject]:
    with connection.cursor(row_factory=class_row(Subject)) as cursor:
        return cursor.execute(query, parameters).fetchall()


def _unique(subjects: list[Subject]) -> list[Subject]:
    """A lead that was merged into another stands in two tables."""
    by_id = {(subject.kind, subject.workspace, subject.id): subject for subject in reversed(subjects)}
    return list(by_id.values())[::-1]
