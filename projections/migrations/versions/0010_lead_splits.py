"""Leads that were split, and the messages that went with them, under the right lead in the analysts' views."""

from alembic import op
from sqlalchemy import Connection, text

from projections.analytics import create_views, view_sql
from projections.registry import LEADS
from projections.tables import CTL_SCHEMA, proj_metadata, proj_schema
from projections.versions import schemas

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLES = ("lead_splits", "message_moves")
_OWN_VIEW = "moved_messages"
#: In the order they build on each other; their columns are those they had.
_VIEWS = ("messages", "leads", "lead_identities", "jobs", "enrichments", "lead_states", "ai_interactions")
#: Of the tables of leads on the day of this revision, before and after it: a later program declares others.
_SHAPE_BEFORE = "5d876f98f6fcc227"
_SHAPE = "b0338a873eece937"


def upgrade() -> None:
    """Add them to every version there is: its log has no such event yet, so empty tables are complete ones."""
    connection = op.get_bind()
    for version in _versions(connection):
        metadata = proj_metadata(version)
        metadata.create_all(connection, tables=[metadata.tables[f"{proj_schema(version)}.{name}"] for name in _TABLES])
        connection.exec_driver_sql(
            view_sql(_OWN_VIEW, schemas({LEADS.name: version})), execution_options={"no_parameters": True}
        )
    _note_shape(connection, _SHAPE_BEFORE, _SHAPE)
    create_views(connection, names=_VIEWS, as_of=revision)


def downgrade() -> None:
    """Drop them: messages show under the leads they came in for. The log still has the events."""
    connection = op.get_bind()
    create_views(connection, names=_VIEWS, as_of="0009")
    for version in _versions(connection):
        op.execute(f"DROP VIEW IF EXISTS {proj_schema(version)}.{_OWN_VIEW}")
        for name in _TABLES:
            op.execute(f"DROP TABLE IF EXISTS {proj_schema(version)}.{name}")
    _note_shape(connection, _SHAPE, _SHAPE_BEFORE)


def _versions(connection: Connection) -> list[int]:
    """The versions that have leads."""
    found = connection.execute(
        text("SELECT schemaname FROM pg_tables WHERE tablename = 'lead_merges' AND schemaname ~ '^proj_v[0-9]+$'")
    ).scalars()
    return sorted(int(schema.removeprefix(proj_schema(0)[:-1])) for schema in found)


def _note_shape(connection: Connection, before: str, after: str) -> None:
    connection.execute(
        text(
            f"UPDATE {CTL_SCHEMA}.projection_versions SET shape = :after "  # noqa: S608
            "WHERE projection = :name AND shape = :before"
        ),
        {"name": LEADS.name, "before": before, "after": after},
    )
