"""Services that are one loop: it goes on for as long as the process lives, or ends the process.

Mode's own `Service.task` only marks the service it belongs to as crashed. Nobody looks there, and a loop that ended
would be missed until somebody restarts the process for another reason.
"""

import asyncio
from abc import abstractmethod

from headrace.kafka.faust.service import Service
from headrace.kafka.faust.vital import vital


class LoopEnded(RuntimeError):
    """A loop that has no end came to one."""


class Loop(Service):
    """A service that is one loop. Whatever ends it before `stop` does ends the process, with the reason in its log."""

    abstract = True

    def __init__(self) -> None:
        super().__init__()
        self._running: asyncio.Task[None] | None = None

    @abstractmethod
    async def run_for_ever(self) -> None:
        """Until cancelled. Goes on over what passes by itself; raises what does not."""

    async def on_start(self) -> None:
        """Begin."""
        self._running = vital(self._run(), type(self).__name__)

    async def on_stop(self) -> None:
        """End, and wait for it."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        await self.run_for_ever()
        raise LoopEnded(f"{type(self).__name__} returned")
