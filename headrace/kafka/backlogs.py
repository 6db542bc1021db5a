"""What a stage has not read yet, and since when its oldest record stands there, by the time the broker appended it.

Lag says how many; only the record that is next says for how long. One record is read of each partition that is behind.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from headrace.kafka.log_offsets import LogOffsets, LogRange, Place
from headrace.kafka.log_records import read_positions
from headrace.settings import Settings
from headrace.stages import LOG_STAGES, Stage


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """What one stage has before it."""

    stage: Stage
    unread: int
    #: When the oldest of it was appended; None when nothing is unread.
    oldest_at: datetime | None


def log_backlogs(settings: Settings, log: LogOffsets) -> list[Backlog]:
    """Every stage of `LOG_STAGES` as it stands now. Raises KafkaUnreachable or TopicsMissing."""
    # Ends first: what is read a moment later must not look like records that stand there.
    ranges = log.ranges([settings.topic(topic) for stage in LOG_STAGES for topic in stage.topics])
    positions = _committed(settings, log, ranges)
    unread = unread_of(ranges, positions)
    oldest = oldest_of(settings, unread)
    return [backlog(stage, {settings.topic(topic) for topic in stage.topics}, unread, oldest) for stage in LOG_STAGES]


def backlog(
    stage: Stage, topics: set[str], unread: Mapping[Place, LogRange], oldest: Mapping[Place, datetime]
) -> Backlog:
    """What the stage has before it in its topics."""
    mine = [place for place in unread if place[0] in topics]
    return Backlog(
        stage=stage,
        unread=sum(unread[place].count for place in mine),
        oldest_at=min((oldest[place] for place in mine if place in oldest), default=None),
    )


def unread_of(ranges: Mapping[Place, LogRange], positions: Mapping[Place, int]) -> dict[Place, LogRange]:
    """What stands behind the positions, which are next offsets; without one everything does. Only what is not empty."""
    starts = {place: max(log_range.start, positions.get(place, 0)) for place, log_range in ranges.items()}
    return {place: LogRange(starts[place], ranges[place].end) for place in ranges if starts[place] < ranges[place].end}


def oldest_of(settings: Settings, unread: Mapping[Place, LogRange]) -> dict[Place, datetime]:
    """When the first record of each range was appended. Raises KafkaUnreachable."""
    firsts = {place: [log_range.start] for place, log_range in unread.items()}
    return {
        (record.topic, record.partition): datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
        for record in read_positions(settings, firsts)
    }


def _committed(settings: Settings, log: LogOffsets, ranges: Mapping[Place, LogRange]) -> dict[Place, int]:
    """How far each topic's reader is."""
    positions: dict[Place, int] = {}
    for reader in dict.fromkeys(stage.reader for stage in LOG_STAGES):
        topics = {settings.topic(topic) for stage in LOG_STAGES if stage.reader == reader for topic in stage.topics}
        positions |= log.committed(
            f"{settings.topic_prefix}{reader}", [place for place in ranges if place[0] in topics]
        )
    return positions
