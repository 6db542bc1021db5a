"""Posts webhooks from a process of its own, at so little cost that the server is what is measured.

A raw protocol on uvloop: about a quarter of what the lightest server spends on a request, where a full client
(httpx, aiohttp) spends more than the server. Run as `python -m bench.http_load PLAN`; prints a LoadReport.
"""

import asyncio
import resource
import sys
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable
from typing import cast

import msgspec
import uvloop

from bench.quantiles import quantiles
from bench.webhooks import Traffic, templates

#: Seconds that the last answers may take after the last request was due.
_PATIENCE = 30.0
_TICK = 0.001
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length: "


class LoadPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to post. With a rate the loop is open: requests are due at fixed times, whatever the server does.

    Without one it is closed: each connection posts again when it was answered.
    """

    port: int
    traffic: Traffic
    #: The number of the first webhook; the others follow.
    first: int = 0
    connections: int = 32
    #: How long, or how many in all: one of the two.
    seconds: float | None = None
    count: int | None = None
    rate: float | None = None


class LoadReport(msgspec.Struct, frozen=True, kw_only=True):
    """What happened. Latencies of an open loop count from when a request was due, also while it waited unsent."""

    #: Wall clock (seconds since the epoch) of the start: request n of an open loop was due at started + n / rate.
    started: float
    seconds: float
    #: Answers by status.
    statuses: dict[int, int]
    p50_ms: float
    p99_ms: float
    max_ms: float
    #: p99 of how late this program itself sent, had a connection been free. Open loop only.
    own_lag_p99_ms: float
    cpu_seconds: float

    @property
    def answered(self) -> int:
        """Answers in all."""
        return sum(self.statuses.values())

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return self.answered / self.seconds

    @property
    def refused(self) -> int:
        """Answers other than 200."""
        return self.answered - self.statuses.get(200, 0)


def response_status(data: bytes) -> int | None:
    """The status of a response once it is complete, None before. Raises ValueError for one without a length."""
    end = data.find(_END_OF_HEAD)
    if end < 0:
        return None
    at = data.find(_LENGTH, 0, end + 2)
    if at < 0:
        raise ValueError("a response without content-length")
    length = int(data[at + len(_LENGTH) : data.index(b"\r", at)])
    return int(data[9:12]) if len(data) >= end + len(_END_OF_HEAD) + length else None


class _Connection(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, on_answer: Callable[["_Connection", int], None], on_loss: Callable[[], None]) -> None:
        self.due = 0.0
        self._on_answer = on_answer
        self._on_loss = on_loss
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are asyncio's in all but their base class.
        self._transport = cast(asyncio.Transport, transport)

    def post(self, request: bytes, due: float) -> None:
        self.due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        status = response_status(self._received)
        if status is not None:
            self._received = b""
            self._on_answer(self, status)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the name is asyncio's
        self._on_loss()

    def close(self) -> None:
        self._on_loss = lambda: None
        self._transport.close()


class Load:
    """One run of a plan."""

    def __init__(self, plan: LoadPlan) -> None:
        self._plan = plan
        self._templates = templates(plan.traffic)
        self._idle: deque[_Connection] = deque()
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._statuses: Counter[int] = Counter()
        self._latencies = array("d")
        self._lags = array("d", [0.0])
        self._posted = 0
        self._begin = 0.0
        self._ended = asyncio.Event()
        self._lost = False

    async def run(self) -> LoadReport:
        loop = asyncio.get_running_loop()
        connections = []
        for _ in range(self._plan.connections):
            _, one = await loop.create_connection(self._connection, "127.0.0.1", self._plan.port)
            connections.append(one)
        started, cpu = time.time(), _cpu_seconds()
        self._begin = time.perf_counter()
        if self._plan.rate is None:
            for one in connections:
                self._post_next(one, self._begin)
        else:
            self._idle.extend(connections)
            self._tick(self._plan.rate)
        await asyncio.wait_for(self._ended.wait(), self._longest())
        seconds = time.perf_counter() - self._begin
        for one in connections:
            one.close()
        if self._lost:
            raise ConnectionError("the server closed a connection")
        p50, p99, longest = (1000 * latency for latency in quantiles(self._latencies, (0.5, 0.99, 1)))
        return LoadReport(
            started=started,
            seconds=seconds,
            statuses=dict(self._statuses),
            p50_ms=p50,
            p99_ms=p99,
            max_ms=longest,
            own_lag_p99_ms=1000 * quantiles(self._lags, (0.99,))[0],
            cpu_seconds=_cpu_seconds() - cpu,
        )

    def _connection(self) -> _Connection:
        answered = self._answered_closed if self._plan.rate is None else self._answered_open
        return _Connection(answered, self._on_loss)

    def _longest(self) -> float | None:
        return None if self._plan.seconds is None else self._plan.seconds + _PATIENCE

    def _request(self) -> bytes:
        number = self._plan.first + self._posted
        self._posted += 1
        return self._templates[number % len(self._templates)].request(number)

    def _is_over(self, elapsed: float) -> bool:
        seconds, count = self._plan.seconds, self._plan.count
        return (seconds is not None and elapsed >= seconds) or (count is not None and self._posted >= count)

    def _post_next(self, connection: _Connection, now: float) -> None:
        if not self._is_over(now - self._begin):
            connection.post(self._request(), now)
        elif self._answers() >= self._posted:
            self._ended.set()

    def _answered_closed(self, connection: _Connection, status: int) -> None:
        now = self._answered(connection, status)
        self._post_next(connection, now)

    def _answered_open(self, connection: _Connection, status: int) -> None:
        self._answered(connection, status)
        if self._waiting:
            connection.post(*self._waiting.popleft())
            return
        self._idle.append(connection)
        if self._is_all_posted() and self._answers() >= self._posted:
            self._ended.set()

    def _is_all_posted(self) -> bool:
        return self._plan.rate is not None and self._is_over(self._posted / self._plan.rate)

    def _answered(self, connection: _Connection, status: int) -> float:
        now = time.perf_counter()
        self._latencies.append(now - connection.due)
        self._statuses[status] += 1
        return now

    def _answers(self) -> int:
        return len(self._latencies)

    def _tick(self, rate: float) -> None:
        now = time.perf_counter()
        while not self._is_all_posted() and (due := self._begin + self._posted / rate) <= now:
            self._lags.append(now - due)
            request = self._request()
            if self._idle:
                self._idle.popleft().post(request, due)
            else:
                self._waiting.append((request, due))
        if not self._is_all_posted():
            asyncio.get_running_loop().call_later(_TICK, self._tick, rate)

    def _on_loss(self) -> None:
        self._lost = True
        self._ended.set()


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Run the plan given as JSON and print the report as JSON."""
    plan = msgspec.json.decode(sys.argv[1], type=LoadPlan)
    report = uvloop.run(Load(plan).run())
    sys.stdout.write(msgspec.json.encode(report).decode())


if __name__ == "__main__":
    main()
