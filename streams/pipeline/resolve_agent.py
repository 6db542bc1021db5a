"""The resolve agent: gives every fact its lead and writes `messages`."""

from collections import Counter

import msgspec
import structlog

from events.codec import Codec, UndecodableEvent, UnknownEventType
from events.envelope import EnvelopeError, read_envelope
from events.inbox import Identity, InboxFact
from events.messages import LeadChanged
from events.records import Record
from runtime.settings import Settings
from streams.pipeline.derived_records import lead_record
from streams.pipeline.resolve import NoIdentity, resolve
from workers.dead_letters import dead_letter, fixed_letter
from workers.following import Batch
from workers.outbox import Outbox, OutRecord
from workers.partition_table import PartitionTable, Writes

log = structlog.get_logger()

STAGE = "resolve"

_lead_encoder = msgspec.json.Encoder()
_lead_decoder = msgspec.json.Decoder(LeadChanged)


class TableLeads:
    """The resolver's memory over one partition of the table `identities`; puts are collected in `writes`."""

    def __init__(
        self, table: PartitionTable, partition: int, writes: dict[bytes, bytes | None], workspace: str
    ) -> None:
        self._table = table
        self._partition = partition
        self._writes = writes
        self._workspace = workspace

    def owner(self, identity: Identity) -> str | None:
        """The id of the lead that owns an identity."""
        value = self._get(self._identity_key(identity))
        return None if value is None else value.decode()

    def lead(self, id_: str) -> LeadChanged:
        """A lead's newest state. KeyError when there is none."""
        value = self._get(_lead_key(id_))
        if value is None:
            raise KeyError(id_)
        return _lead_decoder.decode(value)

    def put(self, lead: LeadChanged) -> None:
        """Store a lead, and its identities as its own."""
        self._writes[_lead_key(lead.lead_id)] = _lead_encoder.encode(lead)
        for identity in lead.identities:
            self._writes[self._identity_key(identity)] = lead.lead_id.encode()

    def remove(self, id_: str) -> None:
        """Forget a lead that was merged away."""
        self._writes[_lead_key(id_)] = None

    def _get(self, key: bytes) -> bytes | None:
        if key in self._writes:
            return self._writes[key]
        return self._table.get(self._partition, key)

    def _identity_key(self, identity: Identity) -> bytes:
        return f"i\x1f{self._workspace}\x1f{identity.kind}\x1f{identity.value}".encode()


def _lead_key(id_: str) -> bytes:
    return f"l\x1f{id_}".encode()


class ResolveAgent:
    """Resolves batches of `inbox` and `inbox.bulk`."""

    def __init__(self, settings: Settings, outbox: Outbox, identities: PartitionTable) -> None:
        self._settings = settings
        self._outbox = outbox
        self._identities = identities
        self._codec = Codec()

    async def process(self, batch: Batch) -> None:
        """Resolve, forward, wait for the acks, remember."""
        out: list[OutRecord] = []
        writes: Writes = {}
        for (_topic, partition), records in batch.items():
            remembered = writes.setdefault(partition, {})
            for record in records:
                self._resolve(record, partition, remembered, out)
        await self._outbox.send(out)
        await self._identities.write(writes)

    def _resolve(
        self, record: Record, partition: int, remembered: dict[bytes, bytes | None], out: list[OutRecord]
    ) -> None:
        try:
            cause = read_envelope(record.headers)
            fact = self._fact(cause.type, record.value or b"")
            fixed = fixed_letter(self._settings, record, STAGE)
            events = resolve(fact, TableLeads(self._identities, partition, remembered, fact.workspace))
        except (EnvelopeError, UnknownEventType, UndecodableEvent, NoIdentity, KeyError) as error:
            log.error("resolve.dead_letter", offset=record.offset, error_class=type(error).__name__)
            out.append(dead_letter(self._settings, record, STAGE, error))
            return
        # Counted by type: resolved again, a fact changes no lead any more, and its message must not get another id.
        places: Counter[type] = Counter()
        for event in events:
            out.append(lead_record(self._codec, self._settings, event, cause, places[type(event)]))
            places[type(event)] += 1
        out.extend(fixed)

    def _fact(self, type_: str, value: bytes) -> InboxFact:
        event = self._codec.decode(type_, value)
        if not isinstance(event, InboxFact):
            raise UnknownEventType(f"{type_} is no fact")
        return event
