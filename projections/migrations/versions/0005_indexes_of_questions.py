"""Drafts that wait for a person in their order, and messages by the provider's id, in every version there is."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_SCHEMAS = sa.text("SELECT schemaname FROM pg_tables WHERE tablename = :table AND schemaname ~ '^proj_v[0-9]+$'")


def upgrade() -> None:
    """Beside everything that goes on."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '30min'")
        for schema in op.get_bind().scalars(_SCHEMAS, {"table": "reply_decisions"}).all():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema}.ix_reply_decisions_to_review")
            op.execute(
                f"CREATE INDEX CONCURRENTLY ix_reply_decisions_to_review ON {schema}.reply_decisions "
                "(workspace_id, concluded_at, draft_id) WHERE decision = 'needs_review'"
            )
        for schema in op.get_bind().scalars(_SCHEMAS, {"table": "messages"}).all():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema}.ix_messages_workspace_id_provider_message_id")
            op.execute(
                f"CREATE INDEX CONCURRENTLY ix_messages_workspace_id_provider_message_id ON {schema}.messages "
                "(workspace_id, provider_message_id)"
            )


def downgrade() -> None:
    """In one transaction, which can be rehearsed: dropping takes but a moment."""
    for schema in op.get_bind().scalars(_SCHEMAS, {"table": "reply_decisions"}).all():
        op.execute(f"DROP INDEX IF EXISTS {schema}.ix_reply_decisions_to_review")
    for schema in op.get_bind().scalars(_SCHEMAS, {"table": "messages"}).all():
        op.execute(f"DROP INDEX IF EXISTS {schema}.ix_messages_workspace_id_provider_message_id")
