"""IngestLatencyMeasured → `ingest_latency`: one histogram a process, route, status and window."""

from headrace.events.receipts import IngestLatencyMeasured
from headrace.events.records import Record
from headrace.events.topics import INGEST_LATENCY
from projections.projection import Projection, RowOp


def project_latency(_record: Record, event: IngestLatencyMeasured) -> list[RowOp]:
    """The histogram as two arrays of one length: upper bounds in microseconds, and counts."""
    row = {
        "process_id": event.process_id,
        "route": event.route,
        "status": event.status,
        "window_start_at": event.window_start,
        "window_end_at": event.window_end,
        "request_count": event.count,
        "sum_us": event.sum_us,
        "max_us": event.max_us,
        "bucket_le_us": [bucket.le_us for bucket in event.buckets],
        "bucket_counts": [bucket.count for bucket in event.buckets],
    }
    return [RowOp("ingest_latency", row)]


PROJECTION = Projection(
    name="ingest_latency",
    topic=INGEST_LATENCY,
    rev=1,
    tables=("ingest_latency",),
    projectors={IngestLatencyMeasured: project_latency},
)
