"""Reads jobs out of the read model: those that match a filter, and the whole story of one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from projections.connection import libpq_url
from projections.versions import bind, live_schemas

JobState = Literal["waiting", "running", "paused", "succeeded", "died", "cancelled"]


class JobFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs: all that fit every condition that is set."""

    job_ids: tuple[str, ...] = ()
    type: str | None = None
    workspace: str | None = None
    lead_id: str | None = None
    states: tuple[JobState, ...] = ()
    #: Part of the error class or reason, in any case.
    error: str | None = None
    #: Asked for at least so long ago.
    older_than: timedelta | None = None


class JobRow(msgspec.Struct, frozen=True, kw_only=True):
    """A job as the read model has it; see `analytics.jobs`. `lead_id` is the one the job was asked for."""

    workspace: str
    job_id: str
    type: str
    state: JobState
    generation: int
    attempts: int
    lead_id: str
    message_id: str
    receipt_id: str
    requested_at: datetime
    requested_by: str
    due_at: datetime | None
    ended_at: datetime | None
    worker: str | None
    step: str | None
    error_class: str | None
    reason: str | None


class JobStory(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one job, each part in order."""

    job: JobRow
    requests: list[dict[str, Any]]
    attempts: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    #: What the steps concluded, the newest of each, without anybody's text: see `analytics.enrichments`.
    conclusions: list[dict[str, Any]]
    #: Every try at a model, failed ones too; see `analytics.ai_interactions`.
    ai_calls: list[dict[str, Any]]
    #: Who held it back last in each of its lives, or let it go on.
    holds: list[dict[str, Any]]
    #: Without its bodies: `analytics.messages`.
    message: dict[str, Any] | None
    receipt: dict[str, Any] | None


_COLUMNS = sql.SQL(
    "workspace_id AS workspace, job_id::text, type, state, generation, attempts, original_lead_id::text AS lead_id, "
    "message_id::text, receipt_id::text, requested_at, requested_by, due_at, ended_at, worker, step, error_class, "
    "reason"
)


def find_jobs(database_url: str, wanted: JobFilter, now: datetime) -> list[JobRow]:
    """Every job that matches, oldest first. Raises psycopg.Error."""
    conditions, parameters = _conditions(wanted, now)
    query = sql.SQL("SELECT {} FROM analytics.jobs WHERE {} ORDER BY requested_at, job_id").format(
        _COLUMNS, sql.SQL(" AND ").join([sql.SQL("TRUE"), *conditions])
    )
    with psycopg.connect(libpq_url(database_url), connect_timeout=5) as connection:
        return [msgspec.convert(row, JobRow) for row in _rows(connection, query, parameters)]


def job_story(database_url: str, job_id: str) -> JobStory | None:
    """The story of one job, None when the read model has no such job. Raises psycopg.Error."""
    with psycopg.connect(libpq_url(database_url), connect_timeout=5) as connection:
        query = sql.SQL("SELECT {} FROM analytics.jobs WHERE job_id = %s").format(_COLUMNS)
        found = _rows(connection, query, [job_id])
        if not found:
            return None
        job = msgspec.convert(found[0], JobRow)
        place = [job.workspace, job_id]
        return JobStory(
            job=job,
            requests=_rows(connection, bind(_REQUESTS, live_schemas(connection)), place),
            attempts=_rows(connection, _ATTEMPTS, place),
            steps=_rows(connection, _STEPS, place),
            conclusions=_rows(connection, _CONCLUSIONS, place),
            ai_calls=_rows(connection, _AI_CALLS, place),
            holds=_rows(connection, bind(_HOLDS, live_schemas(connection)), place),
            message=_first(_rows(connection, _MESSAGE, [job.workspace, job.message_id])),
            receipt=_first(_rows(connection, _RECEIPT, [job.workspace, job.receipt_id])),
        )


_REQUESTS = (
    b"SELECT generation, requested_at, requested_by, due_at, from_start FROM {proj}.jobs "
    b"WHERE workspace_id = %s AND job_id = %s ORDER BY generation"
)
_ATTEMPTS = sql.SQL(
    "SELECT generation, attempt, outcome, started_at, ended_at, duration_ms, step, error_class, reason, "
    "spends_attempt, next_due_at, worker FROM analytics.job_attempts WHERE workspace_id = %s AND job_id = %s "
    "ORDER BY generation, attempt"
)
_STEPS = sql.SQL(
    # Not what a step found: a draft's text is part of that.
    "SELECT generation, step, attempt, finished_at, skipped, ends_job FROM analytics.job_steps "
    "WHERE workspace_id = %s AND job_id = %s ORDER BY generation, src_offset"
)
_CONCLUSIONS = sql.SQL(
    "SELECT step, event_type, skip_reason, details, concluded_at, ai_provider, ai_model, prompt_key, prompt_version "
    "FROM analytics.enrichments WHERE workspace_id = %s AND job_id = %s ORDER BY concluded_at, step"
)
_AI_CALLS = sql.SQL(
    "SELECT step, attempt, call, called_at, feature, provider, model, input_tokens, cached_tokens, output_tokens, "
    "reasoning_tokens, usage_source, billing, cost_micro_usd, latency_ms, status, error_class, error, http_status "
    "FROM analytics.ai_interactions WHERE workspace_id = %s AND job_id = %s ORDER BY called_at, attempt, call"
)
_HOLDS = (
    b"SELECT generation, is_paused, changed_by, changed_at FROM {proj}.job_holds "
    b"WHERE workspace_id = %s AND job_id = %s ORDER BY generation"
)
_MESSAGE = sql.SQL(
    "SELECT message_id::text, provider, channel, direction, sent_at, received_at FROM analytics.messages "
    "WHERE workspace_id = %s AND message_id = %s"
)
_RECEIPT = sql.SQL(
    "SELECT receipt_id::text, provider, provider_event, verdict, received_at, source_topic, source_partition, "
    "source_offset FROM analytics.webhook_receipts WHERE workspace_id = %s AND receipt_id = %s"
)


def _conditions(wanted: JobFilter, now: datetime) -> tuple[list[sql.SQL], dict[str, Any]]:
    conditions = {
        "job_id = ANY(%(job_ids)s::uuid[])": bool(wanted.job_ids),
        "type = %(type)s": wanted.type is not None,
        "workspace_id = %(workspace)s": wanted.workspace is not None,
        "(lead_id::text = %(lead_id)s OR original_lead_id::text = %(lead_id)s)": wanted.lead_id is not None,
        "state = ANY(%(states)s)": bool(wanted.states),
        "concat_ws(' ', error_class, reason) ILIKE %(error)s": wanted.error is not None,
        "requested_at <= %(before)s": wanted.older_than is not None,
    }
    parameters = {
        "job_ids": list(wanted.job_ids),
        "type": wanted.type,
        "workspace": wanted.workspace,
        "lead_id": wanted.lead_id,
        "states": list(wanted.states),
        "error": f"%{_escaped(wanted.error or '')}%",
        "before": now - (wanted.older_than or timedelta()),
    }
    return [sql.SQL(text) for text, applies in conditions.items() if applies], parameters


def _escaped(text: str) -> str:
    """For LIKE: a percent sign that a person typed is just that."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _rows(
    connection: psycopg.Connection[Any],
    query: sql.SQL | sql.Composed | bytes,
    parameters: Sequence[Any] | Mapping[str, Any],
) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()


def _first(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    return rows[0] if rows else None
