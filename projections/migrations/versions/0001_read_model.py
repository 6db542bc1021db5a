"""The read model as it first was: control tables, `proj_v1`, the analysts' views, and the role that may read them."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

_FILES = Path(__file__).with_suffix("")
#: In the order they build on each other.
_PARTS = (
    "control",
    "tables",
    "views_of_leads",
    "views_of_webhooks",
    "views_of_jobs",
    "views_of_conclusions",
    "views_of_ai",
    "analysts",
)


def upgrade() -> None:
    """Create everything."""
    for part in _PARTS:
        _execute(part)


def downgrade() -> None:
    """Drop everything."""
    _execute("down")


def _execute(part: str) -> None:
    statements = (_FILES / f"{part}.sql").read_text(encoding="utf-8")
    # Without parameters a percent sign in a comment is just that.
    op.get_bind().exec_driver_sql(statements, execution_options={"no_parameters": True})
