"""A read model as its author writes it: InboxSignal → `toys`. Becomes projections/projectors/toys.py."""

from sqlalchemy import MetaData, Table, Text

from headrace.events.envelope import read_attribute
from headrace.events.inbox import InboxSignal
from headrace.events.records import Record
from headrace.events.topics import INBOX
from projections.projection import Projection, RowOp
from projections.tables import UTC_TIME, key, lineage, required


def declare(metadata: MetaData) -> None:
    """One table."""
    Table(
        "toys",
        metadata,
        key("workspace_id", Text),
        key("event_id", Text),
        required("signal", Text),
        required("occurred_at", UTC_TIME),
        *lineage(),
    )


def project_signal(record: Record, event: InboxSignal) -> list[RowOp]:
    """One row a signal."""
    row = {
        "workspace_id": event.workspace,
        "event_id": read_attribute(record.headers, "ce_id"),
        "signal": event.signal,
        "occurred_at": event.occurred_at,
    }
    return [RowOp("toys", row)]


PROJECTION = Projection(
    name="toys", topic=INBOX, rev=1, tables=("toys",), declare=declare, projectors={InboxSignal: project_signal}
)
