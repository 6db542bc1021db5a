"""When did a webhook's row become visible? Asked so cheaply that the answer is not about the question.

Rows and the projection's position are committed together. So it is enough to read the four positions every few
milliseconds while webhooks come, and to look up each row's offset afterwards.
"""

import threading
import time
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple, Self

import psycopg

from bench.failure import BenchmarkFailed
from headrace.events.topics import MESSAGES
from headrace.settings import Settings
from projections.projectors.leads import PROJECTION as LEADS
from projections.schemas import proj_schema
from projections.versions import FIRST_VERSION

#: Seconds between two readings: delays are at most this much too long, never too short.
INTERVAL = 0.025
_COUNT_INTERVAL = 1.0

_POSITIONS = """
SELECT partition, next_offset FROM ctl.projection_offsets WHERE projection = %s AND version = %s AND topic = %s
"""
_COUNT = f"SELECT count(*) FROM {proj_schema(FIRST_VERSION)}.messages WHERE received_at >= %s"  # noqa: S608 - no input
_ROWS = f"""
SELECT substring(text FROM 'No\\. (\\d{{10}}): ')::bigint, src_partition, src_offset
FROM {proj_schema(FIRST_VERSION)}.messages WHERE received_at >= %s
"""  # noqa: S608


class Row(NamedTuple):
    """A webhook's row, and when (seconds since the epoch) it could be read."""

    number: int
    visible: float


class Timeline:
    """Positions over time: of each partition, when it went past an offset."""

    def __init__(self) -> None:
        self._positions: dict[int, list[int]] = {}
        self._times: dict[int, list[float]] = {}

    def note(self, at: float, next_offsets: Iterable[tuple[int, int]]) -> None:
        """The positions read at a time; times ascend."""
        for partition, next_offset in next_offsets:
            known = self._positions.setdefault(partition, [])
            if not known or known[-1] != next_offset:
                known.append(next_offset)
                self._times.setdefault(partition, []).append(at)

    def passed(self, partition: int, offset: int) -> float:
        """The first reading with a position beyond the offset. KeyError when there was none."""
        at = bisect_right(self._positions[partition], offset)
        if at == len(self._times[partition]):
            raise KeyError((partition, offset))
        return self._times[partition][at]


class RowWatch:
    """Reads positions from `__enter__` on, in a thread of its own."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.database_url
        self._topic = settings.topic(MESSAGES)
        self._timeline = Timeline()
        self._stopping = threading.Event()
        self._since = datetime.now(UTC)
        self._thread = threading.Thread(target=self._read, name="row-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def wait_for(self, count: int, seconds: float) -> list[Row]:
        """All rows since the watch began, once there are so many. Raises BenchmarkFailed when time is up."""
        deadline = time.monotonic() + seconds
        with psycopg.connect(self._url, autocommit=True) as connection:
            while (found := self._count(connection)) < count:
                if time.monotonic() > deadline:
                    raise BenchmarkFailed(f"after {seconds:.0f} s only {found:,} of {count:,} webhooks have a row")
                time.sleep(_COUNT_INTERVAL)
            time.sleep(2 * INTERVAL)
            rows = connection.execute(_ROWS, [self._since]).fetchall()
        return [Row(number, self._timeline.passed(partition, offset)) for number, partition, offset in rows]

    def _count(self, connection: "psycopg.Connection[tuple[object, ...]]") -> int:
        found = connection.execute(_COUNT, [self._since]).fetchone()
        assert found is not None
        return int(str(found[0]))

    def _read(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._stopping.wait(INTERVAL):
                rows = connection.execute(_POSITIONS, [LEADS.name, FIRST_VERSION, self._topic]).fetchall()
                self._timeline.note(time.time(), rows)


def delays(rows: Iterable[Row], due: Mapping[int, float]) -> list[tuple[float, float]]:
    """(due, delay) of every row whose webhook has a due time, in the order of due times; seconds."""
    return sorted((due[row.number], row.visible - due[row.number]) for row in rows if row.number in due)
