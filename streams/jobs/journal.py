"""Writes the events of many running jobs as few record batches: all that waits during one send goes with the next."""

import asyncio
from collections.abc import Iterable

from mode import Service

from events.caps import TooLarge
from workers.batch_transport import FAUST_LOGGER
from workers.outbox import Outbox, OutRecord
from workers.vital import vital


class Journal(Service):
    """Sends in the order of the calls. Brokers that refuse end the process: nobody could tell what was written."""

    logger = FAUST_LOGGER

    def __init__(self, outbox: Outbox) -> None:
        super().__init__()
        self._outbox = outbox
        self._waiting: list[tuple[list[OutRecord], asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._sending: asyncio.Task[None] | None = None

    async def on_start(self) -> None:
        """What was written before waits until now."""
        self._sending = vital(self._send_for_ever(), "jobs journal")

    async def on_stop(self) -> None:
        """Send what waits, then stop."""
        await self._idle.wait()
        if self._sending is not None:
            self._sending.cancel()

    async def write(self, records: Iterable[OutRecord]) -> None:
        """Returns once the brokers have all of them. A caller that is cancelled does not stop the send.

        Raises TooLarge for a record that its topic does not take.
        """
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((list(records), written))
        self._idle.clear()
        self._arrived.set()
        await asyncio.shield(written)

    async def flushed(self) -> None:
        """Returns once nothing is under way."""
        await self._idle.wait()

    async def _send_for_ever(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                taken, self._waiting = self._waiting, []
                await self._send(taken)
            self._idle.set()

    async def _send(self, taken: list[tuple[list[OutRecord], asyncio.Future[None]]]) -> None:
        """All in one go; each by itself when one is too large, so that only its writer hears of it."""
        try:
            await self._outbox.send(record for records, _ in taken for record in records)
        except TooLarge as error:
            if len(taken) == 1:
                taken[0][1].set_exception(error)
                return
            for one in taken:
                await self._send([one])
            return
        for _, written in taken:
            written.set_result(None)
