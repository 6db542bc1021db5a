"""Real connections to a real server with limits: who keeps to HTTP is answered, and nobody takes more than a share."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from ingest import connections
from ingest.connections import Connections, Stage
from ingest.http_protocol import MOST_HEADERS, MOST_PIPELINED, limited_protocol


class Server:
    """Echoes bodies. A path `/wait` is answered when the test says so."""

    def __init__(self, port: int, limits: Connections, given_up: list[Stage]) -> None:
        self.port = port
        self.limits = limits
        self.given_up = given_up
        self.bodies: list[bytes] = []
        self.waiting = asyncio.Semaphore(0)
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        self.bodies.append(body)
        if scope["path"] == "/wait":
            self.waiting.release()
            await self.go_on.wait()
        length = str(len(body)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": body})

    async def exchange(self, *pieces: bytes, eof: bool = True) -> bytes:
        """Sends the pieces one by one and reads until the server closes; a reset is an end too."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        received = b""
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if eof:
                writer.write_eof()
            while chunk := await reader.read(65_536):
                received += chunk
        except ConnectionError:
            pass
        finally:
            writer.close()
        return received


@asynccontextmanager
async def serving(most: int = 100) -> AsyncIterator[Server]:
    listener = socket.create_server(("127.0.0.1", 0))
    given_up: list[Stage] = []
    limits = Connections(most, given_up.append)
    app = Server(listener.getsockname()[1], limits, given_up)
    config = uvicorn.Config(
        app,
        http=limited_protocol(limits),  # type: ignore[arg-type]
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve([listener]))
    while not server.started:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.01)
    try:
        yield app
    finally:
        app.go_on.set()
        server.should_exit = True
        await running


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


def post(body: bytes = b"{}", *headers: bytes, path: bytes = b"/x", close: bool = True) -> bytes:
    lines = [b"POST " + path + b" HTTP/1.1", b"host: x", b"content-length: %d" % len(body), *headers]
    if close:
        lines.append(b"connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


CHUNKED = b"POST /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", answers)]


@pytest.mark.parametrize(
    "head",
    [
        post(b"{}", *[b"a: b"] * (MOST_HEADERS + 1)),
        post(b"{}", b"a: " + b"b" * 100_000),
        post(b"{}", path=b"/" + b"x" * 100_000),
        post(b"{}", path=b"/x?" + b"x=1&" * 20_000),
        b"POST /x HTTP/1.1\r\nhost: x\r\na: " + b"b" * 100_000,
        b"POST /x HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 100_000,
    ],
    ids=["many", "long", "path", "query", "endless header", "endless headers"],
)
async def test_a_head_beyond_the_limits_is_refused(server: Server, head: bytes) -> None:
    answer = await server.exchange(head, eof=False)
    # So much may be under way when the server hangs up that the answer is lost with it.
    assert statuses(answer) in ([431], [])
    assert server.bodies == []


async def test_the_refusal_is_a_problem_that_names_the_limits(server: Server) -> None:
    answer = await server.exchange(post(b"{}", *[b"a: b"] * (MOST_HEADERS + 1)))
    assert statuses(answer) == [431]
    assert b"application/problem+json" in answer
    assert b"100 header fields" in answer


@pytest.mark.parametrize("trailer", [b"a: b\r\n" * 10_000, b"a: " + b"b" * 100_000])
async def test_what_follows_a_body_is_limited_too(server: Server, trailer: bytes) -> None:
    assert statuses(await server.exchange(CHUNKED + b"1\r\n{\r\n0\r\n", trailer, eof=False)) in ([431], [])
    assert server.bodies == []


async def test_a_large_head_within_the_limits_is_read(server: Server) -> None:
    assert statuses(await server.exchange(post(b"{}", b"a: " + b"b" * 30_000, *[b"a: b"] * 90))) == [200]


async def test_a_few_pipelined_requests_are_answered_in_turn(server: Server) -> None:
    requests = [post(b"%d" % number, close=number == MOST_PIPELINED - 1) for number in range(MOST_PIPELINED)]
    assert statuses(await server.exchange(b"".join(requests), eof=False)) == [200] * MOST_PIPELINED
    assert server.bodies == [b"%d" % number for number in range(MOST_PIPELINED)]


async def test_whoever_pipelines_without_end_is_cut_off(server: Server) -> None:
    flood = post(path=b"/wait", close=False) + post(close=False) * 10_000
    assert await server.exchange(flood, eof=False) == b""
    assert len(server.bodies) == 1
    assert statuses(await server.exchange(post())) == [200]


async def test_bodies_of_requests_that_wait_their_turn_are_limited(server: Server) -> None:
    flood = post(path=b"/wait", close=False) + post(b"x" * 1_000_000, close=False)
    assert await server.exchange(flood, eof=False) == b""


async def test_garbage_is_not_taken_for_the_answer_of_the_request_before(server: Server) -> None:
    assert await server.exchange(post(path=b"/wait", close=False), b"\x00garbage\r\n\r\n", eof=False) == b""


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\r\n\r\n\r\n",
        b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 2, 2\r\n\r\n{}",
        b"POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: +2\r\n\r\n{}",
        b"CONNECT host:1 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
)
async def test_what_is_no_request_reaches_nobody(server: Server, request_bytes: bytes) -> None:
    assert statuses(await server.exchange(request_bytes)) in ([400], [])
    assert server.bodies == []
    assert statuses(await server.exchange(post())) == [200]


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c", b"anything"])
async def test_another_protocol_is_not_spoken_and_the_body_is_not_lost(server: Server, protocol: bytes) -> None:
    upgrade = post(b'{"a":1}', b"upgrade: " + protocol, b"connection: keep-alive, upgrade", close=False)
    whole, apart = upgrade + post(b"2"), (upgrade[:-3], upgrade[-3:] + post(b"2"))
    for pieces in ((whole,), apart):
        assert statuses(await server.exchange(*pieces, eof=False)) == [200, 200]
    assert server.bodies == [b'{"a":1}', b"2"] * 2


async def test_older_and_rarer_ways_to_post(server: Server) -> None:
    assert statuses(await server.exchange(b"POST /x HTTP/1.0\r\ncontent-length: 2\r\n\r\n10", eof=False)) == [200]
    expecting = await server.exchange(post(b"", b"expect: 100-continue").replace(b"length: 0", b"length: 2"), b"11")
    assert statuses(expecting) == [100, 200]
    assert statuses(await server.exchange(CHUNKED + b"1\r\n1\r\n1;x=y\r\n2\r\n0\r\nt: u\r\n\r\n")) == [200]
    assert statuses(await server.exchange(post(b"13", path=b"/%00%ff%2e?%00"))) == [200]
    assert server.bodies == [b"10", b"11", b"12", b"13"]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.binary(max_size=40_000), st.booleans()), min_size=1, max_size=4), st.data())
def test_however_the_bytes_are_cut_the_bodies_are_the_same(
    bodies: list[tuple[bytes, bool]], data: st.DataObject
) -> None:
    async def exchanged() -> None:
        async with serving() as server:
            for body, is_chunked in bodies:
                request = CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if is_chunked and body else post(body)
                cuts = sorted(data.draw(st.lists(st.integers(0, len(request)), max_size=6)))
                ends = [*cuts, len(request)]
                pieces = [request[start:end] for start, end in zip([0, *cuts], ends, strict=True)]
                assert statuses(await server.exchange(*pieces)) == [200]
            assert server.bodies == [body for body, _ in bodies]

    asyncio.run(exchanged())


async def test_each_stage_has_its_longest_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(connections, "_LONGEST", dict.fromkeys(("opening", "head", "body", "answer"), 0.3))
    async with serving() as server:
        answers = await asyncio.gather(
            server.exchange(eof=False),
            server.exchange(b"POST /x HTTP/1.1\r\nhost: x\r\na:", eof=False),
            server.exchange(post(b"{}")[:-1], eof=False),
            server.exchange(post(path=b"/wait"), eof=False),
        )
        assert [statuses(answer) for answer in answers] == [[], [408], [], []]
        assert sorted(server.given_up) == ["answer", "body", "head", "opening"]
        assert statuses(await server.exchange(post())) == [200]


async def test_bytes_now_and_then_buy_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(connections, "_LONGEST", {"head": 0.3})
    async with serving() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /x HTTP/1.1\r\nhost: x\r\na: ")
        while not reader.at_eof() and not server.given_up:
            writer.write(b"b")
            await asyncio.sleep(0.02)
        assert statuses(await reader.read()) == [408]
        writer.close()


async def test_one_too_many_takes_the_place_of_those_that_waited_longest() -> None:
    async with serving(most=5) as server:
        idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(5)]
        while len(server.limits) < 5:  # noqa: ASYNC110 - nothing tells when they are accepted
            await asyncio.sleep(0.01)
        assert statuses(await server.exchange(post())) == [200]
        assert await idle[0][0].read() == b""
        for reader, writer in idle[1:]:
            writer.write(post())
            assert statuses(await reader.read()) == [200]
        for _, writer in idle:
            writer.close()
        assert server.given_up == ["opening"]


async def test_nobody_who_is_being_answered_is_cut_off_for_another() -> None:
    async with serving(most=2) as server:
        waiting = [asyncio.create_task(server.exchange(post(path=b"/wait"), eof=False)) for _ in range(2)]
        for _ in waiting:
            await server.waiting.acquire()
        assert statuses(await server.exchange(post())) == [200]
        server.go_on.set()
        assert [statuses(await one) for one in waiting] == [[200], [200]]
        assert server.given_up == []


async def test_nothing_is_kept_of_closed_connections() -> None:
    async with serving() as server:
        await asyncio.gather(*(server.exchange(post()) for _ in range(20)))
        while len(server.limits):  # noqa: ASYNC110 - nothing tells when they are closed
            await asyncio.sleep(0.01)
