"""Reads requests' bodies without ever holding more than a limit, of each and of all together."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

from starlette.types import Receive

#: A sender of a body over the limit is read this far, so that it hears the answer instead of a broken connection.
DRAINED_BYTES = 8 * 1_048_576
#: Longest wait for a body, seconds: a stalled sender must not hold a connection for ever.
BODY_TIMEOUT = 20.0
#: Bytes of all bodies that are being read or stored: 64 of the largest, or a hundred thousand of the usual ones.
MOST_HELD = 64 * 1_048_576
_LOOK_SECONDS = 1.0
#: Pieces of large bodies, some 64 KiB each, that are read in one round of the event loop: small webhooks come between.
PIECES_A_ROUND = 1
#: Large bodies that wait for their turn, each with a connection's buffer full of bytes that `MOST_HELD` can't count.
MOST_WAITING = 64


class BodyTooLarge(Exception):
    """The body is over the limit."""


class BodyTooSlow(Exception):
    """The body did not arrive in time."""


class TooManyBodies(Exception):
    """Others' bodies take all the memory there is for bodies."""


class ClientGone(Exception):
    """The sender closed the connection before its body was complete: nobody is left to answer."""


class _Body:
    """A body that is being read."""

    __slots__ = ("chunks", "is_given_up", "is_too_slow", "since", "size")

    def __init__(self, since: float) -> None:
        #: The loop's time.
        self.since = since
        self.chunks: list[bytes] = []
        #: Bytes read, kept or not.
        self.size = 0
        #: Its memory went to others; the rest is read and forgotten, so that the sender hears the answer.
        self.is_given_up = False
        self.is_too_slow = False


class Turns:
    """Lets so many go on in each round of the event loop, in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = most
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_counting = False

    async def take(self) -> None:
        """Returns when it is the caller's turn."""
        loop = asyncio.get_running_loop()
        if not self._is_counting:
            self._is_counting = True
            loop.call_soon(self._begin_round, loop)
        if self._left and not self._waiting:
            self._left -= 1
            return
        turn = loop.create_future()
        self._waiting.append(turn)
        await turn

    def __len__(self) -> int:
        """How many wait for theirs."""
        return len(self._waiting)

    def _begin_round(self, loop: asyncio.AbstractEventLoop) -> None:
        self._left = self._most
        while self._left and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                self._left -= 1
                turn.set_result(None)
        self._is_counting = self._left < self._most
        if self._is_counting:
            loop.call_soon(self._begin_round, loop)


class BodyReader:
    """Reads bodies, each within a time limit as long as `watch` runs.

    One look a second at all that are being read: a timer for each was a fifth of our own time for a webhook.
    """

    def __init__(self, limit: int, timeout: float = BODY_TIMEOUT, most_held: int = MOST_HELD) -> None:
        self._limit = limit
        self._timeout = timeout
        self._most_held = most_held
        self._turns = Turns(PIECES_A_ROUND)
        #: Oldest first.
        self._reading: dict[asyncio.Task[Any], _Body] = {}
        #: Bytes of all bodies read and not yet released.
        self.held = 0

    async def read(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        """The whole body, at most `limit` bytes, to be released. Raises what this file defines."""
        declared = headers.get("content-length", "")
        over = declared.isdecimal() and int(declared) > self._limit
        if over and ("expect" in headers or int(declared) > DRAINED_BYTES):
            raise BodyTooLarge
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        body = self._reading[task] = _Body(asyncio.get_running_loop().time())
        try:
            whole = await self._read(body, receive)
        except BaseException as error:
            self._forget(body)
            if body.is_too_slow and isinstance(error, asyncio.CancelledError):
                task.uncancel()
                raise BodyTooSlow from None
            raise
        finally:
            del self._reading[task]
        return whole

    def release(self, body: bytes) -> None:
        """The body's memory is free again."""
        self.held -= len(body)

    async def watch(self) -> None:
        """Give up the bodies that take too long, until cancelled."""
        while True:
            await asyncio.sleep(min(_LOOK_SECONDS, self._timeout))
            oldest = asyncio.get_running_loop().time() - self._timeout
            for task, body in self._reading.items():
                if body.since <= oldest and not body.is_too_slow:
                    body.is_too_slow = True
                    task.cancel()

    async def _read(self, body: _Body, receive: Receive) -> bytes:
        chunk, more = await _chunk(receive)
        size = len(chunk)
        if more or size > self._limit or self.held + size > self._most_held:
            return await self._read_on(body, chunk, more, receive)
        self.held += size
        return chunk

    async def _read_on(self, body: _Body, chunk: bytes, more: bool, receive: Receive) -> bytes:
        if more and len(self._turns) >= MOST_WAITING:
            raise TooManyBodies
        self._take(body, chunk)
        while more and body.size <= DRAINED_BYTES:
            # Until then the connection is not read from: uvicorn has paused it behind what it already holds.
            await self._turns.take()
            chunk, more = await _chunk(receive)
            self._take(body, chunk)
        if body.size > self._limit:
            raise BodyTooLarge
        if body.is_given_up:
            raise TooManyBodies
        return b"".join(body.chunks)

    def _take(self, body: _Body, chunk: bytes) -> None:
        body.size += len(chunk)
        if body.size > self._limit:
            self._forget(body)
        elif not body.is_given_up:
            self._keep(body, chunk)

    def _keep(self, body: _Body, chunk: bytes) -> None:
        body.chunks.append(chunk)
        self.held += len(chunk)
        if self.held > self._most_held:
            self._make_room()

    def _make_room(self) -> None:
        """Those that have been arriving for longest go first: a webhook arrives at once, a hostile body never does."""
        for body in self._reading.values():
            if self.held <= self._most_held:
                return
            if body.chunks:
                body.is_given_up = True
                self._forget(body)

    def _forget(self, body: _Body) -> None:
        self.held -= sum(map(len, body.chunks))
        body.chunks.clear()


async def _chunk(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message.get("body", b""), message.get("more_body", False)
