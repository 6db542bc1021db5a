"""Runs that can be watched, resumed and cancelled, and versions of each projection of its own."""

from alembic import op
from sqlalchemy import Connection, inspect, text

from projections.analytics import VIEWS, create_views
from projections.registry import ALL_PROJECTIONS
from projections.tables import CTL_SCHEMA, ctl_metadata, proj_metadata, proj_schema
from projections.versions import shape_found

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_RUN_COLUMNS = (
    "subjects",
    "phase",
    "host",
    "pid",
    "heartbeat_at",
    "resumes",
    "cancel_requested_at",
    "cancel_requested_by",
    "error",
    "result",
)
#: Tables that came with later revisions: they are theirs to make and to drop.
_LATER_TABLES = frozenset({"dead_letter_events", "lead_splits", "message_moves"})


def upgrade() -> None:
    """Create what is missing. A new database has it all: it came with the tables as they are declared today."""
    connection = op.get_bind()
    control = ctl_metadata()
    control.create_all(connection, tables=[control.tables[f"{CTL_SCHEMA}.projection_versions"]])
    present = {column["name"] for column in inspect(connection).get_columns("runs", schema=CTL_SCHEMA)}
    runs = control.tables[f"{CTL_SCHEMA}.runs"]
    for name in _RUN_COLUMNS:
        if name not in present:
            column = runs.columns[name]._copy()
            op.add_column("runs", column, schema=CTL_SCHEMA)
    _note_shapes(connection)
    # Those that tell how far the live version is.
    create_views(connection, names=("projection_freshness", "dead_letters", "oldest_unprocessed"), as_of="0006")


def _note_shapes(connection: Connection) -> None:
    """What the first version looks like here, so that a program that declares other tables does not write it."""
    for projection in ALL_PROJECTIONS:
        connection.execute(
            text(
                f"INSERT INTO {CTL_SCHEMA}.projection_versions (projection, version, state, rev, shape) "  # noqa: S608
                "VALUES (:name, 1, 'live', :rev, :shape)"
            ),
            {"name": projection.name, "rev": projection.rev, "shape": shape_found(connection, projection)},
        )


def downgrade() -> None:
    """Back to one version of everything: rows of later ones go, and the log can bring them back."""
    connection = op.get_bind()
    later = connection.execute(text(f"SELECT projection, version FROM {CTL_SCHEMA}.projection_versions")).all()  # noqa: S608
    if later:
        _first_again(connection, sorted({version for _, version in later if version != 1}))
    for name in reversed(_RUN_COLUMNS):
        op.drop_column("runs", name, schema=CTL_SCHEMA)


def _first_again(connection: Connection, later: list[int]) -> None:
    # A first version that was dropped begins anew, empty.
    op.execute(f"CREATE SCHEMA IF NOT EXISTS {proj_schema(1)}")
    metadata = proj_metadata(1)
    metadata.create_all(connection, tables=[one for one in metadata.sorted_tables if one.name not in _LATER_TABLES])
    op.execute(
        f"DELETE FROM {CTL_SCHEMA}.projection_offsets AS o USING {CTL_SCHEMA}.projection_versions AS v "  # noqa: S608
        "WHERE v.projection = o.projection AND v.version = 1 AND v.state = 'dropped' AND o.version = 1"
    )
    create_views(connection, version=1, names=tuple(name for name in VIEWS if name != "moved_messages"), as_of="0006")
    for version in later:
        op.execute(f"DROP SCHEMA IF EXISTS {proj_schema(version)} CASCADE")
        for table in ("projection_offsets", "dead_letters", "expired_ranges"):
            op.execute(f"DELETE FROM {CTL_SCHEMA}.{table} WHERE version = {version}")  # noqa: S608
    op.execute(f"DELETE FROM {CTL_SCHEMA}.projection_versions")  # noqa: S608
