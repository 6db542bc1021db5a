"""From a webhook to its repeats by an index."""

from alembic import op

from projections.tables import proj_metadata, proj_schema

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INDEX = "ix_webhook_receipts_repeats"


def upgrade() -> None:
    """Create it. A new database has it already: it came with its table. Versions beside the first keep their shape."""
    table = proj_metadata(1).tables[f"{proj_schema(1)}.webhook_receipts"]
    for index in table.indexes:
        if index.name == _INDEX:
            index.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    """Drop it."""
    op.execute(f"DROP INDEX {proj_schema(1)}.{_INDEX}")
