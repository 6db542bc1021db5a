"""How far each projection is behind the broker, since when, how fast it moves, and whether anybody is working on it.

Speed is what positions did between two readings, and a projection that is behind without moving is told from one that
is followed: a heartbeat alone says no more than that a process lives. So does a lag of nothing: what the pipeline has
not judged is no record yet that could be behind, and a reading tells how the stages before the rows stand.
"""

import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
import psycopg

from headrace.kafka.backlogs import oldest_of, unread_of
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.offsets import OffsetRange, Partition
from headrace.settings import Settings
from headrace.stages import REPLY_GOAL, StageAge
from operations.stages.stage_ages import log_stage_ages
from projections.connection import libpq_url
from projections.named_sql import NamedSql
from projections.registry import ALL_PROJECTIONS

_SQL = NamedSql(__file__)
#: A projection without a sign of life for so long is stale, seconds.
STALE_SECONDS = 60.0
#: Seconds that a speed is the mean of, at most.
_SPEED_SECONDS = 30.0

#: (projection, place)
_Part = tuple[str, Partition]


class ProjectionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One projection, compared with the broker's end offsets of this moment."""

    projection: str
    topic: str
    #: Records that are not rows yet.
    lag: int
    #: Since the oldest sign of life among its partitions; None when a partition never gave one.
    heartbeat_age_seconds: float | None
    #: Records it refused and set aside.
    open_dead_letters: int
    is_stale: bool
    #: Records that became rows, between readings; None after a single one.
    events_per_second: float | None = None
    #: Until nothing is left, at the speed at which the lag shrinks; None when it does not.
    eta_seconds: float | None = None
    #: Somebody is alive, and yet some partition is behind and has not moved for so long; None where all is well.
    standing_seconds: float | None = None
    #: Records that are rows, and that Kafka has no more; see `headrace proj truncated`.
    beyond_end: int = 0
    #: Since the oldest record that is no row was written, at most; None when none is.
    oldest_seconds: float | None = None
    #: That is longer than a record should wait to become a row.
    is_late: bool = False

    @property
    def is_well(self) -> bool:
        """False when somebody should look at it."""
        return not (self.is_stale or self.is_late or self.beyond_end) and self.standing_seconds is None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker and Postgres said at a moment."""

    #: Seconds of a clock that only goes forward.
    at: float
    ranges: Mapping[Partition, OffsetRange]
    #: The next offset and the age of the last sign of life, in seconds.
    positions: Mapping[_Part, tuple[int, float]]
    #: The age of the workers' last look at the broker.
    observed: Mapping[Partition, float]
    #: Open dead letters by projection.
    letters: Mapping[str, int]
    #: The age in seconds of the oldest record that is no row, where there is one.
    waiting: Mapping[_Part, float] = {}
    #: How the stages stand whose work becomes records of these topics.
    stages: tuple[StageAge, ...] = ()

    def position(self, part: _Part) -> int:
        """The next offset to be projected; the log's start where there is none."""
        start = self.ranges[part[1]].start
        return max(start, self.positions.get(part, (start, 0.0))[0])

    def lag(self, part: _Part) -> int:
        """Records of a partition that are not rows yet."""
        return max(0, self.ranges[part[1]].end - self.position(part))

    def heartbeat(self, part: _Part) -> float | None:
        """The age of the last sign of life."""
        ages = [self.positions[part][1]] if part in self.positions else []
        ages += [self.observed[part[1]]] if part[1] in self.observed else []
        return min(ages, default=None)


class StatusOverTime:
    """Puts readings together. `topics`: projection → its topic on the broker."""

    def __init__(self, topics: Mapping[str, str]) -> None:
        self._topics = topics
        self._readings: deque[Reading] = deque()
        #: When a partition was last seen to move or to have nothing to do.
        self._moved_at: dict[_Part, float] = {}

    def take(self, reading: Reading) -> list[ProjectionStatus]:
        """The status of every projection as of this reading, with what changed since earlier ones."""
        before = self._readings[-1] if self._readings else None
        for name, topic in self._topics.items():
            for part in _parts(reading, name, topic):
                stands = before is not None and before.lag(part) > 0 and before.position(part) == reading.position(part)
                if not (stands and reading.lag(part) > 0):
                    self._moved_at[part] = reading.at
        self._readings.append(reading)
        while len(self._readings) > 2 and reading.at - self._readings[0].at > _SPEED_SECONDS:
            self._readings.popleft()
        return [self._status(name, topic, reading) for name, topic in self._topics.items()]

    def _status(self, name: str, topic: str, reading: Reading) -> ProjectionStatus:
        parts = _parts(reading, name, topic)
        ages = [reading.heartbeat(part) for part in parts]
        known = [age for age in ages if age is not None]
        oldest = max(known) if known and len(known) == len(ages) else None
        is_stale = oldest is None or oldest > STALE_SECONDS
        standing = max((reading.at - self._moved_at[part] for part in parts), default=0.0)
        lag = sum(reading.lag(part) for part in parts)
        speed, shrinking = self._speeds(parts, reading)
        oldest_seconds = max((reading.waiting[part] for part in parts if part in reading.waiting), default=None)
        return ProjectionStatus(
            projection=name,
            topic=topic,
            lag=lag,
            heartbeat_age_seconds=None if oldest is None else round(oldest, 1),
            open_dead_letters=reading.letters.get(name, 0),
            is_stale=is_stale,
            events_per_second=None if speed is None else round(speed, 1),
            eta_seconds=_eta(lag, shrinking),
            standing_seconds=round(standing, 1) if standing > 0 and not is_stale else None,
            beyond_end=sum(self._beyond_end(part, reading) for part in parts),
            oldest_seconds=None if oldest_seconds is None else round(oldest_seconds, 1),
            is_late=oldest_seconds is not None and oldest_seconds > REPLY_GOAL,
        )

    def _beyond_end(self, part: _Part, reading: Reading) -> int:
        """By the reading before: a position that was read after the end may be ahead of it for a moment."""
        before = self._readings[-2] if len(self._readings) > 1 else None
        if before is None or part not in before.positions or part not in reading.positions:
            return 0
        position = min(before.positions[part][0], reading.positions[part][0])
        return max(0, position - reading.ranges[part[1]].end)

    def _speeds(self, parts: list[_Part], reading: Reading) -> tuple[float | None, float | None]:
        """Records a second that became rows, and by which the lag shrinks."""
        first = self._readings[0]
        seconds = reading.at - first.at
        if seconds <= 0:
            return None, None
        earlier = [part for part in parts if part[1] in first.ranges]
        moved = sum(reading.position(part) - first.position(part) for part in earlier)
        shrunk = sum(first.lag(part) - reading.lag(part) for part in earlier)
        return moved / seconds, shrunk / seconds


def _parts(reading: Reading, name: str, topic: str) -> list[_Part]:
    return [(name, place) for place in reading.ranges if place[0] == topic]


def _eta(lag: int, shrinking: float | None) -> float | None:
    if shrinking is None:
        return None
    if lag == 0:
        return 0.0
    return round(lag / shrinking, 1) if shrinking > 0 else None


def topics_of(settings: Settings) -> dict[str, str]:
    """Projection → its topic on the broker."""
    return {projection.name: settings.topic(projection.topic) for projection in ALL_PROJECTIONS}


def projection_status(settings: Settings) -> list[ProjectionStatus]:
    """The status of every projection, by one reading. Raises KafkaUnreachable, TopicsMissing or psycopg.Error."""
    return StatusOverTime(topics_of(settings)).take(read_now(settings, LogOffsets(settings)))


def read_now(settings: Settings, log: LogOffsets) -> Reading:
    """Ask the broker and Postgres. Raises KafkaUnreachable, TopicsMissing or psycopg.Error."""
    stages = log_stage_ages(settings, log, datetime.now(UTC))
    with psycopg.connect(libpq_url(settings.database_url), autocommit=True, connect_timeout=5) as connection:
        # Ends first: what was projected a moment later must not look like records that are not there yet.
        ranges = log.ranges(topics_of(settings).values())
        positions = {
            (name, (topic, partition)): (next_offset, age)
            for name, topic, partition, next_offset, age in connection.execute(_SQL["positions"])
        }
        return Reading(
            at=time.monotonic(),
            ranges=ranges,
            positions=positions,
            observed={(topic, partition): age for topic, partition, age in connection.execute(_SQL["observed"])},
            letters=dict(connection.execute(_SQL["letters"]).fetchall()),
            waiting=_waiting(settings, ranges, positions),
            stages=tuple(stages),
        )


def _waiting(
    settings: Settings, ranges: Mapping[Partition, OffsetRange], positions: Mapping[_Part, tuple[int, float]]
) -> dict[_Part, float]:
    """The age of the oldest record that is no row, by projection and place."""
    names = {topic: name for name, topic in topics_of(settings).items()}
    behind = unread_of(ranges, {place: next_offset for (_, place), (next_offset, _) in positions.items()})
    oldest, now = oldest_of(settings, behind), datetime.now(UTC)
    return {(names[place[0]], place): max(0.0, (now - at).total_seconds()) for place, at in oldest.items()}
