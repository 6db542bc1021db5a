"""Writes the events of many running jobs as few record batches: all that waits during one send goes with the next."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from headrace.events.caps import TooLarge
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.kafka.faust.service import Service
from headrace.kafka.faust.vital import vital


class Journal(Service):
    """Sends in the order of the calls. Brokers that refuse end the process: nobody could tell what was written."""

    def __init__(self, outbox: Outbox) -> None:
        super().__init__()
        self._jobs = _Lane(outbox, for_owner=True)
        self._calls = _Lane(outbox, for_owner=False)
        self._sending: list[asyncio.Task[None]] = []

    async def on_start(self) -> None:
        """What was written before waits until now."""
        self._sending = [
            vital(self._jobs.send_for_ever(), "jobs journal"),
            vital(self._calls.send_for_ever(), "journal of calls"),
        ]

    async def on_stop(self) -> None:
        """Send what waits, then stop."""
        await self.flushed()
        for task in self._sending:
            task.cancel()

    async def write(self, records: Iterable[OutRecord]) -> None:
        """Returns once the brokers have all of them. A caller that is cancelled does not stop the send.

        Raises TooLarge for a record that its topic does not take.
        """
        await asyncio.shield(self._jobs.put(records))

    async def write_calls(self, records: Iterable[OutRecord]) -> None:
        """The same for calls of models: they were made and cost something, whoever owns their partition by now."""
        await asyncio.shield(self._calls.put(records))

    async def flushed(self) -> None:
        """Returns once nothing is under way."""
        await self._jobs.idle.wait()
        await self.calls_flushed()

    async def calls_flushed(self) -> None:
        """Returns once no call is under way."""
        await self._calls.idle.wait()


class _Writing(NamedTuple):
    records: list[OutRecord]
    written: asyncio.Future[None]


class _Lane:
    """`for_owner`: see `Outbox`."""

    def __init__(self, outbox: Outbox, *, for_owner: bool) -> None:
        self._outbox = outbox
        self._for_owner = for_owner
        self._waiting: list[_Writing] = []
        self._arrived = asyncio.Event()
        self.idle = asyncio.Event()
        self.idle.set()

    def put(self, records: Iterable[OutRecord]) -> asyncio.Future[None]:
        """Done once the brokers have all of them."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Writing(list(records), written))
        self.idle.clear()
        self._arrived.set()
        return written

    async def send_for_ever(self) -> None:
        """Send what waits, as soon as the send before is done."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                taken, self._waiting = self._waiting, []
                await self._send(taken)
            self.idle.set()

    async def _send(self, taken: list[_Writing]) -> None:
        """All in one go; each by itself when one is too large, so that only its writer hears of it."""
        try:
            records = [record for writing in taken for record in writing.records]
            await self._outbox.send(records, for_owner=self._for_owner)
        except TooLarge as error:
            if len(taken) == 1:
                taken[0].written.set_exception(error)
                return
            for writing in taken:
                await self._send([writing])
            return
        for writing in taken:
            writing.written.set_result(None)
