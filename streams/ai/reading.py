"""Where a stranger's words are read: a process with others to serve has them read elsewhere, and waits so long only."""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Unreadable(Exception):
    """A text took longer to read than any may. It is put before a person, and nothing else is concluded from it."""


class Read(Protocol):
    """Calls a pure function of a stranger's words, wherever that is done."""

    async def __call__(self, function: Callable[..., T], /, *arguments: object) -> T:
        """What the function returns. Raises Unreadable."""


#: The reader for the words of one workspace's leads: none may keep all of them busy.
ReadOf = Callable[[str], Read]


async def read_here(function: Callable[..., T], /, *arguments: object) -> T:
    """In this very process, for as long as it takes: for replays and measurements, where nobody waits beside it."""
    return function(*arguments)


async def read_aside(function: Callable[..., T], /, *arguments: object) -> T:
    """In a thread, for as long as it takes."""
    return await asyncio.to_thread(function, *arguments)


def here(_workspace: str) -> Read:
    """See `read_here`."""
    return read_here


def aside(_workspace: str) -> Read:
    """See `read_aside`."""
    return read_aside
