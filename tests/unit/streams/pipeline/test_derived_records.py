"""Where a verdict stands decides which verdict of a receipt counts."""

from datetime import UTC, datetime

from headrace.events.codec import Codec
from headrace.events.dead_letters import Redrive
from headrace.events.envelope import Headers
from headrace.events.receipts import ReceiptJudged
from headrace.events.records import Record
from headrace.kafka.faust.outbox import OutRecord
from streams.pipeline.derived_records import receipt_record

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def verdict_on(headers: Headers) -> OutRecord:
    record = Record("webhooks.ghl", 5, 70, b"dedupe key", b"{}", headers, 0)
    verdict = ReceiptJudged(
        receipt_id="receipt",
        workspace="acme",
        provider="ghl",
        verdict="fresh",
        dedupe_key="dedupe key",
        received_at=NOW,
        source_topic=record.topic,
        source_partition=record.partition,
        source_offset=record.offset,
        body_bytes=2,
    )
    return receipt_record(Codec(), "receipts", verdict, record, "")


def test_a_verdict_stands_under_the_key_of_what_it_judges_also_when_that_was_sent_again() -> None:
    for headers in ([], Redrive("webhooks.ghl:5:7:dedupe", 1).headers()):
        assert (verdict_on(headers).key, verdict_on(headers).partition) == (b"dedupe key", 5)


def test_the_verdict_on_what_left_quarantine_stands_behind_the_one_it_got_there() -> None:
    out = verdict_on(Redrive("webhooks.quarantine:3:7:quarantine", 1).headers())
    assert (out.key, out.partition) == (b"receipt", 3)
