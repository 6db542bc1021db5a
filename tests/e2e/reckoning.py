"""What must be true of a stack after anything that happened to it: asked of its rows, its log and its audit."""

import json
from collections import Counter
from typing import Any

import psycopg

from headrace.events.codec import UndecodableEvent, UnknownEventType
from headrace.events.envelope import EnvelopeError
from headrace.events.jobs import JobCancelled, JobDied, JobSucceeded
from headrace.events.topics import JOBS
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.log_records import read_ranges
from projections.projection import BadRecord, decode_event
from projections.registry import ALL_PROJECTIONS
from tests.e2e.metered_model import MeteredModel
from tests.e2e.stack import Stack

#: Messages that wait for anything: `m-` asks for an answer, `q-` wants to be left alone.
UNFINISHED = """
SELECT count(*) FROM analytics.messages m
WHERE CASE
    WHEN m.provider_message_id LIKE 'm-%' THEN
        (SELECT count(*) FROM analytics.jobs j WHERE j.message_id = m.message_id AND j.state = 'succeeded') < 2
    ELSE NOT EXISTS (SELECT FROM analytics.jobs j WHERE j.message_id = m.message_id)
        OR EXISTS (
            SELECT FROM analytics.jobs j
            WHERE j.message_id = m.message_id AND j.state NOT IN ('succeeded', 'cancelled')
        )
END
"""
#: The same of what was sent after the log was cut: of older ones, jobs and messages may be gone.
UNFINISHED_SINCE_CUT = f"{UNFINISHED} AND m.provider_message_id LIKE 'm-8%'"
#: What belongs to a message but is there twice or not at all.
_WRONG = """
SELECT m.provider_message_id, of_message.*
FROM analytics.messages m,
LATERAL (
    SELECT
        (SELECT array_agg(j.type ORDER BY j.type) FROM analytics.jobs j WHERE j.message_id = m.message_id) AS jobs,
        (SELECT count(*) FROM proj_v1.message_labels l WHERE l.message_id = m.message_id) AS labels,
        (SELECT count(*) FROM proj_v1.drafts d WHERE d.message_id = m.message_id) AS drafts,
        (SELECT count(*) FROM proj_v1.reply_decisions r WHERE r.message_id = m.message_id) AS decisions,
        (SELECT count(*) FROM proj_v1.lead_scores s WHERE s.message_id = m.message_id) AS scores
) AS of_message
WHERE m.provider_message_id LIKE 'm-%' AND (of_message.jobs, labels, drafts, decisions, scores)
    IS DISTINCT FROM (ARRAY['LEAD_SCORING_POST_PROCESS', 'LINKEDIN_INBOUND_POST_PROCESS'], 1, 1, 1, 1)
"""
#: Who asked to be left alone and is not suppressed, or might still be written to.
_NOT_LEFT_ALONE = """
SELECT m.provider_message_id
FROM analytics.messages m
LEFT JOIN analytics.leads l ON l.workspace_id = m.workspace_id AND l.lead_id = m.lead_id
LEFT JOIN analytics.conversations c ON c.workspace_id = m.workspace_id AND c.message_id = m.message_id
WHERE m.provider_message_id LIKE 'q-%'
    AND (l.is_suppressed IS NOT TRUE OR c.draft_state = 'open' OR c.decision = 'send_at')
"""
_ANSWERS = "SELECT request_id FROM analytics.ai_interactions WHERE request_id IS NOT NULL"
#: Calls that broke off before the server's name for them was known.
_NAMELESS = "SELECT count(*) FROM analytics.ai_interactions WHERE request_id IS NULL AND billing = 'unknown'"


def ask(stack: Stack, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query on the stack's database."""
    with psycopg.connect(stack.database_url) as connection:
        return connection.execute(query).fetchall()


def count_rows(stack: Stack) -> tuple[Counter[str], Counter[str]]:
    """How often each receipt id, and each provider's message id, has a row."""
    receipts = ask(stack, "SELECT receipt_id::text FROM proj_v1.webhook_receipts WHERE receipt_id IS NOT NULL")
    messages = ask(stack, "SELECT provider_message_id FROM proj_v1.messages")
    return Counter(row[0] for row in receipts), Counter(row[0] for row in messages)


def check_each_message_was_served_once(stack: Stack) -> None:
    """One of each conclusion, each job ended once, and nobody written to who asked to be left alone."""
    assert ask(stack, _WRONG) == []
    assert ask(stack, _NOT_LEFT_ALONE) == []
    ends = _ends_of_jobs(stack)
    assert {job: count for job, count in ends.items() if count > 1} == {}, "jobs ended more than once"


def check_every_answer_was_written_down(stack: Stack, model: MeteredModel) -> None:
    """Each answer of the model has its row, but for those that reached a worker which was just being killed."""
    recorded = {row[0] for row in ask(stack, _ANSWERS)}
    unseen = model.unseen(recorded)
    ((nameless,),) = ask(stack, _NAMELESS)
    print(f"model: {len(model.requests)} answers, {len(unseen)} without a row, {nameless} rows of calls cut off")
    assert len(unseen) <= nameless, f"paid for, and nobody wrote it down: {unseen[:20]}"


def check_the_audit(stack: Stack) -> None:
    """The product's own proof agrees."""
    audited = stack.headrace("audit", "--full", "--wait", "60", "--json")
    assert json.loads(audited)["outcome"] == "complete", audited


def check_rows_equal_the_log(stack: Stack) -> None:
    """What the faults left is what the log says: every projection built anew has the live rows' hashes."""
    stack.headrace("proj", "rebuild", "--all", "--workers", "2", "--execute")
    verdict = json.loads(stack.headrace("proj", "verify", "--all", "--wait", "30", "--json"))
    assert {one["projection"]: one["outcome"] for one in verdict["projections"]} == dict.fromkeys(
        sorted(projection.name for projection in ALL_PROJECTIONS), "equal"
    )
    tables = {table["table"]: table for one in verdict["projections"] for table in one["tables"]}
    assert {name for name, table in tables.items() if table["version"] != table["against"]} == set()
    assert tables["messages"]["version"]["rows"] > 0


def _ends_of_jobs(stack: Stack) -> Counter[tuple[str, int]]:
    """How often each generation of each job ended, by the log."""
    settings = stack.settings()
    ends: Counter[tuple[str, int]] = Counter()
    for record in read_ranges(settings, LogOffsets(settings).ranges([settings.topic(JOBS)])):
        try:
            event = decode_event(record)
        except (EnvelopeError, UnknownEventType, UndecodableEvent, BadRecord):
            continue  # poison
        if isinstance(event, JobSucceeded | JobDied | JobCancelled):
            ends[event.job_id, event.generation] += 1
    return ends
