"""Every Kafka topic Headrace uses, declared once: the broker's topics and the AsyncAPI document come from here."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from headrace.events.providers import PROVIDERS

Key = Literal["dedupe key", "workspace", "lead id", "route", "original key"]

#: The largest webhook body accepted by default, bytes (1 MiB).
BODY_LIMIT = 1_048_576
#: The largest record of any topic, bytes. A body just under the limit becomes an event that holds
#: the body, its HTML and the stripped text, each JSON-escaped, so eight times the limit is room enough.
MAX_RECORD_BYTES = 8 * BODY_LIMIT
#: The largest dead letter: a record as large as any, and why it is one.
DEAD_LETTER_BYTES = MAX_RECORD_BYTES + BODY_LIMIT


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic. Retention None means for ever; `name` has no installation prefix (see `physical`)."""

    name: str
    key: Key
    carries: str
    writer: str
    readers: tuple[str, ...]
    retention: timedelta | None = None
    compacted: bool = False
    #: Names of the typed events it carries (`headrace.events.codec.EVENT_TYPES`); none where the values are foreign.
    events: tuple[str, ...] = ()

    def physical(self, prefix: str) -> str:
        """The name on the broker: one prefix per installation lets several share a cluster."""
        return f"{prefix}{self.name}"


def _webhooks(provider: str) -> Topic:
    return Topic(
        name=f"webhooks.{provider}",
        key="dedupe key",
        carries="request bodies byte for byte; metadata in headers",
        writer="ingest",
        readers=("pipeline",),
    )


REPLY_TOPICS = tuple(_webhooks(provider) for provider in PROVIDERS)
#: Sent and opened notices come in floods; a topic and worker of their own keep replies fast.
WEBHOOKS_BULK = Topic(
    name="webhooks.bulk",
    key="dedupe key",
    carries="bodies of sent and opened notices of every provider",
    writer="ingest",
    readers=("bulk",),
    retention=timedelta(days=30),
)
#: The sender proved itself, but the body is unreadable or names a workspace nobody configured.
WEBHOOKS_QUARANTINE = Topic(
    name="webhooks.quarantine",
    key="dedupe key",
    carries="bodies of proven senders that could not be assigned",
    writer="ingest",
    readers=("pipeline",),
)
#: Exactly one verdict for each record of webhooks.*.
RECEIPTS = Topic(
    name="receipts",
    key="dedupe key",
    carries="verdicts: fresh, duplicate, ignored, malformed, quarantined",
    writer="pipeline, bulk",
    readers=("projections",),
    events=("receipt.judged",),
)
INGEST_LATENCY = Topic(
    name="ingest-latency",
    key="route",
    carries="histograms of whole response times, every 10 s",
    writer="ingest",
    readers=("projections",),
    retention=timedelta(days=30),
    events=("ingest.latency.measured",),
)
#: Counts, so that a flood of strangers writes no more than one who asks in vain.
REFUSALS = Topic(
    name="refusals",
    key="route",
    carries="how many requests were refused and why, every 10 s",
    writer="ingest",
    readers=("cli",),
    retention=timedelta(days=7),
    events=("webhooks.refused",),
)
#: Settings and provider accounts; the newest record of a workspace is its state, a tombstone removes it.
WORKSPACES = Topic(
    name="workspaces",
    key="workspace",
    carries="workspace settings, secrets encrypted",
    writer="cli",
    readers=("ingest", "jobs"),
    compacted=True,
    events=("workspace.applied",),
)
_FACTS = ("inbox.message", "inbox.suppression", "inbox.signal")
#: Facts that know no lead yet. Keyed by workspace, so that one resolver sees all identities of a workspace in turn.
INBOX = Topic(
    name="inbox",
    key="workspace",
    carries="normalised facts of replies; leads to be split",
    writer="pipeline, cli",
    readers=("pipeline",),
    events=(*_FACTS, "inbox.split"),
)
INBOX_BULK = Topic(
    name="inbox.bulk",
    key="workspace",
    carries="normalised facts of sent notices",
    writer="bulk",
    readers=("pipeline",),
    events=_FACTS,
)
MESSAGES = Topic(
    name="messages",
    key="lead id",
    carries="messages, leads, merges, splits, suppressions and provider signals, each with its lead",
    writer="pipeline, jobs",
    readers=("jobs", "projections"),
    events=(
        "message.received",
        "message.sent",
        "lead.changed",
        "lead.merged",
        "lead.split",
        "message.moved",
        "lead.suppressed",
        "lead.signalled",
    ),
)
#: An event-sourced queue: its fold is the open jobs.
JOBS = Topic(
    name="jobs",
    key="lead id",
    carries="requests, attempts, finished steps and ends of jobs; conversations of merged leads",
    writer="jobs, cli",
    readers=("jobs", "projections"),
    events=(
        "job.requested",
        "job.started",
        "job.step.finished",
        "job.retry.scheduled",
        "job.succeeded",
        "job.died",
        "job.cancelled",
        "job.paused",
        "job.resumed",
        "job.redecided",
        "conversation.moved",
    ),
)
#: What was concluded about a message or lead: one record for each finished or skipped step.
ENRICHMENTS = Topic(
    name="enrichments",
    key="lead id",
    carries="labels, drafts, decisions, scores, follow-ups, skips with their reasons",
    writer="jobs",
    readers=("jobs", "projections"),
    events=(
        "step.skipped",
        "message.screened",
        "message.classified",
        "lead.state.changed",
        "followup.scheduled",
        "draft.created",
        "draft.rejected",
        "reply.decided",
        "person.needed",
        "booking.proposed",
        "booking.declined",
        "lead.scored",
    ),
)
#: What it cost: one record for each AI call, without any text.
AI_INTERACTIONS = Topic(
    name="ai-interactions",
    key="lead id",
    carries="AI calls: model, tokens, cost, latency, outcome",
    writer="jobs",
    readers=("projections",),
    events=("ai.called",),
)
#: The record itself under its original key, origin and reason in headers; and what was done about it since.
DEAD_LETTERS = Topic(
    name="dead-letters",
    key="original key",
    carries="records nobody could process, with origin, reason, error class and attempts; what became of them",
    writer="every worker, cli",
    readers=("projections",),
    events=("dead.letter.redriven", "dead.letter.fixed", "dead.letter.discarded"),
)

WEBHOOK_TOPICS = (*REPLY_TOPICS, WEBHOOKS_BULK, WEBHOOKS_QUARANTINE)
ALL_TOPICS = (
    *WEBHOOK_TOPICS,
    RECEIPTS,
    INGEST_LATENCY,
    REFUSALS,
    WORKSPACES,
    INBOX,
    INBOX_BULK,
    MESSAGES,
    JOBS,
    ENRICHMENTS,
    AI_INTERACTIONS,
    DEAD_LETTERS,
)


def record_limit(topic: str) -> int:
    """The most bytes a record batch of a topic may have, by its name on the broker; changelogs take as much as others.

    Set on every topic, so that brokers with smaller defaults take what a webhook of the largest size causes.
    """
    return DEAD_LETTER_BYTES if topic.endswith(DEAD_LETTERS.name) else MAX_RECORD_BYTES


#: Workers whose tables have changelogs: topics that Faust makes, named after worker and table.
APPS_WITH_TABLES = ("pipeline", "bulk", "jobs")

TOPIC_BY_NAME = {topic.name: topic for topic in ALL_TOPICS}


def reply_topic(provider: str) -> Topic:
    """The raw topic of a provider's replies. KeyError for a provider without one."""
    return TOPIC_BY_NAME[f"webhooks.{provider}"]
