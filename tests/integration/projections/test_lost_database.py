"""Postgres lost, emptied or restored while Kafka remembers how far the group was: rows come back by themselves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from headrace.kafka.log_offsets import LogOffsets
from headrace.settings import Settings
from projections.migrate import upgrade
from tests.databases import new_database
from tests.integration.projections.catching_up import TOPICS, contents, fill, until_caught_up
from tests.integration.projections.supervised import Supervised, supervised, until

pytestmark = [pytest.mark.usefixtures("topics_created"), pytest.mark.timeout(600)]


def until_committed(settings: Settings) -> None:
    """Kafka has heard how far the projections are."""
    log = LogOffsets(settings)
    ends = log.ranges([settings.topic(topic) for topic in TOPICS])
    wanted = {place: found.end for place, found in ends.items() if found.end}
    group = f"{settings.topic_prefix}projections"
    until(lambda: {p: o for p, o in log.committed(group, wanted).items() if o} == wanted, "the group has committed")


@pytest.fixture
def administer(postgres_url: str) -> Iterator[Callable[..., None]]:
    """Runs a statement about databases, whose names are its arguments."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:

        def execute(statement: str, *urls: str) -> None:
            names = (sql.Identifier(str(make_url(url).database)) for url in urls)
            connection.execute(sql.SQL(statement).format(*names))

        yield execute


@pytest.fixture
def projected(settings: Settings) -> Settings:
    """An installation whose 3,000 events are rows, and whose group has committed that."""
    fill(settings, range(100))
    with supervised(settings):
        until_caught_up(settings)
        until_committed(settings)
    return settings


@contextmanager
def copied(administer: Callable[..., None], postgres_url: str, url: str) -> Iterator[str]:
    """A dump of the database, as a database."""
    with new_database(postgres_url, make_url(url).database) as copy:
        yield copy


def check_nothing_was_read_as_a_hole(worker: Supervised) -> None:
    assert worker.said("projection.set_back"), "the consumer was set to where Postgres is"
    assert not worker.said("agent.hole")


def test_an_empty_database_is_filled_from_the_log_though_the_group_had_committed_its_end(
    projected: Settings, postgres_url: str, database_template: str
) -> None:
    with new_database(postgres_url, database_template) as url:
        moved = projected.model_copy(update={"database_url": url})
        with supervised(moved) as worker:
            until_caught_up(moved)
            until_committed(moved)
            check_nothing_was_read_as_a_hole(worker)
        assert contents(url) == contents(projected.database_url)


def test_a_restored_database_goes_on_from_its_own_positions(
    projected: Settings, postgres_url: str, administer: Callable[..., None]
) -> None:
    with copied(administer, postgres_url, projected.database_url) as older:
        fill(projected, range(100, 200))
        with supervised(projected):
            until_caught_up(projected)
            until_committed(projected)
        moved = projected.model_copy(update={"database_url": older})
        with supervised(moved) as worker:
            until_caught_up(moved)
            check_nothing_was_read_as_a_hole(worker)
        assert contents(older) == contents(projected.database_url)


def test_a_database_dropped_under_the_worker_is_waited_for_until_it_is_migrated(
    projected: Settings, administer: Callable[..., None]
) -> None:
    url, right = projected.database_url, contents(projected.database_url)
    with supervised(projected) as worker:
        until(lambda: worker.said("worker.ready"), "the worker runs")
        administer("DROP DATABASE {} WITH (FORCE)", url)
        until(lambda: "is created" in hints(worker), "it says that the database is missing")
        administer("CREATE DATABASE {}", url)
        until(lambda: "headrace db migrate" in hints(worker, incomplete=True), "it says that it is not migrated")
        upgrade(url)
        until_caught_up(projected)
    assert contents(url) == right


def test_a_dump_restored_under_an_idle_worker_is_noticed_without_a_new_record(
    projected: Settings, postgres_url: str, administer: Callable[..., None]
) -> None:
    with copied(administer, postgres_url, projected.database_url) as older:
        fill(projected, range(100, 150))
        with supervised(projected) as worker:
            until_caught_up(projected)
            right = contents(projected.database_url)
            administer("DROP DATABASE {} WITH (FORCE)", projected.database_url)
            administer("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", projected.database_url, older)
            until_caught_up(projected)
            assert worker.said("worker.failed"), "the process began again from what Postgres has"
        assert contents(projected.database_url) == right


def hints(worker: Supervised, *, incomplete: bool = False) -> str:
    """What it told people to do."""
    lines = worker.said("projection.postgres_away")
    return " ".join(line["hint"] for line in lines if not incomplete or "lacks what" in line["hint"])
