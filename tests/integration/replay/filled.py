"""A log of replies with the live rows made of it, for tests that share one."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from confluent_kafka.admin import AdminClient
from psycopg import sql
from sqlalchemy.engine import make_url

from bench.replies import Replies
from bench.topics import write
from events.topics import ENRICHMENTS, JOBS, MESSAGES
from runtime.settings import Settings
from runtime.topics import create_topics
from tests.integration.replay.installation import Installation


def fill(installation: Installation, numbers: range) -> None:
    """Write the events of these replies."""
    replies = Replies()
    for topic in (MESSAGES, JOBS, ENRICHMENTS):
        own = (filling for number in numbers for of, filling in replies.of(number) if of is topic)
        write(installation.settings, topic, own)


@contextmanager
def filled(kafka_bootstrap: str, postgres_url: str, template: str, directory: Path) -> Iterator[Installation]:
    """An installation of its own with 100 replies, 3,000 events, in the log and in version 1."""
    name = f"headrace_test_{uuid.uuid4().hex[:12]}"
    settings = Settings(
        kafka_bootstrap=kafka_bootstrap,
        database_url=make_url(postgres_url).set(database=name).render_as_string(hide_password=False),
        topic_prefix=f"t{uuid.uuid4().hex[:10]}.",
        partitions=2,
        data_dir=directory / "tables",
    )
    _execute(postgres_url, "CREATE DATABASE {} TEMPLATE {}", name, template)
    names = create_topics(settings)
    try:
        installation = Installation(settings)
        fill(installation, range(100))
        installation.project()
        yield installation
    finally:
        _execute(postgres_url, "DROP DATABASE {} WITH (FORCE)", name)
        admin = AdminClient({"bootstrap.servers": kafka_bootstrap, "log_level": 0})
        for future in admin.delete_topics(list(names), operation_timeout=15).values():
            future.result()


def _execute(url: str, statement: str, *names: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
