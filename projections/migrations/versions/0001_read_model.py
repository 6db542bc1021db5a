"""The first read model: control tables, `proj_v1`, the analysts' role and views."""

from alembic import op

from projections.analyst_role import create_analyst_role, grant_to_analysts, release_analyst_role
from projections.analytics import create_views
from projections.tables import ANALYTICS_SCHEMA, CTL_SCHEMA, ctl_metadata, proj_metadata, proj_schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_CTL_TABLES = (
    "projection_offsets",
    "broker_offsets",
    "dead_letters",
    "expired_ranges",
    "runs",
    "projection_versions",
    "audit_positions",
)
_TABLES = (
    "messages",
    "leads",
    "lead_identities",
    "lead_merges",
    "lead_activity",
    "lead_suppressions",
    "lead_signals",
    "webhook_receipts",
    "ingest_latency",
    "dead_letters",
)
_VIEWS = (
    "lead_survivors",
    "messages",
    "leads",
    "lead_identities",
    "webhook_receipts",
    "webhook_latency_hourly",
    "dead_letters",
    "projection_freshness",
)


def upgrade() -> None:
    """Create everything of version 1. The schema `ctl` exists: Alembic's own table is in it."""
    connection = op.get_bind()
    control = ctl_metadata()
    control.create_all(
        connection, tables=[control.tables[f"{CTL_SCHEMA}.{name}"] for name in _CTL_TABLES], checkfirst=False
    )
    op.execute(f"CREATE SCHEMA {proj_schema(1)}")
    metadata = proj_metadata(1)
    tables = [metadata.tables[f"{proj_schema(1)}.{name}"] for name in _TABLES]
    metadata.create_all(connection, tables=tables, checkfirst=False)
    op.execute(f"CREATE SCHEMA {ANALYTICS_SCHEMA}")
    create_views(connection, version=1, names=_VIEWS, as_of="0006")
    create_analyst_role(connection)
    grant_to_analysts(connection)


def downgrade() -> None:
    """Drop it all. The log still has every event: `upgrade` and a replay bring the rows back."""
    connection = op.get_bind()
    release_analyst_role(connection)
    op.execute(f"DROP SCHEMA {ANALYTICS_SCHEMA} CASCADE")
    op.execute(f"DROP SCHEMA {proj_schema(1)} CASCADE")
    for name in _CTL_TABLES:
        op.execute(f"DROP TABLE IF EXISTS {CTL_SCHEMA}.{name}")
