"""Whatever any lead of a person hears ends the person's drafts and follow-ups, in the analysts' conversations."""

from alembic import op

from projections.analytics import create_views

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_VIEWS = ("conversations",)


def upgrade() -> None:
    """The same columns, read over all leads of a person."""
    create_views(op.get_bind(), names=_VIEWS, as_of=revision)


def downgrade() -> None:
    """The view that looks at one lead."""
    create_views(op.get_bind(), names=_VIEWS, as_of="0010")
