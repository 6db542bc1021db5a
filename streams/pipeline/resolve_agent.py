"""The resolve agent: gives every fact its lead and writes `messages`."""

from collections import Counter

import structlog

from headrace.events.codec import Codec, UndecodableEvent, UnknownEventType
from headrace.events.envelope import EnvelopeError, read_envelope
from headrace.events.inbox import InboxFact, InboxSplit
from headrace.events.messages import LeadEvent
from headrace.events.records import Record
from headrace.kafka.faust.dead_letters import dead_letter, fixed_letter
from headrace.kafka.faust.following import Batch
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.kafka.faust.partition_table import PartitionTable, Writes
from headrace.settings import Settings
from streams.pipeline.derived_records import lead_record
from streams.pipeline.resolve import NoIdentity, resolve
from streams.pipeline.split import NothingToSplit, split
from streams.pipeline.table_leads import PartitionEntries, TableLeads

log = structlog.get_logger()

STAGE = "resolve"


class ResolveAgent:
    """Resolves batches of `inbox` and `inbox.bulk`."""

    def __init__(
        self, settings: Settings, outbox: Outbox, identities: PartitionTable, message_homes: PartitionTable
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._identities = identities
        self._message_homes = message_homes
        self._codec = Codec()

    async def process(self, batch: Batch) -> None:
        """Resolve, forward, wait for the acks, remember."""
        out: list[OutRecord] = []
        identity_writes: Writes = {}
        home_writes: Writes = {}
        for (_topic, partition), records in batch.items():
            identities = PartitionEntries(self._identities, partition, identity_writes)
            homes = PartitionEntries(self._message_homes, partition, home_writes)
            for record in records:
                self._resolve(record, identities, homes, out)
        await self._outbox.send(out)
        # Homes first: should the process end between the two, the batch is resolved again by the leads as they were
        # before it, and each of its messages must come out under the lead it was sent to.
        await self._message_homes.write(home_writes)
        await self._identities.write(identity_writes)

    def _resolve(
        self, record: Record, identities: PartitionEntries, homes: PartitionEntries, out: list[OutRecord]
    ) -> None:
        try:
            cause = read_envelope(record.headers)
            fact = self._fact(cause.type, record.value or b"")
            fixed = fixed_letter(self._settings, record, STAGE)
            events = _events(fact, TableLeads(identities, homes, fact.workspace))
        except (EnvelopeError, UnknownEventType, UndecodableEvent, NoIdentity, NothingToSplit, KeyError) as error:
            log.error("resolve.dead_letter", offset=record.offset, error_class=type(error).__name__)
            out.append(dead_letter(self._settings, record, STAGE, error))
            return
        # Counted by type: resolved again, a fact changes no lead any more, and its message must not get another id.
        places: Counter[type] = Counter()
        for event in events:
            out.append(lead_record(self._codec, self._settings, event, cause, places[type(event)]))
            places[type(event)] += 1
        out.extend(fixed)

    def _fact(self, type_: str, value: bytes) -> InboxFact | InboxSplit:
        event = self._codec.decode(type_, value)
        if not isinstance(event, InboxFact | InboxSplit):
            raise UnknownEventType(f"{type_} is no fact")
        return event


def _events(fact: InboxFact | InboxSplit, leads: TableLeads) -> list[LeadEvent]:
    return split(fact, leads) if isinstance(fact, InboxSplit) else resolve(fact, leads)
