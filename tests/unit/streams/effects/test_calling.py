"""On which side of the first byte a call broke off: against raw sockets that do what servers and networks do."""

import asyncio
import gc
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from streams.effects.clients.calling import Answer, Call, Caller
from streams.effects.outcome import NotReached, Unknown

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@asynccontextmanager
async def behaving(behaviour: Behaviour) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behaviour(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def call(url: str, deadline: float = 0.5, **changes: object) -> Answer | NotReached | Unknown:
    caller = Caller()
    try:
        return await caller.call(Call(method="POST", route="/x", url=url, json={"text": "hi"}, **changes), deadline)  # type: ignore[arg-type]
    finally:
        await caller.aclose()


async def says(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *pieces: bytes, pause: float = 0.0) -> None:
    await reader.readuntil(b"}")
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause)


async def test_a_whole_answer_is_an_answer() -> None:
    async with behaving(lambda r, w: says(r, w, WHOLE)) as port:
        answer = await call(f"http://127.0.0.1:{port}/x")
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (200, b"ok")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/x",
        "http://nobody.invalid/x",
        "https://127.0.0.1:9/x",
        "http:///x",
        "ftp://127.0.0.1/x",
    ],
)
async def test_nobody_there_is_not_reached(url: str) -> None:
    assert isinstance(await call(url, deadline=5.0), NotReached)


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    await writer.drain()


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """At once."""


@pytest.mark.parametrize("behaviour", [garbage, silence, hang_up])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_no_tls_is_not_reached(behaviour: Behaviour) -> None:
    """httpcore leaves the socket of a failed handshake to the garbage collector, which says so."""
    async with behaving(behaviour) as port:
        assert isinstance(await call(f"https://127.0.0.1:{port}/x"), NotReached)
    gc.collect()


async def test_a_listener_that_accepts_nobody_is_not_reached() -> None:
    """Its backlog is full: connecting itself takes for ever."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        try:
            assert isinstance(await call(f"http://127.0.0.1:{port}/x"), NotReached)
        finally:
            for filler in fillers:
                filler.close()


@pytest.mark.parametrize(
    "behaviour",
    [
        hang_up,
        silence,
        says,
        lambda r, w: says(r, w, b"HTTP/1.1 200 OK\r\n"),
        lambda r, w: says(r, w, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok"),
        lambda r, w: says(r, w, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n"),
        lambda r, w: says(r, w, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
        lambda r, w: says(r, w, b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 9\r\n\r\nno"),
        lambda r, w: says(r, w, b"<html>not HTTP at all</html>"),
        lambda r, w: says(r, w, *([b"HTTP/1.1 200 OK\r\n"] + [b"x: y\r\n"] * 50), pause=0.05),
        lambda r, w: says(r, w, b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n", *[b"a"] * 99, pause=0.05),
        lambda r, w: says(r, w, b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
async def test_after_the_first_byte_without_a_whole_answer_nothing_is_known(behaviour: Behaviour) -> None:
    async with behaving(behaviour) as port:
        assert isinstance(await call(f"http://127.0.0.1:{port}/x"), Unknown)


async def test_a_reset_while_a_long_request_is_written_is_unknown() -> None:
    """httpcore swallows what a write says, and reads on."""

    async def read_little(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.transport.abort()

    async with behaving(read_little) as port:
        caller = Caller()
        long = Call(method="POST", route="/x", url=f"http://127.0.0.1:{port}/x", json={"text": "y" * 20_000_000})
        assert isinstance(await caller.call(long, 5.0), Unknown)
        await caller.aclose()


async def test_an_answer_of_any_size_is_not_read() -> None:
    endless = (b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n", *[b"a" * 1_000_000] * 12)
    async with behaving(lambda r, w: says(r, w, *endless)) as port:
        outcome = await call(f"http://127.0.0.1:{port}/x", deadline=10.0)
    assert isinstance(outcome, Unknown)
    assert "8 MiB" in outcome.reason


async def test_one_deadline_holds_for_all_of_it() -> None:
    """Each piece comes in time; together they don't."""
    pieces = (b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n", b"a", b"b", b"c", b"d")
    async with behaving(lambda r, w: says(r, w, *pieces, pause=0.2)) as port:
        assert isinstance(await call(f"http://127.0.0.1:{port}/x", deadline=0.5), Unknown)
        assert isinstance(await call(f"http://127.0.0.1:{port}/x", deadline=5.0), Answer)


async def test_no_redirect_is_followed_and_no_connection_used_twice() -> None:
    connections = 0

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await says(reader, writer, b"HTTP/1.1 307 X\r\nlocation: /y\r\ncontent-length: 0\r\n\r\n")
        await asyncio.sleep(0.2)

    async with behaving(redirect) as port:
        caller = Caller()
        for _ in range(3):
            answer = await caller.call(
                Call(method="POST", route="/x", url=f"http://127.0.0.1:{port}/x", json={"a": 1}), 2.0
            )
            assert isinstance(answer, Answer)
            assert answer.status == 307
        await caller.aclose()
    assert connections == 3


async def test_a_cancelled_call_leaves_nothing_open() -> None:
    gone = asyncio.Event()

    async def wait_for_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()

    async with behaving(wait_for_the_end) as port:
        task = asyncio.create_task(call(f"http://127.0.0.1:{port}/x", deadline=30.0))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(gone.wait(), 5.0)


async def test_a_key_in_the_query_reaches_the_server_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    lines: list[bytes] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(await reader.readline())
        await says(reader, writer, WHOLE)

    async with behaving(keep) as port:
        url = f"http://127.0.0.1:{port}/x"
        assert isinstance(await call(url, query={"email": "a@b.c"}, secret_query={"api_key": "hush-key"}), Answer)
    async with behaving(hang_up) as port:
        broken = await call(f"http://127.0.0.1:{port}/x", secret_query={"api_key": "hush-key"})
    assert b"api_key=hush-key" in lines[0]
    assert b"email=a%40b.c" in lines[0]
    assert caplog.records, "httpx and httpcore say something at this level"
    assert "hush-key" not in caplog.text + repr(broken)
