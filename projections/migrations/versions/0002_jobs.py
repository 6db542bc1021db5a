"""Jobs: what was asked for, how it stands, its attempts and steps, how it ended."""

from alembic import op

from projections.analytics import create_views
from projections.tables import ANALYTICS_SCHEMA, proj_metadata, proj_schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = ("jobs", "job_progress", "job_attempts", "job_steps", "job_ends", "job_holds")
_VIEWS = ("jobs", "job_attempts", "job_steps", "job_outcomes_daily")


def upgrade() -> None:
    """Create the tables and views. Analysts may read views to come, so there is nothing to grant."""
    connection = op.get_bind()
    metadata = proj_metadata(1)
    tables = [metadata.tables[f"{proj_schema(1)}.{name}"] for name in _TABLES]
    metadata.create_all(connection, tables=tables, checkfirst=False)
    create_views(connection, version=1, names=_VIEWS, as_of="0006")


def downgrade() -> None:
    """Drop them. The log still has every event."""
    for name in reversed(_VIEWS):
        op.execute(f"DROP VIEW {ANALYTICS_SCHEMA}.{name}")
    for name in _TABLES:
        op.execute(f"DROP TABLE {proj_schema(1)}.{name}")
