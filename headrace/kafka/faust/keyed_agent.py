"""The loop of every agent that makes records of records: decide, forward, wait for the acks, then remember.

In this order nothing is lost: what was cut off in between is decided again, and what is sent again has the same ids.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import ClassVar, NamedTuple

import structlog

from headrace.events.codec import UNREADABLE, Codec
from headrace.events.records import Record
from headrace.kafka.faust.dead_letters import dead_letter, fixed_letter
from headrace.kafka.faust.following import Batch
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.settings import Settings

log = structlog.get_logger()

#: What follows from a record. Raises what is wrong with it.
Derive = Callable[[Record], Iterable[OutRecord]]


class Turn(NamedTuple):
    """An agent's work on one batch."""

    #: Partition, its records → what follows from each of them, asked for in their order.
    open: Callable[[int, list[Record]], Derive]
    #: Called once the brokers have all that follows.
    remember: Callable[[], Awaitable[None]]


class KeyedAgent(ABC):
    """An agent says what follows from a record, and what to remember. Give its `process` to `Worker.follow`."""

    #: Its name in logs and dead letters.
    stage: ClassVar[str]
    #: What a record alone can be to blame for: it becomes a dead letter. Any other error ends the process.
    faults: ClassVar[tuple[type[Exception], ...]] = UNREADABLE
    #: People may send its dead letters again; processed, they are told fixed.
    tells_fixed: ClassVar[bool] = False

    def __init__(self, settings: Settings, outbox: Outbox) -> None:
        self._settings = settings
        self._outbox = outbox
        self._codec = Codec()

    @abstractmethod
    def turn(self) -> AbstractAsyncContextManager[Turn]:
        """Begin with a batch. Whatever it holds is held until the batch is remembered."""

    async def process(self, batch: Batch) -> None:
        """Decide, forward, wait for the acks, remember."""
        out: list[OutRecord] = []
        async with self.turn() as turn:
            for (_topic, partition), records in batch.items():
                derive = turn.open(partition, records)
                for record in records:
                    out += self._derived_or_set_aside(record, derive)
            await self._outbox.send(out)
            await turn.remember()

    def _derived_or_set_aside(self, record: Record, derive: Derive) -> list[OutRecord]:
        """Whole or not at all: what was derived before a fault must not go out beside the dead letter."""
        try:
            fixed = fixed_letter(self._settings, record, self.stage) if self.tells_fixed else []
            return [*derive(record), *fixed]
        except self.faults as error:
            log.error(f"{self.stage}.dead_letter", offset=record.offset, error_class=type(error).__name__)
            return [dead_letter(self._settings, record, self.stage, error)]
