"""A read model as its author writes it: InboxSignal → `toys`. Becomes projections/projectors/toys.py."""

from typing import TYPE_CHECKING

from headrace.events.envelope import read_attribute
from headrace.events.inbox import InboxSignal
from headrace.events.records import Record
from headrace.events.topics import INBOX
from projections.projection import Projection, RowOp

if TYPE_CHECKING:
    from sqlalchemy import MetaData


def declare(metadata: "MetaData") -> None:
    """One table. Who only reads rows does not come here, and waits for no SQLAlchemy."""
    from sqlalchemy import Table, Text  # noqa: PLC0415

    from projections.tables import UTC_TIME, key, lineage, required  # noqa: PLC0415

    Table(
        "toys",
        metadata,
        key("workspace_id", Text, "open"),
        key("event_id", Text, "open"),
        required("signal", Text, "open"),
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
