"""Makes one node of a row or a record: where it stands, what it says, and what is unusual about it."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from headrace.events.envelope import header_map
from headrace.events.records import Record
from operations.records.redaction import shown_bytes
from operations.records.shown_record import Shower
from operations.trace.lineage import Lineage, Row
from operations.trace.node import Node, place_text
from operations.trace.reading import position_of
from operations.trace.telling import time_of, told


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be shown."""

    #: The id or place that was asked for, as it is in rows and places.
    asked_for: str
    texts: bool = False
    raw: bool = False
    #: Levels of the tree; None is all.
    depth: int | None = None


class NodeMaker:
    """Knows the records of a story, and what is to be shown of them."""

    def __init__(self, lineage: Lineage, shower: Shower, options: Options, *, is_log_read: bool) -> None:
        self.lineage = lineage
        self.options = options
        self._shower = shower
        self._is_log_read = is_log_read

    def by_time(self, table: str, **values: Any) -> list[Row]:
        """The rows of a table whose columns have these values, oldest first."""
        return sorted(self.lineage.of(table, **values), key=lambda row: (self.time_of(row), row.position))

    def time_of(self, row: Row) -> datetime:
        """When the broker appended its record; what the row itself tells where there is no record to read."""
        record = self.lineage.records.get(row.position)
        return time_of(row) if record is None else stored_at(record)

    def of_row(self, what: str, title: str, row: Row, id_: str = "") -> Node:
        """A row, without what is below it."""
        record = self.lineage.records.get(row.position)
        place = place_text(row.position)
        notes = [] if record is not None else self.absent()
        notes += ["not in Postgres yet"] if row.origin == "log" else []
        notes += _corrected(record)
        notes += [f"set aside by the projection {one['projection']}: {one['reason']}" for one in self._refused(row)]
        return Node(
            what=what,
            title=title,
            id=id_,
            at=self.time_of(row),
            place=place,
            size=None if record is None else len(record.value or b""),
            row=f"{row.schema}.{row.table}" if row.schema else "",
            key=row.key if row.schema else {},
            says=told(row, texts=self.options.texts),
            notes=notes,
            is_asked_for=self.options.asked_for in (id_, place),
        )

    def of_record(self, what: str, title: str, record: Record) -> Node:
        """A record that is no row."""
        place = place_text(position_of(record))
        headers = header_map(record.headers)
        return Node(
            what=what,
            title=title,
            id=headers.get("ce_id", ""),
            at=stored_at(record),
            place=place,
            size=len(record.value or b""),
            notes=_corrected(record),
            is_asked_for=self.options.asked_for in (place, headers.get("ce_id", "")),
        )

    def of_request(self, record: Record) -> Node:
        """The raw request of a webhook."""
        shown = self._shower.show(record)
        headers = header_map(record.headers)
        node = self.of_record("raw request", f"{shown.method} {shown.path}".strip() or shown.type, record)
        # Its event's id is that of the webhook itself.
        node.is_asked_for = self.options.asked_for == node.place
        # Ingest answers only after the broker acknowledged the record.
        node.says = {"received_at": headers.get("ce_time", ""), "answer": "200, once this record was acknowledged"}
        if self.options.raw:
            node.raw = shown_bytes(record.value or b"")
        return node

    def _refused(self, row: Row) -> list[dict[str, Any]]:
        return [one for one in self.lineage.refused if (one["topic"], one["partition"], one["offset"]) == row.position]

    def absent(self) -> list[str]:
        """Why a record could not be read."""
        return ["its record is no longer in the log"] if self._is_log_read else ["its record was not read"]


def stored_at(record: Record) -> datetime:
    """When the broker appended it, aware."""
    return datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)


def _corrected(record: Record | None) -> list[str]:
    run = "" if record is None else header_map(record.headers).get("ce_correction", "")
    return [f"corrected by run {run}"] if run else []
