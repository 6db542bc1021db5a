"""ReceiptJudged → `webhook_receipts`: what became of every webhook."""

from headrace.events.receipts import ReceiptJudged
from headrace.events.records import Record
from headrace.events.topics import RECEIPTS
from projections.projection import Projection, RowOp


def project_receipt(_record: Record, event: ReceiptJudged) -> list[RowOp]:
    """The verdict, with the position of the raw bytes it judges."""
    row = {
        "workspace_id": event.workspace,
        "receipt_id": event.receipt_id,
        "provider": event.provider,
        "provider_event": event.provider_event,
        "verdict": event.verdict,
        "reason": event.reason,
        "dedupe_key": event.dedupe_key,
        "first_receipt_id": event.first_receipt_id,
        "occurrence": event.occurrence,
        "received_at": event.received_at,
        "stored_at": event.stored_at,
        "route": event.route,
        "source_topic": event.source_topic,
        "source_partition": event.source_partition,
        "source_offset": event.source_offset,
        "body_bytes": event.body_bytes,
        "message_ids": event.message_ids,
        "fact_count": event.fact_count,
    }
    return [RowOp("webhook_receipts", row)]


PROJECTION = Projection(
    name="webhook_receipts",
    topic=RECEIPTS,
    rev=1,
    tables=("webhook_receipts",),
    projectors={ReceiptJudged: project_receipt},
)
