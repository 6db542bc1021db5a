"""A second version of the read model beside the live one, made as a rebuild would leave it."""

import psycopg
from sqlalchemy import create_engine, text

from projections.migrate import sqlalchemy_url
from projections.registry import ALL_PROJECTIONS
from projections.schemas import proj_schema
from projections.tables import proj_metadata


def create_version(database_url: str, version: int) -> None:
    """Its tables, empty, and an entry as a version that is written beside the live one."""
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {proj_schema(version)}"))
        proj_metadata(version).create_all(connection)
    engine.dispose()
    with psycopg.connect(database_url) as raw:
        raw.cursor().executemany(
            """
            INSERT INTO ctl.projection_versions (projection, version, state, changed_at)
            VALUES (%s, %s, 'dual', clock_timestamp())
            """,
            [(projection.name, version) for projection in ALL_PROJECTIONS],
        )


def copy_version(database_url: str, source: int, target: int) -> None:
    """All rows and positions of one version into another: as if both had read the same."""
    with psycopg.connect(database_url) as connection:
        for table in proj_metadata(source).sorted_tables:
            other = f"{proj_schema(target)}.{table.name}"
            connection.execute(f"TRUNCATE {other}".encode())
            connection.execute(f"INSERT INTO {other} SELECT * FROM {table.fullname}".encode())  # noqa: S608
        connection.execute("DELETE FROM ctl.projection_offsets WHERE version = %s", [target])
        connection.execute(
            """
            INSERT INTO ctl.projection_offsets
            SELECT projection, %s, topic, partition, next_offset, event_time_max, heartbeat_at
            FROM ctl.projection_offsets WHERE version = %s
            """,
            [target, source],
        )
