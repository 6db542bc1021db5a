"""Every table of the read model, declared once: DDL, upsert statements and migrations are generated from here.

`proj_v<N>` holds the rows; a change of shape is a new version, never an ALTER on a hot table. `ctl` says how
far each projection is. Each table is written from exactly one topic, so no write races another topic's.
"""

from typing import Any, Literal

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    and_,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

# Migrations and writers, which need the tables anyway, take it from here.
from projections.schemas import proj_schema as proj_schema  # noqa: PLC0414

CTL_SCHEMA = "ctl"
ANALYTICS_SCHEMA = "analytics"

#: How two values of a column become one, in whatever order they come; columns without it take the newest row's.
Fold = Literal["least", "greatest"]

#: The columns at the end of every table of rows: where a row comes from.
LINEAGE = ("src_topic", "src_partition", "src_offset", "proj_rev")

_NAMES = {"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"}
_UTC = TIMESTAMP(timezone=True)


def proj_metadata(version: int) -> MetaData:
    """The tables of one version of the read model."""
    metadata = MetaData(schema=proj_schema(version), naming_convention=_NAMES)
    for declare in (
        _messages,
        _leads,
        _lead_identities,
        _lead_merges,
        _lead_splits,
        _message_moves,
        _lead_activity,
        _lead_suppressions,
        _lead_signals,
        _webhook_receipts,
        _ingest_latency,
        _dead_letters,
        _dead_letter_events,
        _jobs,
        _job_progress,
        _job_attempts,
        _job_steps,
        _job_ends,
        _job_holds,
        _enrichments,
        _message_labels,
        _lead_states,
        _follow_ups,
        _booking_decisions,
        _drafts,
        _reply_decisions,
        _lead_scores,
        _ai_interactions,
    ):
        declare(metadata)
    return metadata


def ctl_metadata() -> MetaData:
    """The control tables: positions, the projections' own dead letters, runs, what was proven."""
    metadata = MetaData(schema=CTL_SCHEMA, naming_convention=_NAMES)
    for declare in (
        _projection_offsets,
        _broker_offsets,
        _projection_dead_letters,
        _expired_ranges,
        _runs,
        _projection_versions,
        _audits,
        _job_audits,
        _audit_open_jobs,
    ):
        declare(metadata)
    return metadata


def key_columns(table: Table) -> tuple[str, ...]:
    """The primary key's column names, in order."""
    return tuple(column.name for column in table.primary_key.columns)


def fold_of(column: Column[Any]) -> Fold | None:
    """The column's fold, None when the newest row's value counts."""
    fold: Fold | None = column.info.get("fold")
    return fold


def _lineage() -> list[Column[Any]]:
    """Where a row comes from; (src_partition, src_offset, proj_rev) is also its version."""
    return [
        _required("src_topic", Text),
        _required("src_partition", Integer),
        _required("src_offset", BigInteger),
        _required("proj_rev", Integer),
    ]


def _key(name: str, type_: Any) -> Column[Any]:
    return Column(name, type_, primary_key=True, autoincrement=False)


def _required(name: str, type_: Any) -> Column[Any]:
    return Column(name, type_, nullable=False)


def _messages(metadata: MetaData) -> None:
    table = Table(
        "messages",
        metadata,
        _key("workspace_id", Text),
        _key("message_id", Uuid),
        _required("conversation_id", Uuid),
        _required("lead_id", Uuid),
        _required("provider", Text),
        _required("channel", Text),
        _required("direction", Text),
        _required("source", Text),
        _required("provider_event", Text),
        Column("provider_message_id", Text),
        _required("sent_at", _UTC),
        _required("received_at", _UTC),
        Column("subject", Text),
        _required("text", Text),
        _required("body", Text),
        Column("html", Text),
        Column("campaign_id", Text),
        Column("campaign_name", Text),
        Column("account", Text),
        Column("from_email", Text),
        Column("from_name", Text),
        _required("attachment_count", Integer),
        _required("is_automated", Boolean),
        _required("attrs", JSONB),
        _required("receipt_id", Uuid),
        *_lineage(),
    )
    Index(None, table.c.workspace_id, table.c.lead_id, table.c.sent_at)
    Index(None, table.c.workspace_id, table.c.sent_at)
    Index(None, table.c.receipt_id)
    # What has jobs, in the log's order: few among many notices of what was sent.
    Index(
        "ix_messages_with_jobs",
        table.c.src_partition,
        table.c.src_offset,
        postgresql_where=and_(table.c.direction == "inbound", table.c.source == "direct"),
    )


def _leads(metadata: MetaData) -> None:
    table = Table(
        "leads",
        metadata,
        _key("workspace_id", Text),
        _key("lead_id", Uuid),
        _required("created_at", _UTC),
        _required("changed_at", _UTC),
        Column("first_name", Text),
        Column("last_name", Text),
        Column("company", Text),
        Column("title", Text),
        Column("linkedin_url", Text),
        Column("company_linkedin_url", Text),
        Column("email", Text),
        _required("alternate_emails", ARRAY(Text)),
        Column("phone", Text),
        Column("campaign_id", Text),
        Column("campaign_name", Text),
        Column("account", Text),
        Column("current_replier_email", Text),
        Column("current_replier_name", Text),
        Column("current_replier_since_at", _UTC),
        _required("receipt_id", Uuid),
        *_lineage(),
    )
    Index(None, table.c.workspace_id, table.c.created_at)
    Index(None, table.c.workspace_id, table.c.email)


def _lead_identities(metadata: MetaData) -> None:
    # A row counts only while it carries the version of its lead's row: an identity the newest
    # state no longer has is thereby gone, without a delete that could come out of order.
    table = Table(
        "lead_identities",
        metadata,
        _key("workspace_id", Text),
        _key("lead_id", Uuid),
        _key("kind", Text),
        _key("value", Text),
        _required("is_alias", Boolean),
        _required("receipt_id", Uuid),
        *_lineage(),
    )
    Index(None, table.c.workspace_id, table.c.kind, table.c.value)


def _lead_merges(metadata: MetaData) -> None:
    table = Table(
        "lead_merges",
        metadata,
        _key("workspace_id", Text),
        _key("lead_id", Uuid),
        _required("into_lead_id", Uuid),
        _required("merged_at", _UTC),
        _required("receipt_id", Uuid),
        *_lineage(),
    )
    Index(None, table.c.workspace_id, table.c.into_lead_id)


def _lead_splits(metadata: MetaData) -> None:
    table = Table(
        "lead_splits",
        metadata,
        _key("workspace_id", Text),
        _key("lead_id", Uuid),
        _key("new_lead_id", Uuid),
        _required("split_at", _UTC),
        _required("split_by", Text),
        _required("reason", Text),
        _required("identities", ARRAY(Text)),
        _required("run_id", Uuid),
        *_lineage(),
    )
    Index(None, table.c.workspace_id, table.c.new_lead_id)


def _message_moves(metadata: MetaData) -> None:
    # Written from records under the key of the lead that first had the message, so that the newest move is the last.
    table = Table(
        "message_moves",
        metadata,
        _key("workspace_id", Text),
        _key("message_id", Uuid),
        _required("lead_id", Uuid),
        _required("into_lead_id", Uuid),
        _required("moved_at", _UTC),
        _required("run_id", Uuid),
        *_lineage(),
    )
    Index(None, table.c.workspace_id, table.c.into_lead_id)


def _lead_activity(metadata: MetaData) -> None:
    # Apart from `leads`: its rows move by LEAST and GREATEST, a lead's by newest snapshot.
    Table(
        "lead_activity",
        metadata,
        _key("workspace_id", Text),
        _key("lead_id", Uuid),
        Column("first_message_at", _UTC, nullable=False, info={"fold": "least"}),
        Column("last_message_at", _UTC, nullable=False, info={"fold": "greatest"}),
        Column("first_inbound_at", _UTC, info={"fold": "least"}),
        Column("last_inbound_at", _UTC, info={"fold": "greatest"}),
        Column("first_outbound_at", _UTC, info={"fold": "least"}),
        Column("last_outbound_at", _UTC, info={"fold": "greatest"}),
        _required("receipt_id", Uuid),
        *_lineage(),
    )


def _lead_suppressions(metadata: MetaData) -> None:
    table = Table(
        "lead_suppressions",
        metadata,
        _key("workspace_id", Text),
        _key("lead_id", Uuid),
        _key("event_id", Uuid),
        _required("provider", Text),
        _required("provider_event", Text),
        _required("reason", Text),
        Column("detail", Text),
        _required("occurred_at", _UTC),
        _required("received_at", _UTC),
        _required("receipt_id", Uuid),
        *_lineage(),
    )
    Index(None, table.c.workspace_id, table.c.lead_id, table.c.occurred_at)
    Index(None, table.c.receipt_id)


def _lead_signals(metadata: MetaData) -> None:
    table = Table(
        "lead_signals",
        metadata,
        _key("workspace_id", Text),
        _key("lead_id", Uuid),
        _key("event_id", Uuid),
        _required("provider", Text),
        _required("provider_event", Text),
        _required("signal", Text),
        Column("message_id", Uuid),
        Column("detail", Text),
        _required("occurred_at", _UTC),
        _required("received_at", _UTC),
        _required("receipt_id", Uuid),
        *_lineage(),
    )
    Index(None, table.c.workspace_id, table.c.lead_id, table.c.occurred_at)
    Index(None, table.c.receipt_id)


def _webhook_receipts(metadata: MetaData) -> None:
    table = Table(
        "webhook_receipts",
        metadata,
        _key("workspace_id", Text),
        _key("receipt_id", Uuid),
        _required("provider", Text),
        _required("provider_event", Text),
        _required("verdict", Text),
        _required("reason", Text),
        _required("dedupe_key", Text),
        Column("first_receipt_id", Uuid),
        _required("occurrence", Integer),
        _required("received_at", _UTC),
        _required("source_topic", Text),
        _required("source_partition", Integer),
        _required("source_offset", BigInteger),
        _required("body_bytes", Integer),
        _required("message_ids", ARRAY(Uuid)),
        _required("fact_count", Integer),
        Column("stored_at", _UTC),
        Column("route", Text),
        *_lineage(),
    )
    Index(None, table.c.workspace_id, table.c.received_at)
    # Audits prove completeness by counting ranges of it. Not unique: a doubled verdict must be
    # visible to the audit, not refused by the projection.
    Index("ix_webhook_receipts_source", table.c.source_topic, table.c.source_partition, table.c.source_offset)
    # From a webhook to its repeats, which are few.
    Index(
        "ix_webhook_receipts_repeats",
        table.c.workspace_id,
        table.c.first_receipt_id,
        postgresql_where=table.c.first_receipt_id.is_not(None),
    )


def _ingest_latency(metadata: MetaData) -> None:
    table = Table(
        "ingest_latency",
        metadata,
        _key("process_id", Text),
        _key("route", Text),
        _key("status", Integer),
        _key("window_start_at", _UTC),
        _required("window_end_at", _UTC),
        _required("request_count", BigInteger),
        _required("sum_us", BigInteger),
        _required("max_us", BigInteger),
        _required("bucket_le_us", ARRAY(BigInteger)),
        _required("bucket_counts", ARRAY(BigInteger)),
        *_lineage(),
    )
    Index(None, table.c.window_start_at)


def _dead_letters(metadata: MetaData) -> None:
    # The record itself stays in the topic, at (src_topic, src_partition, src_offset). Ids are text:
    # a record that is broken enough to land here may carry anything.
    table = Table(
        "dead_letters",
        metadata,
        _key("origin_topic", Text),
        _key("origin_partition", Integer),
        _key("origin_offset", BigInteger),
        _key("stage", Text),
        _required("error_class", Text),
        _required("reason", Text),
        _required("attempts", Integer),
        _required("first_failed_at", _UTC),
        _required("last_failed_at", _UTC),
        Column("workspace_id", Text),
        Column("receipt_id", Text),
        *_lineage(),
    )
    Index(None, table.c.receipt_id)


def _dead_letter_events(metadata: MetaData) -> None:
    # What was done about a letter, and what became of it. A letter's state is its newest generation, and in that the
    # furthest of: redriven, failed, fixed, discarded; so rows need no order.
    table = Table(
        "dead_letter_events",
        metadata,
        _key("event_id", Uuid),
        _required("letter_id", Text),
        _required("generation", Integer),
        _required("event", Text),
        _required("stage", Text),
        #: The record that was sent again.
        Column("record_topic", Text),
        Column("record_partition", Integer),
        Column("record_offset", BigInteger),
        Column("error_class", Text),
        Column("reason", Text),
        Column("changed_by", Text),
        Column("run_id", Uuid),
        _required("happened_at", _UTC),
        Column("workspace_id", Text),
        Column("receipt_id", Text),
        *_lineage(),
    )
    Index(None, table.c.letter_id)
    Index("ix_dead_letter_events_record", table.c.record_topic, table.c.record_partition, table.c.record_offset)


def _job_key() -> list[Column[Any]]:
    return [_key("workspace_id", Text), _key("job_id", Uuid), _key("generation", Integer)]


def _jobs(metadata: MetaData) -> None:
    # What was asked for. How a job stands is in the tables below, each moved by its own kinds of events alone, so
    # that a command that came too late can't overwrite what happened: `analytics.jobs` puts them together.
    table = Table(
        "jobs",
        metadata,
        *_job_key(),
        _required("type", Text),
        _required("lead_id", Uuid),
        _required("message_id", Uuid),
        _required("requested_at", _UTC),
        _required("requested_by", Text),
        _required("due_at", _UTC),
        _required("from_start", Boolean),
        _required("receipt_id", Uuid),
        *_lineage(),
    )
    Index(None, table.c.workspace_id, table.c.lead_id)
    Index(None, table.c.workspace_id, table.c.requested_at)
    Index(None, table.c.message_id)
    Index(None, table.c.receipt_id)
    Index(None, table.c.src_partition, table.c.src_offset)


def _job_progress(metadata: MetaData) -> None:
    # The newest of: an attempt began, the job was put off.
    Table(
        "job_progress",
        metadata,
        *_job_key(),
        _required("is_running", Boolean),
        _required("attempt", Integer),
        Column("due_at", _UTC),
        Column("step", Text),
        Column("error_class", Text),
        Column("reason", Text),
        Column("worker", Text),
        _required("changed_at", _UTC),
        *_lineage(),
    )


def _job_attempts(metadata: MetaData) -> None:
    # The end of an attempt tells its beginning, too, and replaces its row.
    table = Table(
        "job_attempts",
        metadata,
        *_job_key(),
        _key("attempt", Integer),
        _required("type", Text),
        _required("lead_id", Uuid),
        _required("message_id", Uuid),
        _required("worker", Text),
        _required("started_at", _UTC),
        Column("ended_at", _UTC),
        Column("outcome", Text),
        Column("step", Text),
        Column("error_class", Text),
        Column("reason", Text),
        Column("spends_attempt", Boolean),
        Column("next_due_at", _UTC),
        _required("receipt_id", Uuid),
        *_lineage(),
    )
    Index(None, table.c.workspace_id, table.c.started_at)


def _job_steps(metadata: MetaData) -> None:
    Table(
        "job_steps",
        metadata,
        *_job_key(),
        _key("step", Text),
        _required("attempt", Integer),
        _required("finished_at", _UTC),
        _required("result", JSONB),
        _required("skipped", Text),
        _required("ends_job", Text),
        _required("receipt_id", Uuid),
        *_lineage(),
    )


def _job_ends(metadata: MetaData) -> None:
    # The first end of a generation counts, so each way to end has its row, with the offset it was first seen at.
    table = Table(
        "job_ends",
        metadata,
        *_job_key(),
        _key("outcome", Text),
        Column("first_offset", BigInteger, nullable=False, info={"fold": "least"}),
        _required("ended_at", _UTC),
        _required("attempt", Integer),
        Column("step", Text),
        Column("error_class", Text),
        Column("reason", Text),
        Column("ended_by", Text),
        *_lineage(),
    )
    Index(None, table.c.workspace_id, table.c.ended_at)
    Index(None, table.c.src_partition, table.c.first_offset)


def _job_holds(metadata: MetaData) -> None:
    Table(
        "job_holds",
        metadata,
        *_job_key(),
        _required("is_paused", Boolean),
        _required("changed_by", Text),
        _required("changed_at", _UTC),
        *_lineage(),
    )


def _concluded(*, job: bool = True) -> list[Column[Any]]:
    """What every conclusion about a message says."""
    return [
        _required("lead_id", Uuid),
        *([_required("job_id", Uuid)] if job else []),
        _required("concluded_at", _UTC),
        #: With the message's id its place in the conversation, however it arrived.
        _required("sent_at", _UTC),
        _required("received_at", _UTC),
        Column("ai_provider", Text),
        Column("ai_model", Text),
        Column("prompt_key", Text),
        Column("prompt_version", Integer),
        Column("prompt_sha256", Text),
        _required("receipt_id", Uuid),
        *_lineage(),
    ]


def _enrichments(metadata: MetaData) -> None:
    # The newest conclusion of each step. The typed tables beside it keep what a step once concluded: their rows count
    # only while they carry the version of the step's row here, so a step that has nothing to say any more unsays it.
    table = Table(
        "enrichments",
        metadata,
        _key("workspace_id", Text),
        _key("job_id", Uuid),
        _key("step", Text),
        _required("message_id", Uuid),
        _required("job_type", Text),
        _required("event_type", Text),
        Column("skip_reason", Text),
        _required("details", JSONB),
        *_concluded(job=False),
    )
    Index(None, table.c.workspace_id, table.c.message_id)
    Index(None, table.c.workspace_id, table.c.concluded_at)


def _message_labels(metadata: MetaData) -> None:
    table = Table(
        "message_labels",
        metadata,
        _key("workspace_id", Text),
        _key("message_id", Uuid),
        _required("label", Text),
        Column("answered_label", Text),
        _required("confidence", Double),
        _required("is_opt_out", Boolean),
        _required("is_bounce", Boolean),
        Column("contains_phone", Text),
        _required("has_proposed_time", Boolean),
        _required("is_automated", Boolean),
        Column("rule", Text),
        Column("evidence", Text),
        _required("needs_review", Boolean),
        _required("is_injection_suspected", Boolean),
        *_concluded(),
    )
    Index(None, table.c.workspace_id, table.c.sent_at)


def _lead_states(metadata: MetaData) -> None:
    # One row a message: the newest message decides, whichever of them was processed last.
    Table(
        "lead_states",
        metadata,
        _key("workspace_id", Text),
        _key("lead_id", Uuid),
        _key("message_id", Uuid),
        _required("status", Text),
        _required("label", Text),
        Column("previous_label", Text),
        _required("is_automated", Boolean),
        _required("open_work", Text),
        *[column for column in _concluded() if column.name != "lead_id"],
    )


def _follow_ups(metadata: MetaData) -> None:
    table = Table(
        "follow_ups",
        metadata,
        _key("workspace_id", Text),
        _key("message_id", Uuid),
        _required("kind", Text),
        _required("due_at", _UTC),
        _required("timezone", Text),
        _required("timezone_evidence", Text),
        Column("day", Date),
        _required("precision", Text),
        _required("confidence", Double),
        _required("attempt", Integer),
        *_concluded(),
    )
    Index(None, table.c.workspace_id, table.c.due_at)


def _booking_decisions(metadata: MetaData) -> None:
    Table(
        "booking_decisions",
        metadata,
        _key("workspace_id", Text),
        _key("message_id", Uuid),
        _required("is_proposed", Boolean),
        Column("reason", Text),
        _required("process", Text),
        Column("start_at", _UTC),
        Column("timezone", Text),
        Column("timezone_evidence", Text),
        Column("confidence", Double),
        Column("minutes_later", Integer),
        *_concluded(),
    )


def _drafts(metadata: MetaData) -> None:
    table = Table(
        "drafts",
        metadata,
        _key("workspace_id", Text),
        _key("draft_id", Uuid),
        _required("message_id", Uuid),
        _required("channel", Text),
        #: Null when no draft passed the checks.
        Column("body", Text),
        _required("failed_checks", ARRAY(Text)),
        _required("attempts", Integer),
        *_concluded(),
    )
    Index(None, table.c.workspace_id, table.c.message_id)


def _reply_decisions(metadata: MetaData) -> None:
    table = Table(
        "reply_decisions",
        metadata,
        _key("workspace_id", Text),
        _key("draft_id", Uuid),
        _required("message_id", Uuid),
        _required("channel", Text),
        _required("decision", Text),
        Column("send_at", _UTC),
        _required("reasons", ARRAY(Text)),
        Column("confidence", Double),
        _required("threshold", Double),
        _required("response_mode", Text),
        *_concluded(),
    )
    Index(None, table.c.workspace_id, table.c.message_id)


def _lead_scores(metadata: MetaData) -> None:
    table = Table(
        "lead_scores",
        metadata,
        _key("workspace_id", Text),
        _key("lead_id", Uuid),
        _key("message_id", Uuid),
        _required("fit", Integer),
        _required("intent", Integer),
        _required("overall", Integer),
        _required("reasoning", Text),
        *[column for column in _concluded() if column.name != "lead_id"],
    )
    Index(None, table.c.workspace_id, table.c.message_id)


def _ai_interactions(metadata: MetaData) -> None:
    table = Table(
        "ai_interactions",
        metadata,
        _key("workspace_id", Text),
        _key("event_id", Uuid),
        _required("lead_id", Uuid),
        _required("message_id", Uuid),
        _required("job_id", Uuid),
        _required("step", Text),
        _required("attempt", Integer),
        _required("call", Integer),
        _required("called_at", _UTC),
        _required("source", Text),
        _required("feature", Text),
        _required("prompt_key", Text),
        _required("prompt_version", Integer),
        _required("prompt_sha256", Text),
        _required("provider", Text),
        _required("api", Text),
        _required("model", Text),
        Column("structure", Text),
        _required("input_tokens", BigInteger),
        _required("cached_tokens", BigInteger),
        _required("cache_write_tokens", BigInteger),
        _required("output_tokens", BigInteger),
        _required("reasoning_tokens", BigInteger),
        _required("usage_source", Text),
        _required("billing", Text),
        Column("cost_micro_usd", BigInteger),
        _required("price_version", Text),
        _required("latency_ms", BigInteger),
        _required("status", Text),
        Column("error_class", Text),
        Column("error", Text),
        Column("http_status", Integer),
        Column("finish", Text),
        Column("response_id", Text),
        Column("request_id", Text),
        _required("is_injection_suspected", Boolean),
        _required("trace_id", Text),
        _required("receipt_id", Uuid),
        *_lineage(),
    )
    Index(None, table.c.workspace_id, table.c.called_at)
    Index(None, table.c.workspace_id, table.c.message_id)
    Index(None, table.c.workspace_id, table.c.job_id)


def _position_key() -> list[Column[Any]]:
    return [_key("projection", Text), _key("version", Integer), _key("topic", Text), _key("partition", Integer)]


def _projection_offsets(metadata: MetaData) -> None:
    Table(
        "projection_offsets",
        metadata,
        *_position_key(),
        _required("next_offset", BigInteger),
        #: Broker's append time of the newest projected record.
        Column("event_time_max", _UTC),
        _required("heartbeat_at", _UTC),
    )


def _broker_offsets(metadata: MetaData) -> None:
    # What the broker had, last time the projections app asked: SQL alone can then tell the lag.
    Table(
        "broker_offsets",
        metadata,
        _key("topic", Text),
        _key("partition", Integer),
        _required("start_offset", BigInteger),
        _required("end_offset", BigInteger),
        _required("observed_at", _UTC),
    )


def _projection_dead_letters(metadata: MetaData) -> None:
    Table(
        "dead_letters",
        metadata,
        *_position_key(),
        _key("offset", BigInteger),
        Column("key", LargeBinary),
        Column("value", LargeBinary),
        #: JSON array of [name, base64 value]; bytes, because a broken record may hold what jsonb refuses.
        _required("headers", LargeBinary),
        _required("record_at", _UTC),
        _required("error_class", Text),
        _required("reason", Text),
        _required("attempts", Integer),
        #: open, fixed or discarded
        _required("state", Text),
        Column("fixed_by_run_id", Uuid),
        _required("failed_at", _UTC),
        #: How often a person had it projected again, and the newest run that did, or that discarded it.
        Column("redrives", Integer, nullable=False, server_default="0"),
        Column("run_id", Uuid),
        Column("changed_at", _UTC),
        Column("changed_by", Text),
        #: Why it was discarded.
        Column("note", Text),
    )


def _expired_ranges(metadata: MetaData) -> None:
    # Offsets that retention removed before they were projected: the one legal jump, never a silent one.
    Table(
        "expired_ranges",
        metadata,
        *_position_key(),
        _key("from_offset", BigInteger),
        _required("to_offset", BigInteger),
        _required("noted_at", _UTC),
    )


def _runs(metadata: MetaData) -> None:
    Table(
        "runs",
        metadata,
        Column("run_id", Uuid, primary_key=True),
        _required("verb", Text),
        _required("started_by", Text),
        _required("scope", JSONB),
        _required("started_at", _UTC),
        Column("ended_at", _UTC),
        #: done, failed or cancelled; null while it runs, and when its process died.
        Column("outcome", Text),
        _required("counts", JSONB),
        #: What nobody else may work on meanwhile, such as `projection:leads`.
        Column("subjects", ARRAY(Text), nullable=False, server_default="{}"),
        Column("phase", Text, nullable=False, server_default=""),
        Column("host", Text, nullable=False, server_default=""),
        Column("pid", Integer, nullable=False, server_default="0"),
        Column("heartbeat_at", _UTC, nullable=False, server_default=func.now()),
        Column("resumes", Integer, nullable=False, server_default="0"),
        Column("cancel_requested_at", _UTC),
        Column("cancel_requested_by", Text),
        Column("error", Text),
        Column("result", JSONB),
    )


def _projection_versions(metadata: MetaData) -> None:
    # The versions of each projection's tables. None at all means that version 1 is live.
    table = Table(
        "projection_versions",
        metadata,
        _key("projection", Text),
        _key("version", Integer),
        #: See `versions.VersionState`.
        _required("state", Text),
        Column("rev", Integer),
        Column("shape", Text),
        Column("run_id", Uuid),
        Column("changed_at", _UTC, nullable=False, server_default=func.now()),
        Column("problem", Text),
    )
    Index(
        "ix_projection_versions_live",
        table.c.projection,
        unique=True,
        postgresql_where=table.c.state == "live",
    )


def _audits(metadata: MetaData) -> None:
    # Up to where a partition of webhooks.* is proven complete: verdicts, and what fresh webhooks led to.
    Table(
        "audit_positions",
        metadata,
        _key("version", Integer),
        _key("topic", Text),
        _key("partition", Integer),
        _required("verdicts_to", BigInteger),
        _required("facts_to", BigInteger),
        _required("verified_at", _UTC),
    )


def _job_audits(metadata: MetaData) -> None:
    # Up to where a partition of `messages` is proven to have its jobs, and one of `jobs` to have ended them well.
    Table(
        "audit_job_positions",
        metadata,
        _key("version", Integer),
        _key("topic", Text),
        _key("partition", Integer),
        _required("proven_to", BigInteger),
        _required("verified_at", _UTC),
    )


def _audit_open_jobs(metadata: MetaData) -> None:
    # The jobs that were open when last audited: looking only at these and the new ones keeps an audit cheap.
    Table(
        "audit_open_jobs",
        metadata,
        _key("version", Integer),
        _key("workspace_id", Text),
        _key("job_id", Uuid),
        _key("generation", Integer),
    )
