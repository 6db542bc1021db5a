"""How the projections reach Postgres: one factory with the session settings that writing exactly once relies on."""

from collections.abc import Awaitable, Callable
from typing import Any

import psycopg

Connection = psycopg.AsyncConnection[Any]
#: Opens a connection; raises psycopg.OperationalError while Postgres is away.
Connect = Callable[[], Awaitable[Connection]]

_SESSION = """
SELECT set_config('timezone', 'UTC', false),
       -- An acknowledged position must survive a crash, whatever the server's default is.
       set_config('synchronous_commit', 'on', false),
       set_config('statement_timeout', '60s', false),
       set_config('lock_timeout', '10s', false),
       -- A writer cut off in the middle of a transaction must not lock its partitions out.
       set_config('idle_in_transaction_session_timeout', '60s', false)
"""


def connector(database_url: str, name: str = "headrace-projections") -> Connect:
    """A factory of writing connections. `name` is what `pg_stat_activity` shows."""

    async def connect() -> Connection:
        connection = await psycopg.AsyncConnection.connect(
            libpq_url(database_url),
            autocommit=True,
            connect_timeout=5,
            application_name=name,
            # A server that vanished without a word is noticed within seconds, not within TCP's two hours.
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            tcp_user_timeout=15_000,
        )
        await connection.execute(_SESSION)
        return connection

    return connect


def libpq_url(database_url: str) -> str:
    """The URL as libpq wants it: SQLAlchemy's `postgresql+psycopg://` is accepted, too."""
    scheme, separator, rest = database_url.partition("://")
    return f"postgresql{separator}{rest}" if scheme.startswith("postgres") else database_url
