"""A log made of events, for tests that project it into real Postgres, and databases no migration has seen."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from tests.integration.projections.event_log import EventLog, lead_id


@pytest.fixture
def lead_of() -> Callable[[str], str]:
    """Lead name → id."""
    return lead_id


@pytest.fixture
def events() -> EventLog:
    """An empty log."""
    return EventLog()


@pytest.fixture
def new_database(postgres_url: str) -> Iterator[Callable[[], str]]:
    """Makes empty databases: no migration has ever run there."""
    names: list[str] = []

    def create() -> str:
        name = f"headrace_empty_{uuid4().hex[:12]}"
        _execute(postgres_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        names.append(name)
        return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)

    yield create
    for name in names:
        _execute(postgres_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
