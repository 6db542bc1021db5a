"""What workers have not read stands beside the rows, and the view of unfinished work tells it, and quarantine."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_FILES = Path(__file__).with_suffix("")


def upgrade() -> None:
    """The table is empty until a projections worker has looked."""
    _execute("up")


def downgrade() -> None:
    """The view as it was; what is lost is looked up anew every few seconds."""
    _execute("down")


def _execute(part: str) -> None:
    statements = (_FILES / f"{part}.sql").read_text(encoding="utf-8")
    live = sa.text("SELECT projection, version FROM ctl.projection_versions WHERE state = 'live'")
    for projection, version in op.get_bind().execute(live).all():
        statements = statements.replace(f"{{{projection}}}", f"proj_v{version}")
    # Without parameters a percent sign in a comment is just that.
    op.get_bind().exec_driver_sql(statements, execution_options={"no_parameters": True})
