"""Where a webhook was posted, and when Kafka had it."""

from alembic import op
from sqlalchemy import Connection, inspect, text

from projections.analytics import create_views
from projections.registry import WEBHOOK_RECEIPTS
from projections.tables import ANALYTICS_SCHEMA, CTL_SCHEMA, proj_metadata, proj_schema
from projections.versions import shape_of

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLE = "webhook_receipts"
_COLUMNS = ("stored_at", "route")
_VIEWS = ("webhook_receipts",)
#: What `shape_of` said of the table without them.
_SHAPE_BEFORE = "c521b047a3df1505"


def upgrade() -> None:
    """Add them to every version there is. Verdicts of before don't tell: they stay empty."""
    connection = op.get_bind()
    for version in _versions(connection):
        schema = proj_schema(version)
        present = {column["name"] for column in inspect(connection).get_columns(_TABLE, schema=schema)}
        declared = proj_metadata(version).tables[f"{schema}.{_TABLE}"]
        for name in _COLUMNS:
            # A new database has them: they came with the table as it is declared today.
            if name not in present:
                op.add_column(_TABLE, declared.columns[name]._copy(), schema=schema)
    _note_shape(connection, _SHAPE_BEFORE, shape_of(WEBHOOK_RECEIPTS))
    create_views(connection, names=_VIEWS)


def downgrade() -> None:
    """Drop them. The log still has what they say."""
    connection = op.get_bind()
    op.execute(f"DROP VIEW {ANALYTICS_SCHEMA}.webhook_receipts")
    create_views(connection, names=_VIEWS, as_of="0006")
    for version in _versions(connection):
        for name in reversed(_COLUMNS):
            op.drop_column(_TABLE, name, schema=proj_schema(version))
    _note_shape(connection, shape_of(WEBHOOK_RECEIPTS), _SHAPE_BEFORE)


def _versions(connection: Connection) -> list[int]:
    found = connection.execute(
        text(f"SELECT schemaname FROM pg_tables WHERE tablename = '{_TABLE}' AND schemaname ~ '^proj_v[0-9]+$'")  # noqa: S608
    ).scalars()
    return sorted(int(schema.removeprefix(proj_schema(0)[:-1])) for schema in found)


def _note_shape(connection: Connection, before: str, after: str) -> None:
    connection.execute(
        text(
            f"UPDATE {CTL_SCHEMA}.projection_versions SET shape = :after "  # noqa: S608
            "WHERE projection = :name AND shape = :before"
        ),
        {"name": WEBHOOK_RECEIPTS.name, "before": before, "after": after},
    )
