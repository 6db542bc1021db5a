"""Jobs that died or were cancelled, and those that are parked, are found without reading all others."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_SCHEMAS = sa.text("SELECT schemaname FROM pg_tables WHERE tablename = 'job_ends' AND schemaname ~ '^proj_v[0-9]+$'")


def upgrade() -> None:
    """Beside everything that goes on."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '30min'")
        for schema in op.get_bind().scalars(_SCHEMAS).all():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema}.ix_job_ends_workspace_id")
            op.execute(
                f"CREATE INDEX CONCURRENTLY ix_job_ends_workspace_id ON {schema}.job_ends (workspace_id) "
                "WHERE outcome <> 'succeeded'"
            )
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema}.ix_job_progress_workspace_id")
            op.execute(
                f"CREATE INDEX CONCURRENTLY ix_job_progress_workspace_id ON {schema}.job_progress (workspace_id) "
                "WHERE error_class IN ('over_budget', 'dependency_down')"
            )


def downgrade() -> None:
    """In one transaction, which can be rehearsed: dropping takes but a moment."""
    for schema in op.get_bind().scalars(_SCHEMAS).all():
        op.execute(f"DROP INDEX IF EXISTS {schema}.ix_job_ends_workspace_id")
        op.execute(f"DROP INDEX IF EXISTS {schema}.ix_job_progress_workspace_id")
