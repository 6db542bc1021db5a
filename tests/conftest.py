"""One real Kafka and one real Postgres for the whole session; topics and a database of its own for each test.

Nothing starts until a test asks for it. `KAFKA_BOOTSTRAP` and `DATABASE_URL` name services to use instead; the user
of the latter must be allowed to create databases.
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from dev.home import Home
from runtime.settings import Settings
from tests.services import running_kafka, running_postgres, temporary_home


@pytest.fixture(scope="session")
def service_home() -> Iterator[Home]:
    """Where the session's services keep their files, until it ends."""
    with temporary_home() as home:
        yield home


@pytest.fixture(scope="session")
def kafka_bootstrap(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a running broker: one that was named, that of the whole parallel run, or one of its own."""
    shared = getattr(request.config, "workerinput", {}).get("kafka_bootstrap")
    if given := os.environ.get("KAFKA_BOOTSTRAP") or shared:
        yield given
        return
    with running_kafka(request.getfixturevalue("service_home")) as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database of a running server, from which others can be made."""
    if given := os.environ.get("DATABASE_URL"):
        yield given
        return
    with running_postgres(request.getfixturevalue("service_home")) as url:
        yield url


@pytest.fixture(scope="session")
def database_template(postgres_url: str) -> Iterator[str]:
    """The name of a database that has been migrated and is never written to again."""
    from projections.migrate import upgrade  # noqa: PLC0415 - only tests with a database pay for the import

    name = f"headrace_template_{uuid.uuid4().hex[:12]}"
    _execute(postgres_url, "CREATE DATABASE {}", name)
    upgrade(_with_database(postgres_url, name))
    yield name
    _execute(postgres_url, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def database_url(postgres_url: str, database_template: str) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    name = f"headrace_test_{uuid.uuid4().hex[:12]}"
    _execute(postgres_url, "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, database_template)
    yield _with_database(postgres_url, name)
    _execute(postgres_url, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def topic_prefix() -> str:
    """A fresh prefix: tests that share a broker can't see each other's topics and groups."""
    return f"t{uuid.uuid4().hex[:10]}."


@pytest.fixture
def kafka_settings(kafka_bootstrap: str, topic_prefix: str, tmp_path: Path) -> Settings:
    """Settings for tests that need no database: its URL leads nowhere."""
    return _settings(kafka_bootstrap, "postgresql://nobody@127.0.0.1:1/none", topic_prefix, tmp_path)


@pytest.fixture
def settings(kafka_bootstrap: str, database_url: str, topic_prefix: str, tmp_path: Path) -> Settings:
    """Settings with fresh topics, a fresh database and two partitions."""
    return _settings(kafka_bootstrap, database_url, topic_prefix, tmp_path)


@pytest.fixture
def topics_created(kafka_bootstrap: str, topic_prefix: str, tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """All topics under the test's prefix, deleted after it. The value is their names."""
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - as above

    from runtime.topics import create_topics  # noqa: PLC0415

    names = create_topics(_settings(kafka_bootstrap, "postgresql://nobody@127.0.0.1:1/none", topic_prefix, tmp_path))
    yield names
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap, "log_level": 0})
    # Faust makes changelogs and leader topics under the prefix too.
    leftovers = [name for name in admin.list_topics(timeout=15).topics if topic_prefix in name]
    for future in admin.delete_topics(leftovers, operation_timeout=15).values():
        future.result()


def _settings(bootstrap: str, url: str, prefix: str, directory: Path) -> Settings:
    return Settings(
        kafka_bootstrap=bootstrap,
        database_url=url,
        topic_prefix=prefix,
        partitions=2,
        data_dir=directory / "tables",
    )


def _execute(url: str, statement: str, *names: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _with_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)
