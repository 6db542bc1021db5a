"""How long senders wait: a log-bucketed histogram of whole response times, per route and status."""

import time
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headrace.events.receipts import IngestLatencyMeasured, LatencyBucket

#: Upper bounds, microseconds: four to the doubling from 100 µs to about a minute, so a quantile is off by 19 % at most.
BOUNDS_US = tuple(round(100 * 2 ** (step / 4)) for step in range(78))
#: Bound of whatever took longer still.
OVERFLOW_US = 2**31 - 1
UNMATCHED = "unmatched"
#: Nobody was left to answer.
CLIENT_GONE = 499


@dataclass
class Histogram:
    """Response times of one route and status."""

    count: int = 0
    sum_us: int = 0
    max_us: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_US) + 1))

    def observe(self, us: int) -> None:
        """Counts one response."""
        self.count += 1
        self.sum_us += us
        self.max_us = max(self.max_us, us)
        self.buckets[bisect_left(BOUNDS_US, us)] += 1

    def add(self, other: "Histogram") -> None:
        """Adds another histogram's responses."""
        self.count += other.count
        self.sum_us += other.sum_us
        self.max_us = max(self.max_us, other.max_us)
        self.buckets = [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)]


Histograms = dict[tuple[str, int], Histogram]


class LatencyRecorder:
    """Collects windows, and totals since the start for Prometheus."""

    def __init__(self, started_at: datetime) -> None:
        self._window: Histograms = {}
        self._window_start = started_at
        self._totals: Histograms = {}

    def observe(self, route: str, status: int, us: int) -> None:
        """Counts one response in the open window."""
        key = (route, status)
        histogram = self._window.get(key)
        if histogram is None:
            histogram = self._window[key] = Histogram()
        histogram.observe(us)

    def close_window(self, now: datetime, process_id: str) -> list[IngestLatencyMeasured]:
        """The events of the window that ends now; a new one starts."""
        window, start = self._window, self._window_start
        self._window, self._window_start = {}, now
        for key, histogram in window.items():
            self._totals.setdefault(key, Histogram()).add(histogram)
        return [_measured(process_id, key, histogram, start, now) for key, histogram in window.items()]

    def totals(self) -> Histograms:
        """All responses since the start."""
        totals: Histograms = {}
        for histograms in (self._totals, self._window):
            for key, histogram in histograms.items():
                totals.setdefault(key, Histogram()).add(histogram)
        return totals


class LatencyMiddleware:
    """Measures POSTs only: health checks and scrapes would blur what senders see."""

    def __init__(self, app: ASGIApp, recorder: LatencyRecorder, route: str) -> None:
        """`route`: the label. Paths that are no webhook route share one, or a scanner could make thousands."""
        self._app = app
        self._recorder = recorder
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter_ns()
        status = CLIENT_GONE

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        except Exception:
            status = 500
            raise
        finally:
            us = (time.perf_counter_ns() - started) // 1000
            self._recorder.observe(self._route, status, us)


def _measured(
    process_id: str, key: tuple[str, int], histogram: Histogram, start: datetime, end: datetime
) -> IngestLatencyMeasured:
    counted = zip((*BOUNDS_US, OVERFLOW_US), histogram.buckets, strict=True)
    return IngestLatencyMeasured(
        process_id=process_id,
        route=key[0],
        status=key[1],
        window_start=start,
        window_end=end,
        count=histogram.count,
        sum_us=histogram.sum_us,
        max_us=histogram.max_us,
        buckets=tuple(LatencyBucket(le_us=bound, count=count) for bound, count in counted if count),
    )
