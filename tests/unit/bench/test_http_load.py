"""The load generator posts what it says, counts every answer, and counts waiting as latency."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bench.http_load import Load, LoadPlan, response_status

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"


def test_a_response_counts_once_it_is_complete() -> None:
    assert [response_status(OK[:length]) for length in (0, 20, len(OK) - 1, len(OK))] == [None, None, None, 200]
    assert response_status(BUSY) == 503


def test_a_response_without_a_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="content-length"):
        response_status(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")


class Server(asyncio.Protocol):
    """Answers in two pieces, `delay` seconds after each request; `busy` names the one that is refused."""

    def __init__(self, bodies: list[bytes], delay: float, busy: int) -> None:
        self._bodies = bodies
        self._delay = delay
        self._busy = busy
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        head, _, body = (self._received + data).partition(b"\r\n\r\n")
        self._received += data
        if len(body) == int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]):
            self._received = b""
            self._bodies.append(body)
            answer = BUSY if len(self._bodies) == self._busy else OK
            asyncio.get_running_loop().call_later(self._delay, self._answer, answer)

    def _answer(self, answer: bytes) -> None:
        self._transport.write(answer[:30])
        asyncio.get_running_loop().call_soon(self._transport.write, answer[30:])


@asynccontextmanager
async def server(delay: float = 0, busy: int = 0) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Gives its port and the bodies it got."""
    bodies: list[bytes] = []
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Server(bodies, delay, busy), "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1], bodies
    finally:
        listening.close()


async def test_a_closed_loop_posts_the_whole_count_and_no_webhook_twice() -> None:
    async with server(busy=7) as (port, bodies):
        report = await Load(LoadPlan(port=port, traffic="replies", count=40, connections=3)).run()
    assert report.statuses == {200: 39, 503: 1}
    assert report.refused == 1
    assert len(set(bodies)) == 40


async def test_an_open_loop_posts_at_its_rate_whatever_the_server_does() -> None:
    async with server() as (port, bodies):
        report = await Load(
            LoadPlan(port=port, traffic="linkedin", first=500, seconds=0.2, rate=200, connections=2)
        ).run()
    assert report.answered == len(bodies) == 40
    assert b"m-0000000500" in bodies[0]


async def test_waiting_for_a_connection_is_part_of_the_latency() -> None:
    async with server(delay=0.05) as (port, _):
        report = await Load(LoadPlan(port=port, traffic="linkedin", seconds=0.1, rate=100, connections=1)).run()
    # Ten requests due within 0.1 s, each taking 0.05 s on the only connection: the last one waits for the others.
    assert report.answered == 10
    assert report.max_ms >= 10 * 50 - 100


async def test_a_lost_connection_is_an_error() -> None:
    class HangsUp(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transport.close()

    listening = await asyncio.get_running_loop().create_server(HangsUp, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    with pytest.raises(ConnectionError):
        await Load(LoadPlan(port=port, traffic="linkedin", count=5, connections=1)).run()
    listening.close()
