"""How every stage stands now: what the log says of those that read it, and what rows say of jobs and letters."""

from datetime import datetime
from typing import Any

import psycopg

from headrace.kafka.backlogs import backlog, log_backlogs, oldest_of, unread_of
from headrace.kafka.log_offsets import LogOffsets
from headrace.settings import Settings
from headrace.stages import StageAge, projection_stage, row_stage, stage_age
from operations.records.projected import projected_to
from projections.connection import libpq_url
from projections.named_sql import NamedSql
from projections.registry import ALL_PROJECTIONS

_SQL = NamedSql(__file__)


def stage_ages(settings: Settings, now: datetime) -> list[StageAge]:
    """Every stage of the log, and those of rows that have something unfinished.

    Raises KafkaUnreachable, TopicsMissing or psycopg.Error.
    """
    with psycopg.connect(libpq_url(settings.database_url), autocommit=True, connect_timeout=5) as connection:
        log = LogOffsets(settings)
        return [
            *log_stage_ages(settings, log, now),
            *_projection_ages(settings, log, connection, now),
            *_row_ages(connection, now),
        ]


def log_stage_ages(settings: Settings, log: LogOffsets, now: datetime) -> list[StageAge]:
    """The stages before the rows. Raises KafkaUnreachable or TopicsMissing."""
    return [stage_age(one.stage, one.unread, one.oldest_at, now) for one in log_backlogs(settings, log)]


def _projection_ages(
    settings: Settings, log: LogOffsets, connection: psycopg.Connection[Any], now: datetime
) -> list[StageAge]:
    # Ends first, as for the others.
    ranges = log.ranges([settings.topic(projection.topic) for projection in ALL_PROJECTIONS])
    unread = unread_of(ranges, projected_to(connection))
    oldest = oldest_of(settings, unread)
    found = [
        backlog(projection_stage(one.name, one.topic), {settings.topic(one.topic)}, unread, oldest)
        for one in ALL_PROJECTIONS
    ]
    return [stage_age(one.stage, one.unread, one.oldest_at, now) for one in found]


def _row_ages(connection: psycopg.Connection[Any], now: datetime) -> list[StageAge]:
    stages = [(row_stage(name), name, count, oldest_at) for name, count, oldest_at in connection.execute(_SQL["rows"])]
    return [
        stage_age(stage, count, oldest_at, now, name) for stage, name, count, oldest_at in stages if stage is not None
    ]
