"""What needs a person: a table for the new event `person.needed`, complete when it is empty, and the view over it."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

#: Digests of what the tables of `enrichments` look like.
_BEFORE, _AFTER = "1a15f0f4a5f02db4", "080287d257120937"
_FILES = Path(__file__).with_suffix("")
_LIVE = sa.text("SELECT projection, version FROM ctl.projection_versions WHERE state = 'live'")
_SCHEMAS = sa.text("SELECT schemaname FROM pg_tables WHERE tablename = 'enrichments' AND schemaname ~ '^proj_v[0-9]+$'")

_NOTE = sa.text(
    "UPDATE ctl.projection_versions SET shape = :after WHERE projection = 'enrichments' AND shape = :before"
)


def upgrade() -> None:
    """Every version of the read model gets the table; nobody wrote its event before."""
    for schema in op.get_bind().scalars(_SCHEMAS).all():
        _execute(_sql("table").replace("{schema}", schema))
    _note_shape(_BEFORE, _AFTER)
    view = _sql("view")
    for projection, version in op.get_bind().execute(_LIVE).all():
        view = view.replace(f"{{{projection}}}", f"proj_v{version}")
    _execute(view)


def downgrade() -> None:
    """The log has its rows."""
    op.execute("DROP VIEW analytics.needs_person")
    for schema in op.get_bind().scalars(_SCHEMAS).all():
        op.execute(f"DROP TABLE {schema}.person_needs")
    _note_shape(_AFTER, _BEFORE)


def _sql(name: str) -> str:
    return (_FILES / f"{name}.sql").read_text(encoding="utf-8")


def _execute(statements: str) -> None:
    # Without parameters a percent sign in a comment is just that.
    op.get_bind().exec_driver_sql(statements, execution_options={"no_parameters": True})


def _note_shape(before: str, after: str) -> None:
    op.get_bind().execute(_NOTE, {"before": before, "after": after})
