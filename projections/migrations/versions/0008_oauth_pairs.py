"""Tokens of accounts that are authorised by OAuth: one worker refreshes, all see the newest pair."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Accounts begin with the refresh token of their workspace file."""
    op.execute(
        """
        CREATE TABLE ctl.oauth_pairs (
            workspace_id text, provider text, account text,
            seed text NOT NULL, sealed text NOT NULL, expires_at timestamptz, generation bigint NOT NULL,
            refreshing_since timestamptz, changed_at timestamptz NOT NULL,
            CONSTRAINT pk_oauth_pairs PRIMARY KEY (workspace_id, provider, account)
        )
        """
    )


def downgrade() -> None:
    """The newest tokens are here alone: accounts have to be authorised again."""
    op.execute("DROP TABLE ctl.oauth_pairs")
