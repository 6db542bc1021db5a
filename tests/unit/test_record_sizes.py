"""Every topic and changelog takes the largest record there can be, and the page for operators says how large it is."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from headrace.events.conversations import KEPT_SIGNALS
from headrace.events.enrichments import BookingProposed, FollowUpScheduled, ReplyDecided
from headrace.events.inbox import LEAD_IDENTITIES
from headrace.events.jobs import JobRequested, JobStepFinished
from headrace.events.messages import LeadChanged, LeadSignalled, LeadSplit, Message
from headrace.events.record_sizes import ENVELOPE_BYTES, largest_event, largest_record
from headrace.events.topics import ALL_TOPICS, BODY_LIMIT, DEAD_LETTERS, MAX_RECORD_BYTES, record_limit
from streams.jobs.conversation import KEPT_MESSAGES, Head, capped, with_signals
from streams.jobs.open_job import FinishedStep, OpenJob, encode_entry
from streams.jobs.promises import KEPT_PROMISES, Promise, promise_of
from streams.jobs.types import JOB_TYPES
from streams.pipeline.seen import Seen, encode_seen
from tests.largest import WORST, largest

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
_AT = datetime(2026, 3, 2, tzinfo=UTC)
_BIG = 2**53


def largest_promise() -> Promise:
    made = (promise_of(largest(cls)) for cls in (FollowUpScheduled, BookingProposed))
    reply = msgspec.structs.replace(largest(ReplyDecided), decision="send_at")
    return max(
        (one for one in (promise_of(reply), *made) if one is not None), key=lambda p: len(msgspec.json.encode(p))
    )


def largest_head() -> bytes:
    head = Head(
        lead=largest(LeadChanged),
        refs=((_BIG, _BIG, WORST * 160),) * KEPT_MESSAGES,
        suppressed_reason="wrong_person",
        suppressed_at=_AT,
        label=WORST * 120,
        label_at=_AT,
        label_message_id=WORST * 160,
        merged_into=WORST * 160,
        absorbed=(WORST * 160,) * LEAD_IDENTITIES,
        splits=((WORST * 160, _AT),) * LEAD_IDENTITIES,
        promises=(largest_promise(),) * KEPT_PROMISES,
    )
    signal: LeadSignalled = largest(LeadSignalled)
    for number in range(KEPT_SIGNALS):
        head = with_signals(head, [msgspec.structs.replace(signal, receipt_id=f"{number:03}" + WORST * 157)])
    return msgspec.json.encode(head)


def largest_open_job() -> bytes:
    finished: JobStepFinished = largest(JobStepFinished)
    step = FinishedStep(finished.step, finished.result, finished.ends_job)
    job = OpenJob(
        request=largest(JobRequested),
        partition=_BIG,
        request_offset=_BIG,
        request_ms=_BIG,
        traceparent=WORST * 200,
        offset=_BIG,
        due_ms=_BIG,
        worker=WORST * 120,
        started_at=_AT,
        steps=(step,) * max(map(len, JOB_TYPES.values())),
    )
    return encode_entry(job)


def largest_table_values() -> dict[str, int]:
    seen = encode_seen(Seen(WORST * 160, _BIG, _BIG, _BIG, _BIG, _BIG))
    return {
        "pipeline-seen-changelog": len(seen),
        "bulk-seen_bulk-changelog": len(seen),
        "pipeline-identities-changelog": largest_event(LeadChanged),
        "jobs-conversations-changelog": max(
            len(msgspec.json.encode(capped(largest(Message)))), len(largest_head()), largest_event(LeadSplit)
        ),
        "jobs-open_jobs-changelog": len(largest_open_job()),
    }


def sizes() -> dict[str, tuple[int, int]]:
    """Topic → bytes of its largest record, and what it takes."""
    own = {topic.name: largest_record(topic, BODY_LIMIT) for topic in ALL_TOPICS if topic != DEAD_LETTERS}
    own[DEAD_LETTERS.name] = MAX_RECORD_BYTES + ENVELOPE_BYTES
    own |= {name: size + ENVELOPE_BYTES for name, size in largest_table_values().items()}
    return {name: (size, record_limit(name)) for name, size in own.items()}


@pytest.mark.parametrize("name", sizes())
def test_every_topic_takes_its_largest_record(name: str) -> None:
    size, limit = sizes()[name]
    assert size <= limit


def test_the_page_for_operators_tells_the_sizes() -> None:
    page = PAGE.read_text()
    rows = [f"| `{name}` | {-(-size // 1024):,} | {limit // 1024:,} |" for name, (size, limit) in sizes().items()]
    assert [row for row in rows if row not in page] == []
