"""A migration that gets no lock gives way, tells who is in its way, and is done as soon as they are."""

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from operations.versions.losses import losses
from projections.migrate import downgrade, status, upgrade
from projections.migrating import MigrationBlocked
from tests.integration.projections.catalog import catalog


@pytest.fixture
def reader(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody in the middle of a long read."""
    with psycopg.connect(database_url, application_name="nightly-dump") as connection:
        connection.execute("SELECT FROM proj_v1.messages")
        yield connection


def test_what_is_in_the_way_is_named_and_the_migration_in_question_does_nothing(
    database_url: str, reader: psycopg.Connection[Any]
) -> None:
    before = catalog(database_url)
    for go_down in (downgrade, losses):
        with pytest.raises(MigrationBlocked) as refused:
            go_down(database_url, "base", patience=0)
        assert f"pid {reader.info.backend_pid} (nightly-dump, idle in transaction for " in str(refused.value)
        assert "proj_v1.messages" in str(refused.value)
    # Each migration is a transaction of its own: those before it stay undone, and are done again.
    assert status(database_url).revision is not None
    reader.rollback()
    upgrade(database_url)
    assert (catalog(database_url), status(database_url).is_current) == (before, True)


def test_it_is_tried_again_until_they_are_done(database_url: str, reader: psycopg.Connection[Any]) -> None:
    told: list[str] = []

    def end_the_read(sentence: str) -> None:
        told.append(sentence)
        reader.rollback()

    downgrade(database_url, tell=end_the_read)
    assert len(told) == 1
    assert "nightly-dump" in told[0]
    assert status(database_url).revision is None


def test_between_two_tries_everybody_gets_through(database_url: str, reader: psycopg.Connection[Any]) -> None:
    """Whoever asks while a migration waits is behind it, and would be for as long as the long read takes."""
    told, through = threading.Event(), threading.Event()
    tries: list[str] = []

    def ask(sentence: str) -> None:
        tries.append(sentence)
        told.set()
        if through.is_set():
            reader.rollback()

    migration = threading.Thread(target=downgrade, args=(database_url,), kwargs={"tell": ask})
    migration.start()
    assert told.wait(30)
    with psycopg.connect(database_url) as other:
        other.execute("SELECT FROM proj_v1.messages")
    through.set()
    migration.join(60)
    assert status(database_url).revision is None
    assert tries
