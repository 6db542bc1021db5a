"""The read-only role of the analysts. Roles belong to the whole cluster, so other databases may use it, too."""

from sqlalchemy import Connection, text

from projections.tables import ANALYTICS_SCHEMA

ANALYST_ROLE = "analyst_ro"
#: What an analyst's session starts with. A slow query must neither fill the server nor hold back a swap of views.
SESSION_SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "30s",
}

# Another database's migration may create it in the same moment: then it is there, which is all we want.
_CREATE = f"""
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ANALYST_ROLE}') THEN
        CREATE ROLE {ANALYST_ROLE} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$
"""


def create_analyst_role(connection: Connection) -> None:
    """Create the role unless it exists, and its settings in this database."""
    connection.execute(text(_CREATE))
    # Per database: settings for the whole role are one shared row, over which migrations of two databases collide.
    for name, value in SESSION_SETTINGS.items():
        _alter(connection, f"SET {name} = '{value}'")


def grant_to_analysts(connection: Connection) -> None:
    """Let the role read the views that are there and those to come, and nothing else."""
    for statement in (
        f"GRANT USAGE ON SCHEMA {ANALYTICS_SCHEMA} TO {ANALYST_ROLE}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {ANALYTICS_SCHEMA} TO {ANALYST_ROLE}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {ANALYTICS_SCHEMA} GRANT SELECT ON TABLES TO {ANALYST_ROLE}",
    ):
        connection.execute(text(statement))


def release_analyst_role(connection: Connection) -> None:
    """Take away what this database gave the role. The role stays: other databases and people's logins may use it."""
    defaults = f"ALTER DEFAULT PRIVILEGES IN SCHEMA {ANALYTICS_SCHEMA}"
    connection.execute(text(f"{defaults} REVOKE ALL ON TABLES FROM {ANALYST_ROLE}"))
    _alter(connection, "RESET ALL")


def _alter(connection: Connection, change: str) -> None:
    database = connection.scalar(text("SELECT quote_ident(current_database())"))
    connection.execute(text(f"ALTER ROLE {ANALYST_ROLE} IN DATABASE {database} {change}"))
