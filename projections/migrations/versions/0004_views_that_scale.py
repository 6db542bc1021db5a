"""Views that answer analysts in time, views of what waits for a person and of evidence, and what values mean."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_FILES = Path(__file__).with_suffix("")
_LIVE = sa.text("SELECT projection, version FROM ctl.projection_versions WHERE state = 'live'")
_SCHEMAS = sa.text(
    "SELECT schemaname FROM pg_views WHERE viewname = 'lead_survivors' AND schemaname ~ '^proj_v[0-9]+$'"
)


def upgrade() -> None:
    """Analysts may read views to come, so there is nothing to grant."""
    _replace_survivors("survivors_up")
    _replace_views("up")


def downgrade() -> None:
    """Its rows are those of the read model, or of the program."""
    _replace_views("down")
    _replace_survivors("survivors_down")


def _replace_survivors(part: str) -> None:
    for schema in op.get_bind().scalars(_SCHEMAS).all():
        _execute(_read(part).replace("{schema}", schema))


def _replace_views(part: str) -> None:
    statements = _read(part)
    for projection, version in op.get_bind().execute(_LIVE).all():
        statements = statements.replace(f"{{{projection}}}", f"proj_v{version}")
    _execute(statements)


def _read(part: str) -> str:
    return (_FILES / f"{part}.sql").read_text(encoding="utf-8")


def _execute(statements: str) -> None:
    # Without parameters a percent sign in a comment is just that.
    op.get_bind().exec_driver_sql(statements, execution_options={"no_parameters": True})
