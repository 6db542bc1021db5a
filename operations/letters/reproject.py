"""Projects a record that a projection refused once more: with today's projector, into the live version."""

from collections import defaultdict
from uuid import UUID

from psycopg.rows import dict_row

from headrace.events.codec import NewerEvent
from headrace.events.records import Record
from operations.letters.kept_records import kept_record
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
        await cursor.execute(_KEPT, [projection.name, version, *place])
        kept = await cursor.fetchone()
        if kept is None or kept["state"] == "fixed":
            return None
        record = kept_record(kept)
        bad = await _write(connection, projection, version, record)
        of = [run_id, by, projection.name, version, *place]
        if bad is None:
            await cursor.execute(_FIXED, [run_id, *of])
        else:
            await cursor.execute(_REFUSED, [bad.error_class, bad.reason, *of])
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


_KEPT = b"""
SELECT topic, partition, "offset", key, value, headers, record_at, state FROM ctl.dead_letters
WHERE projection = %s AND version = %s AND topic = %s AND partition = %s AND "offset" = %s
FOR UPDATE
"""
_WHERE = b"""
    redrives = redrives + 1, run_id = %s, changed_by = %s, changed_at = clock_timestamp(), note = NULL
WHERE projection = %s AND version = %s AND topic = %s AND partition = %s AND "offset" = %s
"""
_FIXED = b"UPDATE ctl.dead_letters SET state = 'fixed', fixed_by_run_id = %s," + _WHERE
_REFUSED = (
    b"UPDATE ctl.dead_letters SET state = 'open', error_class = %s, reason = %s, attempts = attempts + 1, "
    b"failed_at = clock_timestamp()," + _WHERE
)
