"""A log made of events, for tests that project it into real Postgres, and databases no migration has seen."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.databases import new_database
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
def empty_database(postgres_url: str) -> Iterator[Callable[[], str]]:
    """Makes empty databases: no migration has ever run there."""
    with ExitStack() as databases:
        yield lambda: databases.enter_context(new_database(postgres_url))
