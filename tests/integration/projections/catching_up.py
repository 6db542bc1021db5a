"""A log that is filled, projections that catch up with it, and what their tables hold then."""

from typing import Any

import psycopg

from bench.replies import Replies
from bench.topics import write
from headrace.events.topics import ENRICHMENTS, JOBS, MESSAGES
from headrace.kafka.log_offsets import LogOffsets
from headrace.settings import Settings
from projections.tables import proj_metadata
from tests.integration.projections.supervised import until

TOPICS = (MESSAGES, JOBS, ENRICHMENTS)


def fill(settings: Settings, numbers: range) -> None:
    replies = Replies()
    for topic in TOPICS:
        own = (filling for number in numbers for of, filling in replies.of(number) if of is topic)
        write(settings, topic, own)


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        connection.execute("SET timezone = 'UTC'")
        return connection.execute(statement.encode()).fetchall()


def contents(url: str) -> dict[str, tuple[Any, ...]]:
    """Each table's rows as a count and a hash that does not depend on their order."""
    hashed = "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM"
    return {one.name: rows(url, f"{hashed} {one.fullname} AS t")[0] for one in proj_metadata(1).sorted_tables}


def positions(url: str) -> dict[tuple[str, int], int]:
    found = rows(url, "SELECT topic, partition, next_offset FROM ctl.projection_offsets WHERE version = 1")
    return {(topic, partition): offset for topic, partition, offset in found}


def is_caught_up(settings: Settings, url: str) -> bool:
    ends = LogOffsets(settings).ranges([settings.topic(topic) for topic in TOPICS])
    try:
        known = positions(url)
    except psycopg.Error:
        return False
    return all(known.get(place, 0) == found.end for place, found in ends.items())


def until_caught_up(settings: Settings, url: str | None = None) -> None:
    until(lambda: is_caught_up(settings, url or settings.database_url), "all records are rows")
