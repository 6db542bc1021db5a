"""Bodies: whole, in pieces, too large, too slow, given up."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive

from ingest import body
from ingest.body import BodyReader, BodyTooLarge, BodyTooSlow, ClientGone, TooManyBodies, Turns


def received(*chunks: bytes) -> Receive:
    """The chunks in turn; then the client is gone."""
    waiting = list(chunks)

    async def receive() -> Message:
        if not waiting:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    return receive


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=6), st.integers(0, 120))
def test_a_body_comes_through_whole_or_not_at_all(chunks: list[bytes], limit: int) -> None:
    whole = b"".join(chunks)
    if len(whole) <= limit:
        assert asyncio.run(BodyReader(limit).read({}, received(*chunks))) == whole
    else:
        with pytest.raises(BodyTooLarge):
            asyncio.run(BodyReader(limit).read({}, received(*chunks)))


@pytest.mark.parametrize(
    "headers", [{"content-length": str(body.DRAINED_BYTES + 1)}, {"content-length": "11", "expect": "100-continue"}]
)
async def test_a_declared_size_is_refused_unread_where_reading_helps_nobody(headers: dict[str, str]) -> None:
    async def never() -> Message:
        raise AssertionError("the body was read")

    with pytest.raises(BodyTooLarge):
        await BodyReader(10).read(headers, never)


async def test_an_endless_body_is_not_read_for_ever() -> None:
    chunk = b"x" * 1_048_576
    count = 0

    async def endless() -> Message:
        nonlocal count
        count += 1
        return {"type": "http.request", "body": chunk, "more_body": True}

    with pytest.raises(BodyTooLarge):
        await BodyReader(10).read({}, endless)
    assert count <= body.DRAINED_BYTES // len(chunk) + 1


async def test_a_stalled_body_is_given_up_and_no_other() -> None:
    arrived = asyncio.Event()

    async def stalled() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def slow() -> Message:
        await arrived.wait()
        return {"type": "http.request", "body": b"x"}

    reader = BodyReader(10, timeout=0.05)
    watching = asyncio.create_task(reader.watch())
    with pytest.raises(BodyTooSlow):
        await reader.read({}, stalled)
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]
    reading = asyncio.create_task(reader.read({}, slow))
    await asyncio.sleep(0)
    arrived.set()
    assert await reading == b"x"
    watching.cancel()


async def test_whoever_cancels_a_request_is_not_told_that_it_was_slow() -> None:
    reader = BodyReader(10)
    reading = asyncio.create_task(reader.read({}, asyncio.Event().wait))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


def _half() -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return waiting.pop(0)

    return receive


@pytest.mark.parametrize("receive", [received, _half])
async def test_a_client_that_leaves_is_not_answered(receive: Callable[[], Receive]) -> None:
    with pytest.raises(ClientGone):
        await BodyReader(100).read({}, receive())


class Sender:
    """Sends a body piece by piece, when the test says so."""

    def __init__(self, reader: BodyReader) -> None:
        self._pieces: asyncio.Queue[tuple[bytes, bool]] = asyncio.Queue()
        self._reader = reader
        self.reading = asyncio.create_task(reader.read({}, self._receive))

    async def _receive(self) -> Message:
        piece, more = await self._pieces.get()
        return {"type": "http.request", "body": piece, "more_body": more}

    async def send(self, piece: bytes, more: bool = True) -> None:
        """Returns when the reader has taken the piece."""
        await self._pieces.put((piece, more))
        while not self._pieces.empty():  # noqa: ASYNC110 - the queue has no event for it
            await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_the_bodies_that_arrive_slowly_make_room_for_one_that_arrives_at_once() -> None:
    reader = BodyReader(limit=100, most_held=150)
    slow = [Sender(reader) for _ in range(3)]
    for sender in slow:
        await sender.send(b"x" * 40)
    assert await reader.read({}, received(b"y" * 60)) == b"y" * 60

    # The oldest lost its memory, is still read, and hears the truth at its end; the others are complete.
    for sender in slow:
        await sender.send(b"z", more=False)
    with pytest.raises(TooManyBodies):
        await slow[0].reading
    assert [len(await sender.reading) for sender in slow[1:]] == [41, 41]
    assert reader.held == 60 + 41 + 41


async def test_what_is_being_stored_is_not_taken_away() -> None:
    reader = BodyReader(limit=100, most_held=150)
    stored = [await reader.read({}, received(b"x" * 70)) for _ in range(2)]
    with pytest.raises(TooManyBodies):
        await reader.read({}, received(b"y" * 20))
    reader.release(stored[0])
    assert await reader.read({}, received(b"y" * 20)) == b"y" * 20


@given(st.lists(st.tuples(st.lists(st.binary(max_size=30), max_size=5), st.booleans()), max_size=8))
def test_no_memory_stays_behind(bodies: list[tuple[list[bytes], bool]]) -> None:
    async def read_all() -> int:
        reader = BodyReader(limit=60, most_held=100)
        receives = [received(*chunks) if complete else _leaves(*chunks) for chunks, complete in bodies]
        results = await asyncio.gather(*(reader.read({}, receive) for receive in receives), return_exceptions=True)
        assert reader.held <= 100
        for result in results:
            if isinstance(result, bytes):
                reader.release(result)
        return reader.held

    assert asyncio.run(read_all()) == 0


def _leaves(*chunks: bytes) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    return receive


async def test_small_bodies_come_between_the_pieces_of_large_ones() -> None:
    reader, ended = BodyReader(limit=1000), list[str]()

    async def read(name: str, *pieces: bytes) -> None:
        await reader.read({}, received(*pieces))
        ended.append(name)

    large = [asyncio.create_task(read(f"large {number}", *[b"x" * 10] * 20)) for number in range(5)]
    await asyncio.sleep(0)
    await asyncio.gather(read("small", b"y"), *large)
    assert ended == ["small", *(f"large {number}" for number in range(5))], "each large one in its turn"


async def test_who_would_wait_behind_too_many_large_bodies_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.body.MOST_WAITING", 2)
    reader = BodyReader(limit=1000)
    reading = (reader.read({}, received(b"x", b"x", b"x")) for _ in range(4))
    answers = await asyncio.gather(*reading, return_exceptions=True)
    assert [type(answer) for answer in answers] == [bytes, bytes, TooManyBodies, TooManyBodies]
    assert reader.held == 6
    assert await reader.read({}, received(b"x", b"x")) == b"xx", "once they are read there is room again"


async def test_a_turn_that_nobody_waits_for_any_more_goes_to_the_next() -> None:
    turns = Turns(1)
    await turns.take()
    given_up, waiting = asyncio.create_task(turns.take()), asyncio.create_task(turns.take())
    await asyncio.sleep(0)
    given_up.cancel()
    async with asyncio.timeout(1):
        await waiting
