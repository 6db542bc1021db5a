"""Tables of read models that are new in this program: `headrace db migrate` makes them, so that no migration need.

A migration is for what a database has already. A read model nobody has yet is empty, and its worker reads its topic
from the beginning.
"""

from sqlalchemy import Connection, inspect, text

from projections.projection import Projection
from projections.registry import ALL_PROJECTIONS
from projections.schemas import proj_schema
from projections.tables import CTL_SCHEMA, proj_metadata
from projections.versions import FIRST_VERSION, shape_of


def missing_read_models(connection: Connection) -> list[Projection]:
    """Those of which the database has neither a table nor a version beyond the first."""
    tables = set(inspect(connection).get_table_names(schema=proj_schema(FIRST_VERSION)))
    later = set(
        connection.execute(
            text(f"SELECT projection FROM {CTL_SCHEMA}.projection_versions WHERE version > :first"),  # noqa: S608
            {"first": FIRST_VERSION},
        ).scalars()
    )
    return [one for one in ALL_PROJECTIONS if one.name not in later and tables.isdisjoint(one.tables)]


def create_missing_read_models(connection: Connection) -> None:
    """Create the first version of each. The database is at the newest revision, locked against other migrations."""
    metadata = proj_metadata(FIRST_VERSION)
    for projection in missing_read_models(connection):
        tables = [metadata.tables[f"{proj_schema(FIRST_VERSION)}.{name}"] for name in projection.tables]
        metadata.create_all(connection, tables=tables, checkfirst=False)
        connection.execute(
            text(
                f"INSERT INTO {CTL_SCHEMA}.projection_versions (projection, version, state, rev, shape) "  # noqa: S608
                "VALUES (:name, :version, 'live', :rev, :shape) "
                "ON CONFLICT (projection, version) DO UPDATE SET rev = excluded.rev, shape = excluded.shape"
            ),
            {
                "name": projection.name,
                "version": FIRST_VERSION,
                "rev": projection.rev,
                "shape": shape_of(projection),
            },
        )
