"""A corrected message reaches its conversation, wherever that went, and asks for no job."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from events.codec import Codec
from events.conversations import ConversationMoved
from events.envelope import Envelope, read_envelope
from events.jobs import JobRequested
from events.messages import LeadMerged, MessageReceived
from events.records import Record
from runtime.settings import Settings
from streams.jobs.conversations import Conversations
from streams.jobs.request_agent import RequestAgent
from workers.outbox import OutRecord

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CODEC = Codec()
MESSAGE = MessageReceived(
    receipt_id="r",
    workspace="acme",
    provider="ghl",
    lead_id="young",
    message_id="m",
    conversation_id="c",
    channel="sms",
    direction="inbound",
    source="direct",
    provider_event="sms",
    provider_message_id=None,
    sent_at=NOW,
    received_at=NOW,
    text="misread",
    body="misread",
)
CORRECTED = msgspec.structs.replace(MESSAGE, text="the true words")
MERGED = LeadMerged(receipt_id="r", workspace="acme", lead_id="young", into_lead_id="old", merged_at=NOW)


class Table:
    def __init__(self) -> None:
        self.entries: dict[tuple[int, bytes], bytes | None] = {}

    def get(self, partition: int, key: bytes) -> bytes | None:
        return self.entries.get((partition, key))

    async def write(self, writes: dict[int, dict[bytes, bytes | None]]) -> None:
        for partition, entries in writes.items():
            self.entries |= {(partition, key): value for key, value in entries.items()}


class Outbox:
    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def send(self, records: Iterable[OutRecord]) -> None:
        self.sent += [CODEC.decode(read_envelope(one.headers).type, one.value or b"") for one in records]


class Jobs:
    def __init__(self) -> None:
        self.outbox = Outbox()
        table: Any = Table()
        outbox: Any = self.outbox
        self.conversations = Conversations(table)
        self.agent = RequestAgent(Settings(), outbox, self.conversations, lambda *_: [])
        self._offset = 0

    async def reads(self, event: Any, correction: str = "") -> None:
        type_ = CODEC.type_of(event)
        envelope = Envelope(id="e", type=type_, source="/test", time=NOW, correction=correction)
        record = Record("messages", 0, self._offset, b"young", CODEC.encode(event), envelope.headers(), 0)
        self._offset += 1
        await self.agent.process({("messages", 0): [record]})

    def text(self) -> str:
        found = self.conversations.open(0).message("young", "m")
        return "" if found is None else found.text


async def test_a_correction_changes_the_conversation_and_asks_for_nothing() -> None:
    jobs = Jobs()
    await jobs.reads(MESSAGE)
    assert [type(event) for event in jobs.outbox.sent] == [JobRequested]
    await jobs.reads(CORRECTED, correction="run")
    assert jobs.text() == "the true words"
    assert len(jobs.outbox.sent) == 1


async def test_a_correction_asks_for_nothing_where_the_message_is_not_known() -> None:
    jobs = Jobs()
    await jobs.reads(CORRECTED, correction="run")
    assert jobs.outbox.sent == []


async def test_a_correction_follows_a_conversation_that_moved() -> None:
    jobs = Jobs()
    await jobs.reads(MESSAGE)
    await jobs.reads(MERGED)
    await jobs.reads(CORRECTED, correction="run")
    moved = jobs.outbox.sent[-1]
    assert isinstance(moved, ConversationMoved)
    assert (moved.lead_id, [one.text for one in moved.messages]) == ("old", ["the true words"])
