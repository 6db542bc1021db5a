"""Projects a record that a projection refused once more: with today's projector, into the live version."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from headrace.events.codec import NewerEvent
from headrace.events.records import Record
from operations.letters.kept_records import kept_record
from operations.statements import statement
from projections.connection import Connection
from projections.projection import Projection
from projections.schemas import proj_schema
from projections.tables import proj_metadata
from projections.writing.bad_records import ROW_ERRORS, BadRecordFound, found_bad
from projections.writing.row_rule import Row
from projections.writing.upserts import Upsert, rows_of


async def reproject(
    connection: Connection, projection: Projection, version: int, place: tuple[str, int, int], run_id: UUID, by: str
) -> BadRecordFound | None:
    """Write the record's rows and mark it fixed, in one transaction. Returns why it was refused again, or None.

    Rows of later records of the same keys stand: their versions are higher. A record that is fixed already, by whom
    ever, is left alone. Raises psycopg.Error when Postgres is away.
    """
    async with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        topic, partition, offset = place
        at: dict[str, Any] = {
            "projection": projection.name,
            "version": version,
            "topic": topic,
            "partition": partition,
            "offset": offset,
        }
        await cursor.execute(statement(__package__, "lock_kept"), at)
        kept = await cursor.fetchone()
        if kept is None or kept["state"] == "fixed":
            return None
        record = kept_record(kept)
        bad = await _write(connection, projection, version, record)
        change = {**at, "run": run_id, "by": by}
        if bad is None:
            await cursor.execute(statement(__package__, "mark_fixed"), change)
        else:
            again = {"error_class": bad.error_class, "reason": bad.reason}
            await cursor.execute(statement(__package__, "mark_refused"), {**change, **again})
        return bad


async def _write(connection: Connection, projection: Projection, version: int, record: Record) -> BadRecordFound | None:
    tables = proj_metadata(version).tables
    try:
        by_table: dict[str, list[Row]] = defaultdict(list)
        for row in rows_of(record, projection.project(record), projection.rev):
            by_table[row.table].append(row)
        async with connection.transaction(), connection.cursor() as cursor:
            for table in sorted(by_table):
                await Upsert(tables[f"{proj_schema(version)}.{table}"]).write(cursor, by_table[table])
    except (ValueError, NewerEvent, *ROW_ERRORS) as error:
        return found_bad(projection.name, record, error)
    return None
