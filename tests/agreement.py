"""Whether the analysts' views agree about whom nobody may write to: to be asked after every fault."""

from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

_SQL = Path(__file__).with_name("agreement.sql").read_bytes()


def disagreements(database_url: str) -> list[dict[str, Any]]:
    """Each contradiction with its workspace, lead and message. Run `psql -f tests/agreement.sql` for the same."""
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        return connection.execute(_SQL).fetchall()
