"""A log of replies with the live rows made of it, for tests that share one."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.replies import Replies
from bench.topics import write
from headrace.events.topics import ENRICHMENTS, JOBS, MESSAGES
from headrace.kafka.topics import create_topics
from headrace.settings import Settings
from tests.databases import new_database
from tests.integration.operations.installation import Installation
from tests.leftovers import delete_topics


def fill(installation: Installation, numbers: range) -> None:
    """Write the events of these replies."""
    replies = Replies()
    for topic in (MESSAGES, JOBS, ENRICHMENTS):
        own = (filling for number in numbers for of, filling in replies.of(number) if of is topic)
        write(installation.settings, topic, own)


@contextmanager
def filled(kafka_bootstrap: str, postgres_url: str, template: str, directory: Path) -> Iterator[Installation]:
    """An installation of its own with 100 replies, 3,000 events, in the log and in version 1."""
    with new_database(postgres_url, template) as url:
        settings = Settings(
            kafka_bootstrap=kafka_bootstrap,
            database_url=url,
            topic_prefix=f"t{uuid.uuid4().hex[:10]}.",
            partitions=2,
            data_dir=directory / "tables",
        )
        create_topics(settings)
        try:
            installation = Installation(settings)
            fill(installation, range(100))
            installation.project()
            yield installation
        finally:
            delete_topics(kafka_bootstrap, settings.topic_prefix)
