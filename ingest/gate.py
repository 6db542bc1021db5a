"""Lets costly work in one at a time, a few waiting, none of them for long: who can't be let in is told at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_MOST_WAITING = 16
_LONGEST_WAIT = 2.0


class GateFull(Exception):
    """Too many wait already, or the wait took too long."""


class Gate:
    """A lock whose queue has an end."""

    def __init__(self, most_waiting: int = _MOST_WAITING, longest_wait: float = _LONGEST_WAIT) -> None:
        self._lock = asyncio.Lock()
        self._most_waiting = most_waiting
        self._longest_wait = longest_wait
        self._waiting = 0

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        """Inside, nobody else is. Raises GateFull."""
        if self._lock.locked() and self._waiting >= self._most_waiting:
            raise GateFull
        self._waiting += 1
        try:
            async with asyncio.timeout(self._longest_wait):
                await self._lock.acquire()
        except TimeoutError:
            raise GateFull from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._lock.release()
