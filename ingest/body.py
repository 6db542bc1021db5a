"""Reads a request's body without ever holding more than the limit."""

import asyncio
from collections.abc import Mapping

from starlette.types import Receive

#: A sender of a body over the limit is read this far, so that it hears the answer instead of a broken connection.
DRAINED_BYTES = 8 * 1_048_576
#: Longest wait for a body, seconds: a stalled sender must not hold a connection for ever.
BODY_TIMEOUT = 20.0


class BodyTooLarge(Exception):
    """The body is over the limit."""


class BodyTooSlow(Exception):
    """The body did not arrive in time."""


class ClientGone(Exception):
    """The sender closed the connection before its body was complete: nobody is left to answer."""


async def read_body(headers: Mapping[str, str], receive: Receive, limit: int) -> bytes:
    """The whole body, at most `limit` bytes. Raises BodyTooLarge, BodyTooSlow or ClientGone."""
    declared = headers.get("content-length", "")
    over = declared.isdecimal() and int(declared) > limit
    if over and ("expect" in headers or int(declared) > DRAINED_BYTES):
        raise BodyTooLarge
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            return await _read(receive, limit)
    except TimeoutError:
        raise BodyTooSlow from None


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
