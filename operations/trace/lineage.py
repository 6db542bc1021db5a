"""What is known of a story, before it is told: rows of the read model, and records of the log."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from headrace.events.dead_letters import QUARANTINE, LetterId
from headrace.events.records import Record
from projections.tables import key_columns, proj_metadata
from projections.versions import FIRST_VERSION

#: (topic on the broker, partition, offset)
Position = tuple[str, int, int]
#: postgres: it stands there. log: the record stands in the log, and this is what it will become.
Origin = Literal["postgres", "log"]

#: Table → its primary key, the same in every version.
KEYS: Mapping[str, tuple[str, ...]] = {
    table.name: key_columns(table) for table in proj_metadata(FIRST_VERSION).tables.values()
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row. Ids are texts, times are aware."""

    table: str
    #: Schema the table is read from; empty for a row that only the log knows.
    schema: str
    values: Mapping[str, Any]
    origin: Origin = "postgres"

    def __getitem__(self, column: str) -> Any:
        return self.values[column]

    @property
    def key(self) -> dict[str, Any]:
        """The primary key."""
        return {name: self.values[name] for name in KEYS[self.table]}

    @property
    def position(self) -> Position:
        """The record it was made from."""
        return self.values["src_topic"], self.values["src_partition"], self.values["src_offset"]


class Lineage(msgspec.Struct, kw_only=True):
    """All that was found."""

    rows: dict[str, list[Row]] = msgspec.field(default_factory=dict)
    #: What a projection itself refused: rows of `ctl.dead_letters`, without the record.
    refused: list[dict[str, Any]] = msgspec.field(default_factory=list)
    records: dict[Position, Record] = msgspec.field(default_factory=dict)
    #: Records of the inbox, which has no rows, by receipt.
    facts: dict[str, list[Record]] = msgspec.field(default_factory=dict)
    #: Raw requests whose verdict is no row yet, by receipt.
    raw: dict[str, Record] = msgspec.field(default_factory=dict)
    #: The newest thing that was done about quarantined webhooks, by letter: redriven, failed, fixed or discarded.
    quarantine: dict[str, str] = msgspec.field(default_factory=dict)

    def of(self, table: str, **values: Any) -> list[Row]:
        """The rows of a table whose columns have these values, in the order they were found."""
        return [
            row
            for row in self.rows.get(table, [])
            if all(row.values.get(name) == value for name, value in values.items())
        ]

    def add(self, rows: Iterable[Row]) -> None:
        """Add rows; of one key the newest counts, as in the tables."""
        for row in rows:
            known = self.rows.setdefault(row.table, [])
            same = next((number for number, one in enumerate(known) if one.key == row.key), None)
            if same is None:
                known.append(row)
            elif _version(row) > _version(known[same]):
                known[same] = row

    def positions(self) -> set[Position]:
        """Every place in the log that a row names."""
        places = {row.position for rows in self.rows.values() for row in rows if row.origin == "postgres"}
        for row in self.rows.get("webhook_receipts", []):
            places.add((row["source_topic"], row["source_partition"], row["source_offset"]))
        return places

    def ids(self) -> set[str]:
        """The ids by which records of the story can be told: receipts, messages, jobs."""
        ids = {row["receipt_id"] for row in self.rows.get("webhook_receipts", [])} | set(self.raw)
        ids |= {row["message_id"] for row in self.rows.get("messages", [])}
        return ids | {row["job_id"] for row in self.rows.get("jobs", [])}


def quarantine_letter(verdict: Row) -> str:
    """What `headrace dlq` calls a quarantined webhook."""
    return str(LetterId(verdict["source_topic"], verdict["source_partition"], verdict["source_offset"], QUARANTINE))


def _version(row: Row) -> tuple[int, int]:
    return row["src_partition"], row["src_offset"]
