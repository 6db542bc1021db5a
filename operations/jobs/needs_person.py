"""Reads out of the read model which replies wait for a person without a draft, and why."""

from datetime import datetime

import msgspec
import psycopg
from psycopg.rows import dict_row

from projections.connection import libpq_url
from projections.named_sql import NamedSql

_SQL = NamedSql(__file__)


class WaitingReply(msgspec.Struct, frozen=True, kw_only=True):
    """A reply that a person has to answer; see `analytics.needs_person`."""

    workspace: str
    message_id: str
    lead_id: str
    job_id: str
    #: One of `headrace.events.needs_person`.
    reason: str
    #: Fields a model's answer had wrong.
    fields: tuple[str, ...]
    todo: str
    waiting_since_at: datetime
    #: What the job says about its end or its waiting.
    job_reason: str | None
    channel: str
    provider: str
    receipt_id: str


def waiting_replies(
    database_url: str, *, workspace: str | None = None, reason: str | None = None, job_id: str | None = None
) -> list[WaitingReply]:
    """Those that fit every condition that is set, oldest first. Raises psycopg.Error."""
    wanted = {"workspace": workspace, "reason": reason, "job_id": job_id}
    with (
        psycopg.connect(libpq_url(database_url), connect_timeout=5) as connection,
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        return msgspec.convert(cursor.execute(_SQL["waiting"], wanted).fetchall(), list[WaitingReply])
