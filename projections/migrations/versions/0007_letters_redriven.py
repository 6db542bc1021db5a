"""What is done about dead letters: events beside the letters, and columns beside the records a projection refused."""

import msgspec
from alembic import op
from sqlalchemy import Connection, inspect, text

from projections.analytics import create_views
from projections.registry import DEAD_LETTER_LIST
from projections.tables import ANALYTICS_SCHEMA, CTL_SCHEMA, ctl_metadata, proj_metadata, proj_schema
from projections.versions import shape_of

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLE = "dead_letter_events"
_COLUMNS = ("redrives", "run_id", "changed_at", "changed_by", "note")
#: In the order they build on each other.
_VIEWS = ("dead_letters", "oldest_unprocessed")
_BEFORE = msgspec.structs.replace(DEAD_LETTER_LIST, tables=("dead_letters",))


def upgrade() -> None:
    """Add them to every version there is: its log has no such event yet, so an empty table is a complete one."""
    connection = op.get_bind()
    present = {column["name"] for column in inspect(connection).get_columns("dead_letters", schema=CTL_SCHEMA)}
    letters = ctl_metadata().tables[f"{CTL_SCHEMA}.dead_letters"]
    for name in _COLUMNS:
        # A new database has them: they came with the table as it is declared today.
        if name not in present:
            op.add_column("dead_letters", letters.columns[name]._copy(), schema=CTL_SCHEMA)
    for version in _versions(connection):
        metadata = proj_metadata(version)
        metadata.create_all(connection, tables=[metadata.tables[f"{proj_schema(version)}.{_TABLE}"]])
    _note_shape(connection, shape_of(_BEFORE), shape_of(DEAD_LETTER_LIST))
    create_views(connection, names=_VIEWS)


def downgrade() -> None:
    """Drop them. The log still has the events; who discarded a record that a projection refused is forgotten."""
    connection = op.get_bind()
    for name in reversed(_VIEWS):
        op.execute(f"DROP VIEW {ANALYTICS_SCHEMA}.{name}")
    create_views(connection, names=_VIEWS, as_of="0006")
    for version in _versions(connection):
        op.execute(f"DROP TABLE IF EXISTS {proj_schema(version)}.{_TABLE}")
    for name in reversed(_COLUMNS):
        op.drop_column("dead_letters", name, schema=CTL_SCHEMA)
    _note_shape(connection, shape_of(DEAD_LETTER_LIST), shape_of(_BEFORE))


def _versions(connection: Connection) -> list[int]:
    """The versions that have tables of dead letters."""
    found = connection.execute(
        text("SELECT schemaname FROM pg_tables WHERE tablename = 'dead_letters' AND schemaname ~ '^proj_v[0-9]+$'")
    ).scalars()
    return sorted(int(schema.removeprefix(proj_schema(0)[:-1])) for schema in found)


def _note_shape(connection: Connection, before: str, after: str) -> None:
    connection.execute(
        text(
            f"UPDATE {CTL_SCHEMA}.projection_versions SET shape = :after "  # noqa: S608
            "WHERE projection = :name AND shape = :before"
        ),
        {"name": DEAD_LETTER_LIST.name, "before": before, "after": after},
    )
