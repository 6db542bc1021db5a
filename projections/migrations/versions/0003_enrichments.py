"""Enrichments: labels, lead states, follow-ups, bookings, drafts, decisions, scores, and the AI calls behind them."""

from alembic import op

from projections.analytics import create_views
from projections.tables import ANALYTICS_SCHEMA, proj_metadata, proj_schema

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = (
    "enrichments",
    "message_labels",
    "lead_states",
    "follow_ups",
    "booking_decisions",
    "drafts",
    "reply_decisions",
    "lead_scores",
    "ai_interactions",
)
_VIEWS = ("enrichments", "lead_states", "conversations", "sentiment_daily", "ai_interactions", "ai_cost_daily")


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
