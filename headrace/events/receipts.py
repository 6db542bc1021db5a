"""The verdict on each webhook, how fast it was answered, and what was refused.

Topics `receipts`, `ingest-latency` and `refusals`.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from headrace.events.caps import CutFields, Key, PlainName, Reason, Ref, Word, entries

Verdict = Literal["fresh", "duplicate", "ignored", "malformed", "quarantined"]
Lane = Literal["replies", "bulk"]


class ReceiptJudged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one record of `webhooks.*`."""

    receipt_id: Ref
    workspace: Ref
    provider: Word
    verdict: Verdict
    #: Why, in a word or two: `own message`, `unhandled event: profile.viewed`, `no lead email`. Empty when fresh.
    reason: Reason = ""
    provider_event: Word = ""
    dedupe_key: Key
    #: The receipt that came first, for a duplicate.
    first_receipt_id: Ref | None = None
    #: 1 for the first, counted up where one key may truly happen again (see `providers`).
    occurrence: int = 1
    received_at: datetime
    #: When Kafka had it, by the broker's clock: what its `200` waited for. None in verdicts older than this field.
    stored_at: datetime | None = None
    #: The path it was posted to; empty where nobody noted it.
    route: PlainName = ""
    source_topic: PlainName
    source_partition: int
    source_offset: int
    body_bytes: int
    #: Messages this webhook produced.
    message_ids: Annotated[tuple[Ref, ...], entries(16)] = ()
    #: Facts it produced in all.
    fact_count: int = 0
    cut: CutFields = ()


class LatencyBucket(msgspec.Struct, frozen=True):
    """Requests whose whole response time was at most `le_us` microseconds and above the bucket before."""

    le_us: int
    count: int


class IngestLatencyMeasured(msgspec.Struct, frozen=True, kw_only=True):
    """Response times of one route and status in one window of one ingest process."""

    process_id: Word
    route: PlainName
    status: int
    window_start: datetime
    window_end: datetime
    count: int
    sum_us: int
    max_us: int
    #: Log-spaced, ascending, empty buckets left out.
    buckets: Annotated[tuple[LatencyBucket, ...], entries(256)]


class WebhooksRefused(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of one kind that one ingest process refused within one window. Nothing of them was stored."""

    process_id: Word
    #: The path they were posted to, or `unmatched`.
    route: PlainName
    status: int
    #: As in the answer's `type`, such as `unproven-sender`.
    reason: Word
    #: What the answer does not tell a stranger, such as `acme has no secret for ghl`; empty when there is no more.
    why: Reason = ""
    #: Whom the sender named, such as `location_id=L1`; empty when nobody looked, or nobody was named.
    account: PlainName = ""
    window_start: datetime
    window_end: datetime
    count: int
