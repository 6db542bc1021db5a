"""What may be called missing: only what had its chance. Waits until everything a verdict led to has been projected.

The chain is webhooks.* → (dedupe) → receipts, inbox → (resolve) → messages → (request) → jobs; each of receipts,
messages and jobs → (project) → rows. Every stage has
its output acknowledged before its offset is committed. So whatever stands below a committed offset now has its
output below the *end offsets read afterwards*; once the next stage has committed those, the same holds for it.
"""

import time
from collections.abc import Callable, Iterable, Mapping

import msgspec

from headrace.events.topics import (
    DEAD_LETTERS,
    INBOX,
    INBOX_BULK,
    JOBS,
    MESSAGES,
    RECEIPTS,
    WEBHOOK_TOPICS,
    WEBHOOKS_BULK,
    Topic,
)
from headrace.kafka.log_offsets import LogOffsets, LogRange, Place
from headrace.settings import Settings

#: Reads the projections' next offsets by place.
ReadPositions = Callable[[], Mapping[Place, int]]

_PAUSE = 0.2


class Settled(msgspec.Struct, frozen=True):
    """How far each partition of webhooks.* is judged, and whether all that follows from it must be rows by now."""

    #: Range of each partition of webhooks.* in the log.
    ranges: dict[Place, LogRange]
    #: Records below this offset have their verdict in the log.
    judged_to: dict[Place, int]
    #: Their verdicts are projected.
    verdicts: bool
    #: What fresh webhooks of each topic led to is projected, by topic on the broker.
    facts: dict[str, bool]


def settle(settings: Settings, log: LogOffsets, read_positions: ReadPositions, wait_seconds: float) -> Settled:
    """Take a cut through the log as of now, and wait until the projections have passed it, at most so long."""
    deadline = time.monotonic() + wait_seconds
    ranges = log.ranges([settings.topic(topic) for topic in WEBHOOK_TOPICS])
    judged_to = _awaited(lambda: _judged_to(settings, log, ranges), ranges, deadline)
    # From here on, everything is read after the commits above: that order is the proof.
    verdicts = _Goal(log, settings, (RECEIPTS, DEAD_LETTERS))
    lanes = {lane: _Lane(settings, log, lane) for lane in (INBOX, INBOX_BULK)}
    while True:
        positions = read_positions()
        done = [verdicts.reached(positions), *(lane.reached(positions) for lane in lanes.values())]
        if all(done) or time.monotonic() >= deadline:
            break
        time.sleep(_PAUSE)
    resolved = dict(zip(lanes, done[1:], strict=True))
    facts = {settings.topic(t): resolved[INBOX_BULK if t is WEBHOOKS_BULK else INBOX] for t in WEBHOOK_TOPICS}
    return Settled(ranges, dict(judged_to), done[0], facts)


class JobsSettled(msgspec.Struct, frozen=True):
    """How far messages have their jobs, and how far the jobs' own log has become rows."""

    #: Range of each partition of `messages`, as the wait began.
    messages: dict[Place, LogRange]
    #: Messages below this offset are rows, and their jobs are asked for in the log.
    asked_to: dict[Place, int]
    #: Range of each partition of `jobs`, read after the requests below `asked_to` were written.
    jobs: dict[Place, LogRange]
    #: Job events below this offset are rows.
    projected_to: dict[Place, int]
    #: All dead letters as of then are projected.
    letters: bool

    def is_projected(self, place: Place) -> bool:
        """True when the jobs in this partition of `jobs` stand as the log says, and so do their dead letters."""
        return self.letters and self.projected_to[place] >= self.jobs[place].end


def settle_jobs(settings: Settings, log: LogOffsets, read_positions: ReadPositions, wait_seconds: float) -> JobsSettled:
    """Take a cut through `messages` as of now, and wait until its jobs are rows, at most so long."""
    deadline = time.monotonic() + wait_seconds
    messages = log.ranges([settings.topic(MESSAGES)])
    group = group_of(settings, JOBS)
    committed = _awaited(lambda: log.committed(group, messages), messages, deadline)
    # Read after the commits: whatever they brought about stands below these ends.
    ends = log.ranges([settings.topic(JOBS), settings.topic(DEAD_LETTERS)])
    positions = _awaited(read_positions, {**messages, **ends}, deadline)
    jobs = {place: log_range for place, log_range in ends.items() if place[0] == settings.topic(JOBS)}
    letters = {place: log_range for place, log_range in ends.items() if place not in jobs}
    return JobsSettled(
        messages=messages,
        asked_to={
            place: min(_reached(committed, place, log_range), _reached(positions, place, log_range), log_range.end)
            for place, log_range in messages.items()
        },
        jobs=jobs,
        projected_to={
            place: min(_reached(positions, place, log_range), log_range.end) for place, log_range in jobs.items()
        },
        letters=_passed(letters, positions),
    )


def group_of(settings: Settings, topic: Topic) -> str:
    """The consumer group that judges a topic of webhooks.*, reads the inbox, or asks for jobs."""
    return f"{settings.topic_prefix}{topic.readers[0]}"


def _judged_to(settings: Settings, log: LogOffsets, ranges: Mapping[Place, LogRange]) -> dict[Place, int]:
    judged: dict[Place, int] = {}
    for topic in WEBHOOK_TOPICS:
        places = [place for place in ranges if place[0] == settings.topic(topic)]
        committed = log.committed(group_of(settings, topic), places)
        judged |= {place: max(committed.get(place, 0), ranges[place].start) for place in places}
    # A commit can be ahead of the end that was read a moment before it.
    return {place: min(offset, ranges[place].end) for place, offset in judged.items()}


class _Goal:
    """The ends of some topics, to be reached by their projections."""

    def __init__(self, log: LogOffsets, settings: Settings, topics: Iterable[Topic]) -> None:
        self._ranges = log.ranges([settings.topic(topic) for topic in topics])

    def reached(self, positions: Mapping[Place, int]) -> bool:
        return _passed(self._ranges, positions)


class _Lane:
    """One inbox: first the resolver has to pass its end, then the projections what the resolver wrote."""

    def __init__(self, settings: Settings, log: LogOffsets, inbox: Topic) -> None:
        self._settings = settings
        self._log = log
        self._group = group_of(settings, inbox)
        self._inbox = log.ranges([settings.topic(inbox)])
        self._rows: _Goal | None = None

    def reached(self, positions: Mapping[Place, int]) -> bool:
        if self._rows is None and _passed(self._inbox, self._log.committed(self._group, self._inbox)):
            self._rows = _Goal(self._log, self._settings, (MESSAGES, DEAD_LETTERS))
        return self._rows is not None and self._rows.reached(positions)


def _awaited(read: ReadPositions, ranges: Mapping[Place, LogRange], deadline: float) -> Mapping[Place, int]:
    """What `read` says once it has passed the ranges, or when the time is over."""
    while True:
        positions = read()
        if _passed(ranges, positions) or time.monotonic() >= deadline:
            return positions
        time.sleep(_PAUSE)


def _reached(positions: Mapping[Place, int], place: Place, log_range: LogRange) -> int:
    """A place without position is at its start: nothing older is left to be read."""
    return max(positions.get(place, 0), log_range.start)


def _passed(ranges: Mapping[Place, LogRange], positions: Mapping[Place, int]) -> bool:
    return all(_reached(positions, place, log_range) >= log_range.end for place, log_range in ranges.items())
