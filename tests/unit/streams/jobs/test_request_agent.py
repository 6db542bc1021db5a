"""What becomes of a message reaches its conversation, wherever that went, and asks for no second job."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from headrace.events.codec import Codec
from headrace.events.conversations import ConversationMoved
from headrace.events.envelope import Envelope, read_envelope
from headrace.events.jobs import JobRequested
from headrace.events.messages import LeadMerged, LeadSplit, LeadSuppressed
from headrace.events.records import Record
from headrace.kafka.faust.outbox import OutRecord
from headrace.settings import Settings
from streams.jobs.conversations import Conversations
from streams.jobs.open_jobs import OpenJobs
from streams.jobs.request_agent import RequestAgent
from tests.unit.streams.jobs.sms import sms

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CODEC = Codec()
MESSAGE = sms(NOW, "misread", lead_id="young")
CORRECTED = msgspec.structs.replace(MESSAGE, text="the true words")
MERGED = LeadMerged(receipt_id="r", workspace="acme", lead_id="young", into_lead_id="old", merged_at=NOW)


class Table:
    def __init__(self) -> None:
        self.entries: dict[tuple[int, bytes], bytes | None] = {}

    def get(self, partition: int, key: bytes) -> bytes | None:
        return self.entries.get((partition, key))

    def scan(self, partition: int, prefix: bytes) -> list[tuple[bytes, bytes]]:
        return sorted(
            (key, value)
            for (place, key), value in self.entries.items()
            if place == partition and value is not None and key.startswith(prefix)
        )

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
        self.agent = RequestAgent(Settings(), outbox, self.conversations, OpenJobs(table, table).needs, lambda *_: [])
        self._offset = 0

    async def reads(self, event: Any, correction: str = "") -> None:
        type_ = CODEC.type_of(event)
        envelope = Envelope(id="e", type=type_, source="/test", time=NOW, correction=correction)
        record = Record("messages", 0, self._offset, b"young", CODEC.encode(event), envelope.headers(), 0)
        self._offset += 1
        await self.agent.process({("messages", 0): [record]})

    def text(self) -> str:
        found = self.conversations.read(0).message("young", "m")
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


SPLIT = LeadSplit(
    receipt_id="run",
    workspace="acme",
    lead_id="young",
    new_lead_id="new",
    identities=(),
    message_ids=("m",),
    split_at=NOW,
    by="kim",
)


def opt_out(minutes: int) -> LeadSuppressed:
    return LeadSuppressed(
        receipt_id="r",
        workspace="acme",
        lead_id="young",
        provider="ghl",
        reason="unsubscribed",
        occurred_at=NOW + timedelta(minutes=minutes),
        received_at=NOW + timedelta(minutes=5),
        provider_event="sms",
    )


async def test_what_a_split_takes_out_goes_to_the_new_leads_conversation() -> None:
    jobs = Jobs()
    await jobs.reads(MESSAGE)
    await jobs.reads(msgspec.structs.replace(MESSAGE, message_id="own"))
    await jobs.reads(SPLIT)
    moved = jobs.outbox.sent[-1]
    assert isinstance(moved, ConversationMoved)
    assert (moved.lead_id, [one.message_id for one in moved.messages]) == ("new", ["m"])
    assert [ref[2] for ref in jobs.conversations.read(0).head("young").refs] == ["own"]


async def test_a_message_that_was_split_off_does_not_come_back_when_it_is_told_of_again() -> None:
    jobs = Jobs()
    await jobs.reads(MESSAGE)
    await jobs.reads(SPLIT)
    await jobs.reads(MESSAGE)
    assert jobs.conversations.open(0).head("young").refs == ()
    assert sum(isinstance(event, JobRequested) for event in jobs.outbox.sent) == 1


async def test_a_split_leaves_both_suppressed() -> None:
    jobs = Jobs()
    await jobs.reads(opt_out(minutes=-5))
    await jobs.reads(SPLIT)
    passed_on = [event for event in jobs.outbox.sent if isinstance(event, LeadSuppressed)]
    assert [(one.lead_id, one.reason, one.occurred_at) for one in passed_on] == [
        ("new", "unsubscribed", NOW - timedelta(minutes=5))
    ]
    assert jobs.conversations.read(0).head("young").suppressed_reason == "unsubscribed"


@pytest.mark.parametrize(("minutes", "concerned"), [(-1, ["new"]), (1, [])])
async def test_an_opt_out_after_a_split_is_for_both_only_if_it_was_said_before(
    minutes: int, concerned: list[str]
) -> None:
    jobs = Jobs()
    await jobs.reads(SPLIT)
    await jobs.reads(opt_out(minutes))
    assert [event.lead_id for event in jobs.outbox.sent if isinstance(event, LeadSuppressed)] == concerned


async def test_a_message_that_is_told_of_again_after_a_merge_asks_for_no_second_job() -> None:
    jobs = Jobs()
    await jobs.reads(MESSAGE)
    await jobs.reads(MERGED)
    await jobs.reads(MESSAGE)
    assert len([event for event in jobs.outbox.sent if isinstance(event, JobRequested)]) == 1
