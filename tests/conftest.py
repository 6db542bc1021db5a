"""One real Kafka and one real Postgres for the whole session; topics and a database of its own for each test.

Nothing starts until a test asks for it. `KAFKA_BOOTSTRAP` and `DATABASE_URL` name services to use instead; the user
of the latter must be allowed to create databases.
"""

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy.engine import make_url

from headrace.kafka.topics import create_topics
from headrace.settings import Settings
from operations.dev.home import Home
from tests.databases import new_database
from tests.leftovers import delete_topics
from tests.services import running_kafka, running_postgres, temporary_home

# A background job of a script ignores Ctrl-C from birth, and so would every program that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("headrace", deadline=None)
hypothesis.settings.load_profile("headrace")

#: Begun last, one of these would keep a parallel run waiting. Longest first.
_LONG = (
    "e2e/test_replay_guide.py",
    "e2e/test_faults.py",
    "integration/streams/jobs/test_kills.py",
    "integration/operations/test_repair.py",
    "integration/projections/test_lost_database.py",
    "integration/projections/test_truncated_log.py",
    "integration/operations/test_replay_decide.py",
    "e2e/test_matrix.py",
    "e2e/test_hung.py",
    "integration/operations/test_replay_try.py",
    "integration/streams/jobs/test_life_of_a_job.py",
    "integration/streams/jobs/test_poison_job.py",
    "integration/kafka/test_shorter_log.py",
    "integration/streams/jobs/test_scaling.py",
    "integration/streams/jobs/test_stopped_workers.py",
    "integration/kafka/test_ownership.py",
    "integration/streams/jobs/test_ai_outage.py",
    "integration/operations/test_replays_stay_at_home.py",
    "integration/operations/test_rebuild_kills.py",
    "e2e/test_hostile_http.py",
    "integration/kafka/test_record_sizes.py",
    "e2e/test_strangers.py",
    "integration/kafka/test_worker.py",
    "integration/operations/test_trace.py",
    "integration/operations/test_poison_event.py",
    "integration/dev/test_stack.py",
    "integration/projections/test_next_migrations.py",
    "integration/ingest/test_outage.py",
    "integration/schema_change/test_schema_change.py",
    "unit/training/test_train.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, the others in their order."""
    ranks = {Path(__file__).parent / name: rank for rank, name in enumerate(_LONG)}
    assert all(path.exists() for path in ranks), "a file of _LONG was renamed or is gone"
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


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

    with new_database(postgres_url) as url:
        upgrade(url)
        yield str(make_url(url).database)


@pytest.fixture
def database_url(postgres_url: str, database_template: str) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    with new_database(postgres_url, database_template) as url:
        yield url


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
    yield create_topics(_settings(kafka_bootstrap, "postgresql://nobody@127.0.0.1:1/none", topic_prefix, tmp_path))
    delete_topics(kafka_bootstrap, topic_prefix)


def _settings(bootstrap: str, url: str, prefix: str, directory: Path) -> Settings:
    return Settings(
        kafka_bootstrap=bootstrap,
        database_url=url,
        topic_prefix=prefix,
        partitions=2,
        data_dir=directory / "tables",
    )
