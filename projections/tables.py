"""Every table of the read model, declared once: DDL, upsert statements and migrations are generated from here.

`proj_v<N>` holds the rows; a change of shape is a new version, never an ALTER on a hot table. `ctl` says how
far each projection is. Each table is written from exactly one topic, so no write races another topic's.
"""

from collections.abc import Callable, Mapping, Sequence
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
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from headrace.events.visibility import Visibility
from projections.registry import ALL_PROJECTIONS
from projections.schemas import proj_schema

CTL_SCHEMA = "ctl"
ANALYTICS_SCHEMA = "analytics"

#: How two values of a column become one, in whatever order they come; columns without it take the newest row's.
Fold = Literal["least", "greatest"]

#: The columns at the end of every table of rows: where a row comes from.
LINEAGE = ("src_topic", "src_partition", "src_offset", "proj_rev")

_NAMES = {"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"}
#: Every time is one: aware, and told in UTC.
UTC_TIME = TIMESTAMP(timezone=True)
_OPEN_TYPES = (Uuid, Integer, BigInteger, Double, Boolean, Date, TIMESTAMP)


def proj_metadata(version: int) -> MetaData:
    """The tables of one version of the read model."""
    metadata = MetaData(schema=proj_schema(version), naming_convention=_NAMES)
    here = _declared_here()
    for projection in ALL_PROJECTIONS:
        for declare in here[projection.name] if projection.declare is None else (projection.declare,):
            declare(metadata)
    return metadata


def _declared_here() -> Mapping[str, Sequence[Callable[[MetaData], None]]]:
    """Projection → what declares each of its tables."""
    return {
        "leads": (
            _messages,
            _leads,
            _lead_identities,
            _lead_merges,
            _lead_splits,
            _message_moves,
            _lead_activity,
            _lead_suppressions,
            _lead_signals,
        ),
        "webhook_receipts": (_webhook_receipts,),
        "ingest_latency": (_ingest_latency,),
        "dead_letters": (_dead_letters, _dead_letter_events),
        "jobs": (_jobs, _job_progress, _job_attempts, _job_steps, _job_ends, _job_holds),
        "enrichments": (
            _enrichments,
            _message_labels,
            _lead_states,
            _follow_ups,
            _booking_decisions,
            _drafts,
            _reply_decisions,
            _person_needs,
            _lead_scores,
        ),
        "ai_interactions": (_ai_interactions,),
    }


def ctl_metadata() -> MetaData:
    """The control tables: positions, the projections' own dead letters, runs, what was proven."""
    metadata = MetaData(schema=CTL_SCHEMA, naming_convention=_NAMES)
    for declare in (
        _projection_offsets,
        _broker_offsets,
        _stage_backlogs,
        _projection_dead_letters,
        _expired_ranges,
        _runs,
        _projection_versions,
        _audits,
        _job_audits,
        _audit_open_jobs,
        _value_meanings,
        _oauth_pairs,
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


def visibility_of(column: Column[Any]) -> Visibility | None:
    """How the column's values may be shown; None where nobody declared it, and then they may not.

    Ids of ours, numbers, times and flags are open by their type; a text says what it is beside its name.
    """
    declared: Visibility | None = column.info.get("shown")
    type_ = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    return declared or ("open" if isinstance(type_, _OPEN_TYPES) else None)


def lineage() -> list[Column[Any]]:
    """Where a row comes from; (src_partition, src_offset, proj_rev) is also its version."""
    return [
        required("src_topic", Text, "open"),
        required("src_partition", Integer),
        required("src_offset", BigInteger),
        required("proj_rev", Integer),
    ]


def key(name: str, type_: Any, shown: Visibility | None = None) -> Column[Any]:
    """A column of the primary key."""
    return Column(name, type_, primary_key=True, autoincrement=False, info=_info(shown))


def required(name: str, type_: Any, shown: Visibility | None = None) -> Column[Any]:
    """A column that always has a value."""
    return Column(name, type_, nullable=False, info=_info(shown))


def optional(name: str, type_: Any, shown: Visibility) -> Column[Any]:
    """A column that may be empty."""
    return Column(name, type_, info=_info(shown))


def _info(shown: Visibility | None) -> dict[str, Any]:
    return {} if shown is None else {"shown": shown}


def _messages(metadata: MetaData) -> None:
    table = Table(
        "messages",
        metadata,
        key("workspace_id", Text, "open"),
        key("message_id", Uuid),
        required("conversation_id", Uuid),
        required("lead_id", Uuid),
        required("provider", Text, "open"),
        required("channel", Text, "open"),
        required("direction", Text, "open"),
        required("source", Text, "open"),
        required("provider_event", Text, "open"),
        optional("provider_message_id", Text, "detail"),
        required("sent_at", UTC_TIME),
        required("received_at", UTC_TIME),
        optional("subject", Text, "masked"),
        required("text", Text, "masked"),
        required("body", Text, "masked"),
        optional("html", Text, "masked"),
        optional("campaign_id", Text, "detail"),
        optional("campaign_name", Text, "masked"),
        optional("account", Text, "masked"),
        optional("from_email", Text, "masked"),
        optional("from_name", Text, "masked"),
        required("attachment_count", Integer),
        required("is_automated", Boolean),
        required("attrs", JSONB, "masked"),
        required("receipt_id", Uuid),
        *lineage(),
    )
    Index(None, table.c.workspace_id, table.c.lead_id, table.c.sent_at)
    Index(None, table.c.workspace_id, table.c.sent_at)
    Index(None, table.c.workspace_id, table.c.provider_message_id)
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
        key("workspace_id", Text, "open"),
        key("lead_id", Uuid),
        required("created_at", UTC_TIME),
        required("changed_at", UTC_TIME),
        optional("first_name", Text, "masked"),
        optional("last_name", Text, "masked"),
        optional("company", Text, "masked"),
        optional("title", Text, "masked"),
        optional("linkedin_url", Text, "masked"),
        optional("company_linkedin_url", Text, "masked"),
        optional("email", Text, "masked"),
        required("alternate_emails", ARRAY(Text), "masked"),
        optional("phone", Text, "masked"),
        optional("campaign_id", Text, "detail"),
        optional("campaign_name", Text, "masked"),
        optional("account", Text, "masked"),
        optional("current_replier_email", Text, "masked"),
        optional("current_replier_name", Text, "masked"),
        Column("current_replier_since_at", UTC_TIME),
        required("receipt_id", Uuid),
        *lineage(),
    )
    Index(None, table.c.workspace_id, table.c.created_at)
    Index(None, table.c.workspace_id, table.c.email)


def _lead_identities(metadata: MetaData) -> None:
    # A row counts only while it carries the version of its lead's row: an identity the newest
    # state no longer has is thereby gone, without a delete that could come out of order.
    table = Table(
        "lead_identities",
        metadata,
        key("workspace_id", Text, "open"),
        key("lead_id", Uuid),
        key("kind", Text, "open"),
        key("value", Text, "masked"),
        required("is_alias", Boolean),
        required("receipt_id", Uuid),
        *lineage(),
    )
    Index(None, table.c.workspace_id, table.c.kind, table.c.value)


def _lead_merges(metadata: MetaData) -> None:
    table = Table(
        "lead_merges",
        metadata,
        key("workspace_id", Text, "open"),
        key("lead_id", Uuid),
        required("into_lead_id", Uuid),
        required("merged_at", UTC_TIME),
        required("receipt_id", Uuid),
        *lineage(),
    )
    Index(None, table.c.workspace_id, table.c.into_lead_id)


def _lead_splits(metadata: MetaData) -> None:
    table = Table(
        "lead_splits",
        metadata,
        key("workspace_id", Text, "open"),
        key("lead_id", Uuid),
        key("new_lead_id", Uuid),
        required("split_at", UTC_TIME),
        required("split_by", Text, "detail"),
        required("reason", Text, "masked"),
        required("identities", ARRAY(Text), "masked"),
        required("run_id", Uuid),
        *lineage(),
    )
    Index(None, table.c.workspace_id, table.c.new_lead_id)


def _message_moves(metadata: MetaData) -> None:
    # Written from records under the key of the lead that first had the message, so that the newest move is the last.
    table = Table(
        "message_moves",
        metadata,
        key("workspace_id", Text, "open"),
        key("message_id", Uuid),
        required("lead_id", Uuid),
        required("into_lead_id", Uuid),
        required("moved_at", UTC_TIME),
        required("run_id", Uuid),
        *lineage(),
    )
    Index(None, table.c.workspace_id, table.c.into_lead_id)


def _lead_activity(metadata: MetaData) -> None:
    # Apart from `leads`: its rows move by LEAST and GREATEST, a lead's by newest snapshot.
    Table(
        "lead_activity",
        metadata,
        key("workspace_id", Text, "open"),
        key("lead_id", Uuid),
        Column("first_message_at", UTC_TIME, nullable=False, info={"fold": "least"}),
        Column("last_message_at", UTC_TIME, nullable=False, info={"fold": "greatest"}),
        Column("first_inbound_at", UTC_TIME, info={"fold": "least"}),
        Column("last_inbound_at", UTC_TIME, info={"fold": "greatest"}),
        Column("first_outbound_at", UTC_TIME, info={"fold": "least"}),
        Column("last_outbound_at", UTC_TIME, info={"fold": "greatest"}),
        required("receipt_id", Uuid),
        *lineage(),
    )


def _lead_suppressions(metadata: MetaData) -> None:
    table = Table(
        "lead_suppressions",
        metadata,
        key("workspace_id", Text, "open"),
        key("lead_id", Uuid),
        key("event_id", Uuid),
        required("provider", Text, "open"),
        required("provider_event", Text, "open"),
        required("reason", Text, "open"),
        optional("detail", Text, "masked"),
        required("occurred_at", UTC_TIME),
        required("received_at", UTC_TIME),
        required("receipt_id", Uuid),
        *lineage(),
    )
    Index(None, table.c.workspace_id, table.c.lead_id, table.c.occurred_at)
    Index(None, table.c.receipt_id)


def _lead_signals(metadata: MetaData) -> None:
    table = Table(
        "lead_signals",
        metadata,
        key("workspace_id", Text, "open"),
        key("lead_id", Uuid),
        key("event_id", Uuid),
        required("provider", Text, "open"),
        required("provider_event", Text, "open"),
        required("signal", Text, "open"),
        Column("message_id", Uuid),
        optional("detail", Text, "masked"),
        required("occurred_at", UTC_TIME),
        required("received_at", UTC_TIME),
        required("receipt_id", Uuid),
        *lineage(),
    )
    Index(None, table.c.workspace_id, table.c.lead_id, table.c.occurred_at)
    Index(None, table.c.receipt_id)


def _webhook_receipts(metadata: MetaData) -> None:
    table = Table(
        "webhook_receipts",
        metadata,
        key("workspace_id", Text, "open"),
        key("receipt_id", Uuid),
        required("provider", Text, "open"),
        required("provider_event", Text, "open"),
        required("verdict", Text, "open"),
        required("reason", Text, "detail"),
        required("dedupe_key", Text, "detail"),
        Column("first_receipt_id", Uuid),
        required("occurrence", Integer),
        required("received_at", UTC_TIME),
        required("source_topic", Text, "open"),
        required("source_partition", Integer),
        required("source_offset", BigInteger),
        required("body_bytes", Integer),
        required("message_ids", ARRAY(Uuid)),
        required("fact_count", Integer),
        Column("stored_at", UTC_TIME),
        optional("route", Text, "open"),
        *lineage(),
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
        key("process_id", Text, "open"),
        key("route", Text, "open"),
        key("status", Integer),
        key("window_start_at", UTC_TIME),
        required("window_end_at", UTC_TIME),
        required("request_count", BigInteger),
        required("sum_us", BigInteger),
        required("max_us", BigInteger),
        required("bucket_le_us", ARRAY(BigInteger)),
        required("bucket_counts", ARRAY(BigInteger)),
        *lineage(),
    )
    Index(None, table.c.window_start_at)


def _dead_letters(metadata: MetaData) -> None:
    # The record itself stays in the topic, at (src_topic, src_partition, src_offset). Ids are text:
    # a record that is broken enough to land here may carry anything.
    table = Table(
        "dead_letters",
        metadata,
        key("origin_topic", Text, "open"),
        key("origin_partition", Integer),
        key("origin_offset", BigInteger),
        key("stage", Text, "open"),
        required("error_class", Text, "open"),
        required("reason", Text, "detail"),
        required("attempts", Integer),
        required("first_failed_at", UTC_TIME),
        required("last_failed_at", UTC_TIME),
        optional("workspace_id", Text, "detail"),
        optional("receipt_id", Text, "detail"),
        *lineage(),
    )
    Index(None, table.c.receipt_id)


def _dead_letter_events(metadata: MetaData) -> None:
    # What was done about a letter, and what became of it. A letter's state is its newest generation, and in that the
    # furthest of: redriven, failed, fixed, discarded; so rows need no order.
    table = Table(
        "dead_letter_events",
        metadata,
        key("event_id", Uuid),
        required("letter_id", Text, "detail"),
        required("generation", Integer),
        required("event", Text, "open"),
        required("stage", Text, "open"),
        #: The record that was sent again.
        optional("record_topic", Text, "open"),
        Column("record_partition", Integer),
        Column("record_offset", BigInteger),
        optional("error_class", Text, "open"),
        optional("reason", Text, "detail"),
        optional("changed_by", Text, "detail"),
        Column("run_id", Uuid),
        required("happened_at", UTC_TIME),
        optional("workspace_id", Text, "detail"),
        optional("receipt_id", Text, "detail"),
        *lineage(),
    )
    Index(None, table.c.letter_id)
    Index("ix_dead_letter_events_record", table.c.record_topic, table.c.record_partition, table.c.record_offset)


def _job_key() -> list[Column[Any]]:
    return [key("workspace_id", Text, "open"), key("job_id", Uuid), key("generation", Integer)]


def _jobs(metadata: MetaData) -> None:
    # What was asked for. How a job stands is in the tables below, each moved by its own kinds of events alone, so
    # that a command that came too late can't overwrite what happened: `analytics.jobs` puts them together.
    table = Table(
        "jobs",
        metadata,
        *_job_key(),
        required("type", Text, "open"),
        required("lead_id", Uuid),
        required("message_id", Uuid),
        required("requested_at", UTC_TIME),
        required("requested_by", Text, "detail"),
        required("due_at", UTC_TIME),
        required("from_start", Boolean),
        required("receipt_id", Uuid),
        *lineage(),
    )
    Index(None, table.c.workspace_id, table.c.lead_id)
    Index(None, table.c.workspace_id, table.c.requested_at)
    Index(None, table.c.message_id)
    Index(None, table.c.receipt_id)
    Index(None, table.c.src_partition, table.c.src_offset)


def _job_progress(metadata: MetaData) -> None:
    # The newest of: an attempt began, the job was put off.
    table = Table(
        "job_progress",
        metadata,
        *_job_key(),
        required("is_running", Boolean),
        required("attempt", Integer),
        Column("due_at", UTC_TIME),
        optional("step", Text, "open"),
        optional("error_class", Text, "open"),
        optional("reason", Text, "detail"),
        optional("worker", Text, "detail"),
        required("changed_at", UTC_TIME),
        *lineage(),
    )
    parked = text("error_class IN ('over_budget', 'dependency_down')")
    Index(None, table.c.workspace_id, postgresql_where=parked)


def _job_attempts(metadata: MetaData) -> None:
    # The end of an attempt tells its beginning, too, and replaces its row.
    table = Table(
        "job_attempts",
        metadata,
        *_job_key(),
        key("attempt", Integer),
        required("type", Text, "open"),
        required("lead_id", Uuid),
        required("message_id", Uuid),
        required("worker", Text, "detail"),
        required("started_at", UTC_TIME),
        Column("ended_at", UTC_TIME),
        optional("outcome", Text, "open"),
        optional("step", Text, "open"),
        optional("error_class", Text, "open"),
        optional("reason", Text, "detail"),
        Column("spends_attempt", Boolean),
        Column("next_due_at", UTC_TIME),
        required("receipt_id", Uuid),
        *lineage(),
    )
    Index(None, table.c.workspace_id, table.c.started_at)


def _job_steps(metadata: MetaData) -> None:
    Table(
        "job_steps",
        metadata,
        *_job_key(),
        key("step", Text, "open"),
        required("attempt", Integer),
        required("finished_at", UTC_TIME),
        required("result", JSONB, "masked"),
        required("skipped", Text, "detail"),
        required("ends_job", Text, "detail"),
        required("receipt_id", Uuid),
        *lineage(),
    )


def _job_ends(metadata: MetaData) -> None:
    # The first end of a generation counts, so each way to end has its row, with the offset it was first seen at.
    table = Table(
        "job_ends",
        metadata,
        *_job_key(),
        key("outcome", Text, "open"),
        Column("first_offset", BigInteger, nullable=False, info={"fold": "least"}),
        required("ended_at", UTC_TIME),
        required("attempt", Integer),
        optional("step", Text, "open"),
        optional("error_class", Text, "open"),
        optional("reason", Text, "detail"),
        optional("ended_by", Text, "detail"),
        *lineage(),
    )
    Index(None, table.c.workspace_id, table.c.ended_at)
    Index(None, table.c.src_partition, table.c.first_offset)
    Index(None, table.c.workspace_id, postgresql_where=text("outcome <> 'succeeded'"))


def _job_holds(metadata: MetaData) -> None:
    Table(
        "job_holds",
        metadata,
        *_job_key(),
        required("is_paused", Boolean),
        required("changed_by", Text, "detail"),
        required("changed_at", UTC_TIME),
        *lineage(),
    )


def _concluded(*, job: bool = True) -> list[Column[Any]]:
    """What every conclusion about a message says."""
    return [
        required("lead_id", Uuid),
        *([required("job_id", Uuid)] if job else []),
        required("concluded_at", UTC_TIME),
        #: With the message's id its place in the conversation, however it arrived.
        required("sent_at", UTC_TIME),
        required("received_at", UTC_TIME),
        optional("ai_provider", Text, "open"),
        optional("ai_model", Text, "open"),
        optional("prompt_key", Text, "open"),
        Column("prompt_version", Integer),
        optional("prompt_sha256", Text, "open"),
        required("receipt_id", Uuid),
        *lineage(),
    ]


def _enrichments(metadata: MetaData) -> None:
    # The newest conclusion of each step. The typed tables beside it keep what a step once concluded: their rows count
    # only while they carry the version of the step's row here, so a step that has nothing to say any more unsays it.
    table = Table(
        "enrichments",
        metadata,
        key("workspace_id", Text, "open"),
        key("job_id", Uuid),
        key("step", Text, "open"),
        required("message_id", Uuid),
        required("job_type", Text, "open"),
        required("event_type", Text, "open"),
        optional("skip_reason", Text, "open"),
        required("details", JSONB, "masked"),
        *_concluded(job=False),
    )
    Index(None, table.c.workspace_id, table.c.message_id)
    Index(None, table.c.workspace_id, table.c.concluded_at)


def _message_labels(metadata: MetaData) -> None:
    table = Table(
        "message_labels",
        metadata,
        key("workspace_id", Text, "open"),
        key("message_id", Uuid),
        required("label", Text, "open"),
        optional("answered_label", Text, "open"),
        required("confidence", Double),
        required("is_opt_out", Boolean),
        required("is_bounce", Boolean),
        optional("contains_phone", Text, "masked"),
        required("has_proposed_time", Boolean),
        required("is_automated", Boolean),
        optional("rule", Text, "open"),
        optional("evidence", Text, "masked"),
        required("needs_review", Boolean),
        required("is_injection_suspected", Boolean),
        *_concluded(),
    )
    Index(None, table.c.workspace_id, table.c.sent_at)


def _lead_states(metadata: MetaData) -> None:
    # One row a message: the newest message decides, whichever of them was processed last.
    Table(
        "lead_states",
        metadata,
        key("workspace_id", Text, "open"),
        key("lead_id", Uuid),
        key("message_id", Uuid),
        required("status", Text, "open"),
        required("label", Text, "open"),
        optional("previous_label", Text, "open"),
        required("is_automated", Boolean),
        required("open_work", Text, "open"),
        *[column for column in _concluded() if column.name != "lead_id"],
    )


def _follow_ups(metadata: MetaData) -> None:
    table = Table(
        "follow_ups",
        metadata,
        key("workspace_id", Text, "open"),
        key("message_id", Uuid),
        required("kind", Text, "open"),
        required("due_at", UTC_TIME),
        required("timezone", Text, "open"),
        required("timezone_evidence", Text, "open"),
        Column("day", Date),
        required("precision", Text, "open"),
        required("confidence", Double),
        required("attempt", Integer),
        *_concluded(),
    )
    Index(None, table.c.workspace_id, table.c.due_at)


def _booking_decisions(metadata: MetaData) -> None:
    Table(
        "booking_decisions",
        metadata,
        key("workspace_id", Text, "open"),
        key("message_id", Uuid),
        required("is_proposed", Boolean),
        optional("reason", Text, "open"),
        required("process", Text, "open"),
        Column("start_at", UTC_TIME),
        optional("timezone", Text, "open"),
        optional("timezone_evidence", Text, "open"),
        Column("confidence", Double),
        Column("minutes_later", Integer),
        *_concluded(),
    )


def _drafts(metadata: MetaData) -> None:
    table = Table(
        "drafts",
        metadata,
        key("workspace_id", Text, "open"),
        key("draft_id", Uuid),
        required("message_id", Uuid),
        required("channel", Text, "open"),
        #: Null when no draft passed the checks.
        optional("body", Text, "masked"),
        required("failed_checks", ARRAY(Text), "open"),
        required("attempts", Integer),
        *_concluded(),
    )
    Index(None, table.c.workspace_id, table.c.message_id)


def _reply_decisions(metadata: MetaData) -> None:
    table = Table(
        "reply_decisions",
        metadata,
        key("workspace_id", Text, "open"),
        key("draft_id", Uuid),
        required("message_id", Uuid),
        required("channel", Text, "open"),
        required("decision", Text, "open"),
        Column("send_at", UTC_TIME),
        required("reasons", ARRAY(Text), "open"),
        Column("confidence", Double),
        required("threshold", Double),
        required("response_mode", Text, "open"),
        *_concluded(),
    )
    Index(None, table.c.workspace_id, table.c.message_id)
    # What waits for a person, in the order in which it waits.
    Index(
        "ix_reply_decisions_to_review",
        table.c.workspace_id,
        table.c.concluded_at,
        table.c.draft_id,
        postgresql_where=table.c.decision == "needs_review",
    )


def _person_needs(metadata: MetaData) -> None:
    # The newest word of a message's job that a person is needed. It counts while it is its step's newest, too.
    table = Table(
        "person_needs",
        metadata,
        key("workspace_id", Text, "open"),
        key("message_id", Uuid),
        required("step", Text, "open"),
        required("reason", Text, "open"),
        required("fields", ARRAY(Text), "open"),
        *_concluded(),
    )
    Index(None, table.c.workspace_id, table.c.concluded_at)


def _lead_scores(metadata: MetaData) -> None:
    table = Table(
        "lead_scores",
        metadata,
        key("workspace_id", Text, "open"),
        key("lead_id", Uuid),
        key("message_id", Uuid),
        required("fit", Integer),
        required("intent", Integer),
        required("overall", Integer),
        required("reasoning", Text, "masked"),
        *[column for column in _concluded() if column.name != "lead_id"],
    )
    Index(None, table.c.workspace_id, table.c.message_id)


def _ai_interactions(metadata: MetaData) -> None:
    table = Table(
        "ai_interactions",
        metadata,
        key("workspace_id", Text, "open"),
        key("event_id", Uuid),
        required("lead_id", Uuid),
        required("message_id", Uuid),
        required("job_id", Uuid),
        required("step", Text, "open"),
        required("attempt", Integer),
        required("call", Integer),
        required("called_at", UTC_TIME),
        required("source", Text, "open"),
        required("feature", Text, "open"),
        required("prompt_key", Text, "open"),
        required("prompt_version", Integer),
        required("prompt_sha256", Text, "open"),
        required("provider", Text, "open"),
        required("api", Text, "open"),
        required("model", Text, "open"),
        optional("structure", Text, "open"),
        required("input_tokens", BigInteger),
        required("cached_tokens", BigInteger),
        required("cache_write_tokens", BigInteger),
        required("output_tokens", BigInteger),
        required("reasoning_tokens", BigInteger),
        required("usage_source", Text, "open"),
        required("billing", Text, "open"),
        Column("cost_micro_usd", BigInteger),
        required("price_version", Text, "open"),
        required("latency_ms", BigInteger),
        required("status", Text, "open"),
        optional("error_class", Text, "open"),
        optional("error", Text, "detail"),
        Column("http_status", Integer),
        optional("finish", Text, "open"),
        optional("response_id", Text, "detail"),
        optional("request_id", Text, "detail"),
        required("is_injection_suspected", Boolean),
        required("trace_id", Text, "detail"),
        required("receipt_id", Uuid),
        *lineage(),
    )
    Index(None, table.c.workspace_id, table.c.called_at)
    Index(None, table.c.workspace_id, table.c.message_id)
    Index(None, table.c.workspace_id, table.c.job_id)


def _position_key() -> list[Column[Any]]:
    return [
        key("projection", Text, "open"),
        key("version", Integer),
        key("topic", Text, "open"),
        key("partition", Integer),
    ]


def _projection_offsets(metadata: MetaData) -> None:
    Table(
        "projection_offsets",
        metadata,
        *_position_key(),
        required("next_offset", BigInteger),
        #: Broker's append time of the newest projected record.
        Column("event_time_max", UTC_TIME),
        required("heartbeat_at", UTC_TIME),
    )


def _broker_offsets(metadata: MetaData) -> None:
    # What the broker had, last time the projections app asked: SQL alone can then tell the lag.
    Table(
        "broker_offsets",
        metadata,
        key("topic", Text, "open"),
        key("partition", Integer),
        required("start_offset", BigInteger),
        required("end_offset", BigInteger),
        required("observed_at", UTC_TIME),
    )


def _stage_backlogs(metadata: MetaData) -> None:
    # What consumer groups had not read, last time the projections app asked: SQL alone can then tell that one stands.
    Table(
        "stage_backlogs",
        metadata,
        #: `headrace.stages` declares them.
        key("stage", Text, "open"),
        required("unread", BigInteger),
        #: When the broker appended the oldest of them.
        Column("oldest_at", UTC_TIME),
        required("observed_at", UTC_TIME),
    )


def _projection_dead_letters(metadata: MetaData) -> None:
    Table(
        "dead_letters",
        metadata,
        *_position_key(),
        key("offset", BigInteger),
        optional("key", LargeBinary, "masked"),
        optional("value", LargeBinary, "masked"),
        #: JSON array of [name, base64 value]; bytes, because a broken record may hold what jsonb refuses.
        required("headers", LargeBinary, "masked"),
        required("record_at", UTC_TIME),
        required("error_class", Text, "open"),
        required("reason", Text, "detail"),
        required("attempts", Integer),
        #: open, fixed or discarded
        required("state", Text, "open"),
        Column("fixed_by_run_id", Uuid),
        required("failed_at", UTC_TIME),
        #: How often a person had it projected again, and the newest run that did, or that discarded it.
        Column("redrives", Integer, nullable=False, server_default="0"),
        Column("run_id", Uuid),
        Column("changed_at", UTC_TIME),
        optional("changed_by", Text, "detail"),
        #: Why it was discarded.
        optional("note", Text, "detail"),
    )


def _expired_ranges(metadata: MetaData) -> None:
    # Offsets that retention removed before they were projected: the one legal jump, never a silent one.
    Table(
        "expired_ranges",
        metadata,
        *_position_key(),
        key("from_offset", BigInteger),
        required("to_offset", BigInteger),
        required("noted_at", UTC_TIME),
    )


def _runs(metadata: MetaData) -> None:
    Table(
        "runs",
        metadata,
        Column("run_id", Uuid, primary_key=True),
        required("verb", Text, "open"),
        required("started_by", Text, "detail"),
        required("scope", JSONB, "detail"),
        required("started_at", UTC_TIME),
        Column("ended_at", UTC_TIME),
        #: done, failed or cancelled; null while it runs, and when its process died.
        optional("outcome", Text, "open"),
        required("counts", JSONB, "detail"),
        #: What nobody else may work on meanwhile, such as `projection:leads`.
        Column("subjects", ARRAY(Text), info={"shown": "open"}, nullable=False, server_default="{}"),
        Column("phase", Text, info={"shown": "open"}, nullable=False, server_default=""),
        Column("host", Text, info={"shown": "detail"}, nullable=False, server_default=""),
        Column("pid", Integer, nullable=False, server_default="0"),
        Column("heartbeat_at", UTC_TIME, nullable=False, server_default=func.now()),
        Column("resumes", Integer, nullable=False, server_default="0"),
        Column("cancel_requested_at", UTC_TIME),
        optional("cancel_requested_by", Text, "detail"),
        optional("error", Text, "detail"),
        optional("result", JSONB, "detail"),
    )


def _projection_versions(metadata: MetaData) -> None:
    # The versions of each projection's tables. None at all means that version 1 is live.
    table = Table(
        "projection_versions",
        metadata,
        key("projection", Text, "open"),
        key("version", Integer),
        #: See `versions.VersionState`.
        required("state", Text, "open"),
        Column("rev", Integer),
        optional("shape", Text, "open"),
        Column("run_id", Uuid),
        Column("changed_at", UTC_TIME, nullable=False, server_default=func.now()),
        optional("problem", Text, "detail"),
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
        key("version", Integer),
        key("topic", Text, "open"),
        key("partition", Integer),
        required("verdicts_to", BigInteger),
        required("facts_to", BigInteger),
        required("verified_at", UTC_TIME),
    )


def _job_audits(metadata: MetaData) -> None:
    # Up to where a partition of `messages` is proven to have its jobs, and one of `jobs` to have ended them well.
    Table(
        "audit_job_positions",
        metadata,
        key("version", Integer),
        key("topic", Text, "open"),
        key("partition", Integer),
        required("proven_to", BigInteger),
        required("verified_at", UTC_TIME),
    )


def _audit_open_jobs(metadata: MetaData) -> None:
    # The jobs that were open when last audited: looking only at these and the new ones keeps an audit cheap.
    Table(
        "audit_open_jobs",
        metadata,
        key("version", Integer),
        key("workspace_id", Text, "open"),
        key("job_id", Uuid),
        key("generation", Integer),
    )


def _value_meanings(metadata: MetaData) -> None:
    # What the values of closed lists mean: `headrace db migrate` writes what `headrace.events.meanings` declares.
    Table(
        "value_meanings",
        metadata,
        key("view_name", Text, "open"),
        key("column_name", Text, "open"),
        key("value", Text, "open"),
        required("meaning", Text, "open"),
    )


def _oauth_pairs(metadata: MetaData) -> None:
    # The newest tokens of an account that is authorised by OAuth, encrypted. seed: the SHA-256 of the refresh token in
    # the workspace file with which they began. generation grows with each pair; refreshing_since: somebody fetches one.
    Table(
        "oauth_pairs",
        metadata,
        key("workspace_id", Text, "open"),
        key("provider", Text, "open"),
        key("account", Text, "masked"),
        required("seed", Text, "never"),
        required("sealed", Text, "never"),
        Column("expires_at", UTC_TIME),
        required("generation", BigInteger),
        Column("refreshing_since", UTC_TIME),
        required("changed_at", UTC_TIME),
    )
