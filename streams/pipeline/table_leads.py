"""The resolver's memory over one partition of its tables; what changes is collected until it may be written."""

from typing import Any

import msgspec

from headrace.events.inbox import Identity
from headrace.events.messages import LeadChanged
from headrace.kafka.faust.partition_table import PartitionTable, Writes
from streams.pipeline.lead_memory import Holder, Home, holder_today

_encoder = msgspec.json.Encoder()
_lead_decoder = msgspec.json.Decoder(LeadChanged)
_holder_decoder = msgspec.json.Decoder(Holder)
_home_decoder = msgspec.json.Decoder(Home)


class TableLeads:
    """The leads of one workspace (see `lead_memory.Leads`), with what was changed but not written yet."""

    def __init__(self, identities: "PartitionEntries", homes: "PartitionEntries", workspace: str) -> None:
        self._identities = identities
        self._homes = homes
        self._workspace = workspace
        #: What was asked for since the last merge: one fact asks for the same few identities again and again.
        self._holders: dict[Identity, Holder] = {}

    def holder(self, identity: Identity) -> Holder:
        """Whom an identity stands for today."""
        known = self._holders.get(identity)
        if known is None:
            value = self._identities.get(self._identity_key(identity))
            known = Holder() if value is None else holder_today(_holder_decoder.decode(value), self.survivor)
            self._holders[identity] = known
        return known

    def hold(self, identity: Identity, holder: Holder) -> None:
        """Remember whom it stands for."""
        self._holders.clear()
        self._identities.put(self._identity_key(identity), _encoder.encode(holder))

    def survivor(self, id_: str) -> str:
        """The lead that a lead lives on as: itself, unless it was merged away."""
        passed = []
        while (value := self._identities.get(_merged_key(id_))) is not None:
            passed.append(id_)
            id_ = value.decode()
        # The way is made short for whoever comes next: somebody may merge a thousand leads one by one.
        for merged in passed[:-1]:
            self._identities.put(_merged_key(merged), id_.encode())
        return id_

    def lead(self, id_: str) -> LeadChanged:
        """A lead's newest state. KeyError when there is none."""
        value = self._identities.get(_lead_key(id_))
        if value is None:
            raise KeyError(id_)
        return _lead_decoder.decode(value)

    def put(self, lead: LeadChanged) -> None:
        """Store a lead."""
        self._identities.put(_lead_key(lead.lead_id), _encoder.encode(lead))

    def merge(self, id_: str, into: str) -> None:
        """Forget a lead but for what it lives on as."""
        self._holders.clear()
        self._identities.put(_lead_key(id_), None)
        self._identities.put(_merged_key(id_), into.encode())

    def home(self, message_id: str) -> Home | None:
        """Whose a message is, None for one that was never seen."""
        value = self._homes.get(message_id.encode())
        return None if value is None else _home_decoder.decode(value)

    def settle(self, message_id: str, home: Home) -> None:
        """Remember whose a message is."""
        self._homes.put(message_id.encode(), _encoder.encode(home))

    def _identity_key(self, identity: Identity) -> bytes:
        return f"i\x1f{self._workspace}\x1f{identity.kind}\x1f{identity.value}".encode()


class PartitionEntries:
    """One partition of a table under what a batch has put and not written yet."""

    def __init__(self, table: PartitionTable | Any, partition: int, writes: Writes) -> None:
        self._table = table
        self._partition = partition
        self._writes = writes.setdefault(partition, {})

    def get(self, key: bytes) -> bytes | None:
        """The value as it will be, None when there is none."""
        return self._writes[key] if key in self._writes else self._table.get(self._partition, key)

    def put(self, key: bytes, value: bytes | None) -> None:
        """What is to be written; None deletes."""
        self._writes[key] = value


def _lead_key(id_: str) -> bytes:
    return f"l\x1f{id_}".encode()


def _merged_key(id_: str) -> bytes:
    return f"m\x1f{id_}".encode()
