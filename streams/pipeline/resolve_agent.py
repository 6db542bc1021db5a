"""The resolve agent: gives every fact its lead and writes `messages`."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial

from headrace.events.codec import UNREADABLE, UnknownEventType
from headrace.events.inbox import InboxFact, InboxSplit
from headrace.events.messages import LeadEvent
from headrace.events.records import Record
from headrace.kafka.faust.keyed_agent import Derive, KeyedAgent, Turn
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.kafka.faust.partition_table import PartitionTable, Writes
from headrace.settings import Settings
from streams.pipeline.derived_records import lead_record
from streams.pipeline.resolve import NoIdentity, resolve
from streams.pipeline.split import NothingToSplit, split
from streams.pipeline.table_leads import PartitionEntries, TableLeads


class ResolveAgent(KeyedAgent):
    """Resolves batches of `inbox` and `inbox.bulk`."""

    stage = "resolve"
    #: A KeyError is a lead that nobody knows.
    faults = (*UNREADABLE, NoIdentity, NothingToSplit, KeyError)
    tells_fixed = True

    def __init__(
        self, settings: Settings, outbox: Outbox, identities: PartitionTable, message_homes: PartitionTable
    ) -> None:
        super().__init__(settings, outbox)
        self._identities = identities
        self._message_homes = message_homes

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """See `KeyedAgent`."""
        identities: Writes = {}
        homes: Writes = {}
        yield Turn(partial(self._open, identities, homes), partial(self._remember, identities, homes))

    def _open(self, identities: Writes, homes: Writes, partition: int, _records: list[Record]) -> Derive:
        return partial(
            self._resolved,
            PartitionEntries(self._identities, partition, identities),
            PartitionEntries(self._message_homes, partition, homes),
        )

    async def _remember(self, identities: Writes, homes: Writes) -> None:
        # Homes first: should the process end between the two, the batch is resolved again by the leads as they were
        # before it, and each of its messages must come out under the lead it was sent to.
        await self._message_homes.write(homes)
        await self._identities.write(identities)

    def _resolved(self, identities: PartitionEntries, homes: PartitionEntries, record: Record) -> Iterator[OutRecord]:
        cause, fact = self._codec.read(record)
        if not isinstance(fact, InboxFact | InboxSplit):
            raise UnknownEventType(f"{cause.type} is no fact")
        # Counted by type: resolved again, a fact changes no lead any more, and its message must not get another id.
        places: Counter[type] = Counter()
        for event in _events(fact, TableLeads(identities, homes, fact.workspace)):
            yield lead_record(self._codec, self._settings, event, cause, places[type(event)])
            places[type(event)] += 1


def _events(fact: InboxFact | InboxSplit, leads: TableLeads) -> list[LeadEvent]:
    return split(fact, leads) if isinstance(fact, InboxSplit) else resolve(fact, leads)
