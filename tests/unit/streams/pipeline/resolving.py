"""Facts to resolve, and the resolver's memory as dictionaries."""

from datetime import UTC, datetime, timedelta

import msgspec

from headrace.events.inbox import Identity, IdentityKind, InboxMessage
from headrace.events.messages import LeadChanged, LeadEvent
from streams.pipeline.lead_memory import Holder, Home, holder_today

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class MemoryLeads:
    """See `streams.pipeline.lead_memory.Leads`."""

    def __init__(self) -> None:
        self.holders: dict[tuple[str, str], Holder] = {}
        self.leads: dict[str, LeadChanged] = {}
        self.merges: dict[str, str] = {}
        self.homes: dict[str, Home] = {}

    def holder(self, identity: Identity) -> Holder:
        return holder_today(self.holders.get((identity.kind, identity.value), Holder()), self.survivor)

    def hold(self, identity: Identity, holder: Holder) -> None:
        self.holders[identity.kind, identity.value] = holder

    def survivor(self, id_: str) -> str:
        while id_ in self.merges:
            id_ = self.merges[id_]
        return id_

    def lead(self, id_: str) -> LeadChanged:
        return self.leads[id_]

    def put(self, lead: LeadChanged) -> None:
        assert lead.lead_id not in self.merges, "a lead that was merged away came back"
        self.leads[lead.lead_id] = lead

    def merge(self, id_: str, into: str) -> None:
        del self.leads[id_]
        self.merges[id_] = into

    def home(self, message_id: str) -> Home | None:
        return self.homes.get(message_id)

    def settle(self, message_id: str, home: Home) -> None:
        self.homes[message_id] = home


def email(value: str, alias: bool = False) -> Identity:
    return Identity(kind="email", value=value, alias=alias)


def identity(kind: IdentityKind, value: str) -> Identity:
    return Identity(kind=kind, value=value)


def message(*identities: Identity, minute: int = 0, **changes: object) -> InboxMessage:
    at = START + timedelta(minutes=minute)
    base = InboxMessage(
        receipt_id=f"r{minute}",
        workspace="acme",
        provider="smartlead",
        message_id=f"m{minute}",
        conversation_id="c",
        channel="email",
        direction="inbound",
        source="direct",
        identities=identities,
        provider_event="EMAIL_REPLY",
        provider_message_id=f"p{minute}",
        sent_at=at,
        received_at=at,
        text="Yes",
        body="Yes",
    )
    return msgspec.structs.replace(base, **changes)


def kinds(events: list[LeadEvent]) -> list[str]:
    return [type(event).__name__ for event in events]
