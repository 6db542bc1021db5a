"""Reads a request's body without ever holding more than the limit."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.types import Receive

#: A sender of a body over the limit is read this far, so that it hears the answer instead of a broken connection.
DRAINED_BYTES = 8 * 1_048_576
#: Longest wait for a body, seconds: a stalled sender must not hold a connection for ever.
BODY_TIMEOUT = 20.0
_LOOK_SECONDS = 1.0


class BodyTooLarge(Exception):
    """The body is over the limit."""


class BodyTooSlow(Exception):
    """The body did not arrive in time."""


class ClientGone(Exception):
    """The sender closed the connection before its body was complete: nobody is left to answer."""


class BodyReader:
    """Reads bodies, each within a time limit as long as `watch` runs.

    One look a second at all that are being read: a timer for each was a fifth of our own time for a webhook.
    """

    def __init__(self, limit: int, timeout: float = BODY_TIMEOUT) -> None:
        self._limit = limit
        self._timeout = timeout
        #: Task → since when, the loop's time.
        self._reading: dict[asyncio.Task[Any], float] = {}
        self._too_slow: set[asyncio.Task[Any]] = set()

    async def read(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        """The whole body, at most `limit` bytes. Raises BodyTooLarge, BodyTooSlow or ClientGone."""
        declared = headers.get("content-length", "")
        over = declared.isdecimal() and int(declared) > self._limit
        if over and ("expect" in headers or int(declared) > DRAINED_BYTES):
            raise BodyTooLarge
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self._reading[task] = asyncio.get_running_loop().time()
        try:
            return await _read(receive, self._limit)
        except asyncio.CancelledError:
            if task not in self._too_slow:
                raise
            task.uncancel()
            raise BodyTooSlow from None
        finally:
            del self._reading[task]
            self._too_slow.discard(task)

    async def watch(self) -> None:
        """Give up the bodies that take too long, until cancelled."""
        while True:
            await asyncio.sleep(min(_LOOK_SECONDS, self._timeout))
            oldest = asyncio.get_running_loop().time() - self._timeout
            for task, since in self._reading.items():
                if since <= oldest and task not in self._too_slow:
                    self._too_slow.add(task)
                    task.cancel()


async def _read(receive: Receive, limit: int) -> bytes:
    body, more = await _chunk(receive)
    if more:
        chunks, size = [body], len(body)
        while more and size <= DRAINED_BYTES:
            body, more = await _chunk(receive)
            size += len(body)
            if size <= limit:
                chunks.append(body)
        if size > limit:
            raise BodyTooLarge
        return b"".join(chunks)
    if len(body) > limit:
        raise BodyTooLarge
    return body


async def _chunk(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message.get("body", b""), message.get("more_body", False)
