"""A webhook that left quarantine has one row in the view: that of the workspace it went to."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_FILES = Path(__file__).with_suffix("")


def upgrade() -> None:
    """One row less for each of them."""
    _execute("up")


def downgrade() -> None:
    """The view as it was."""
    _execute("down")


def _execute(part: str) -> None:
    statements = (_FILES / f"{part}.sql").read_text(encoding="utf-8")
    live = sa.text("SELECT projection, version FROM ctl.projection_versions WHERE state = 'live'")
    for projection, version in op.get_bind().execute(live).all():
        statements = statements.replace(f"{{{projection}}}", f"proj_v{version}")
    # Without parameters a percent sign in a comment is just that.
    op.get_bind().exec_driver_sql(statements, execution_options={"no_parameters": True})
