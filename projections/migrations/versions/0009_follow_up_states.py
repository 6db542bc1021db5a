"""Whether a follow-up is still to come, in the analysts' conversations."""

from alembic import op

from projections.analytics import create_views
from projections.tables import ANALYTICS_SCHEMA

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_VIEWS = ("conversations",)


def upgrade() -> None:
    """A view's new last column."""
    create_views(op.get_bind(), names=_VIEWS, as_of="0009")


def downgrade() -> None:
    """The view without it."""
    op.execute(f"DROP VIEW {ANALYTICS_SCHEMA}.conversations")
    create_views(op.get_bind(), names=_VIEWS, as_of="0008")
