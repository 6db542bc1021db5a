"""What is unfinished: the analysts' view of it, and what the audit remembers about jobs."""

from alembic import op

from projections.analytics import create_views
from projections.tables import ANALYTICS_SCHEMA, CTL_SCHEMA, ctl_metadata, proj_metadata, proj_schema

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_CTL_TABLES = ("audit_job_positions", "audit_open_jobs")
_INDEXES = {
    "messages": "ix_messages_with_jobs",
    "jobs": "ix_jobs_src_partition_src_offset",
    "job_ends": "ix_job_ends_src_partition_first_offset",
}
_VIEWS = ("oldest_unprocessed",)


def upgrade() -> None:
    """Create them. A new database has the indexes already: they came with their tables."""
    connection = op.get_bind()
    control = ctl_metadata()
    control.create_all(connection, tables=[control.tables[f"{CTL_SCHEMA}.{name}"] for name in _CTL_TABLES])
    metadata = proj_metadata(1)
    for table, name in _INDEXES.items():
        for index in metadata.tables[f"{proj_schema(1)}.{table}"].indexes:
            if index.name == name:
                index.create(connection, checkfirst=True)
    create_views(connection, version=1, names=_VIEWS, as_of="0006")


def downgrade() -> None:
    """Drop them. The next audit begins anew."""
    for name in reversed(_VIEWS):
        op.execute(f"DROP VIEW {ANALYTICS_SCHEMA}.{name}")
    for name in _INDEXES.values():
        op.execute(f"DROP INDEX {proj_schema(1)}.{name}")
    for name in _CTL_TABLES:
        op.execute(f"DROP TABLE {CTL_SCHEMA}.{name}")
