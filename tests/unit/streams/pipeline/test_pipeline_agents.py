"""The agents around the decisions: forward, wait for the acks, then remember; nothing odd stops what is behind it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from headrace.events.codec import Codec, NewerEvent
from headrace.events.envelope import Envelope, header_map, read_envelope
from headrace.events.inbox import Identity, InboxMessage
from headrace.events.messages import LeadMerged
from headrace.events.records import Record
from headrace.events.topics import INBOX
from headrace.events.webhooks import WebhookMeta, webhook_headers
from headrace.kafka.faust.outbox import OutRecord
from headrace.kafka.faust.partition_table import Writes
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from streams.pipeline.dedupe_agent import DedupeAgent
from streams.pipeline.resolve_agent import ResolveAgent

AT = datetime(2026, 3, 2, 15, 5, tzinfo=UTC)
CODEC = Codec()


class Kafka:
    """An outbox and a table that say in which order they were used. A send can be made to fail."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.sent: list[OutRecord] = []
        self.entries: dict[tuple[int, bytes], bytes | None] = {}
        self.refusing = False
        self.forgetting = False

    async def send(self, records: Iterable[OutRecord]) -> None:
        if self.refusing:
            raise ConnectionError
        self.sent += records
        self.calls.append("sent")

    async def write(self, writes: Writes) -> None:
        if self.forgetting:
            raise ConnectionError
        for partition, entries in writes.items():
            self.entries |= {(partition, key): value for key, value in entries.items()}
        self.calls.append("remembered")

    def get(self, partition: int, key: bytes) -> bytes | None:
        return self.entries.get((partition, key))

    def get_many(self, partition: int, keys: list[bytes]) -> list[bytes | None]:
        return [self.get(partition, key) for key in keys]

    def types(self) -> list[str]:
        return [read_envelope(record.headers).type for record in self.sent]

    def ids(self) -> dict[str, str]:
        """Type → id of what was sent last."""
        return {read_envelope(record.headers).type: read_envelope(record.headers).id for record in self.sent}


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


def dedupe(kafka: Any) -> DedupeAgent:
    return DedupeAgent(Settings(), kafka, kafka, facts_to=INBOX)


def resolver(kafka: Any) -> ResolveAgent:
    return ResolveAgent(Settings(), kafka, kafka, kafka)


def webhooks(*ids: str) -> list[Record]:
    """LinkedIn messages of these ids, in one partition."""
    found = []
    for offset, id_ in enumerate(ids):
        meta = WebhookMeta(receipt_id=f"r{offset}", provider="unipile", workspace="acme", received_at=AT)
        body = {
            "event": "message_received",
            "message_id": id_,
            "message": "hi",
            "sender": {"attendee_provider_id": "p"},
        }
        value, headers = msgspec.json.encode(body), webhook_headers(meta)
        found.append(Record("webhooks.unipile", 0, offset, f"acme:{id_}".encode(), value, headers, 0))
    return found


async def test_what_is_remembered_was_acknowledged_before(kafka: Kafka) -> None:
    agent = dedupe(kafka)
    await agent.process({("webhooks.unipile", 0): webhooks("a", "a", "b")})
    assert kafka.calls == ["sent", "remembered"]
    assert kafka.types() == [
        "inbox.message.v1",
        "receipt.judged.v1",
        "receipt.judged.v1",
        "inbox.message.v1",
        "receipt.judged.v1",
    ]
    # The worker died after that and before its commit.
    kafka.sent.clear()
    await agent.process({("webhooks.unipile", 0): webhooks("a", "a", "b")})
    assert kafka.sent == []


async def test_nothing_is_remembered_of_what_kafka_did_not_take(kafka: Kafka) -> None:
    kafka.refusing = True
    with pytest.raises(ConnectionError):
        await dedupe(kafka).process({("webhooks.unipile", 0): webhooks("a")})
    assert kafka.entries == {}


@pytest.fixture
def unstorable_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An adapter with a defect: of the webhook `bad` it makes a fact that can't be written down."""
    adapter = ADAPTERS["unipile"]

    def normalise(payload: Any, receipt: Any) -> Any:
        normalised = adapter.normalise(payload, receipt)
        if payload["message_id"] != "bad":
            return normalised
        facts = tuple(msgspec.structs.replace(fact, body="\ud800") for fact in normalised.facts)
        return msgspec.structs.replace(normalised, facts=facts)

    defective = msgspec.structs.replace(adapter, normalise=normalise)
    monkeypatch.setattr("streams.pipeline.dedupe_agent.ADAPTERS", {"unipile": defective})


@pytest.mark.usefixtures("unstorable_facts")
async def test_a_fact_that_cannot_be_written_down_is_a_dead_letter_and_the_rest_goes_on(kafka: Kafka) -> None:
    records = webhooks("bad", "good")
    await dedupe(kafka).process({("webhooks.unipile", 0): records})
    assert [one.topic for one in kafka.sent] == ["dead-letters", "inbox", "receipts"]
    assert kafka.sent[0].value == records[0].value
    assert header_map(kafka.sent[0].headers)["dlq_offset"] == "0"
    assert {key for _, key in kafka.entries} == {b"acme:good"}


def fact(id_: str, *identities: Identity) -> InboxMessage:
    return InboxMessage(
        receipt_id=id_,
        workspace="acme",
        provider="ghl",
        message_id=id_,
        conversation_id="c",
        channel="sms",
        direction="inbound",
        source="direct",
        identities=identities,
        provider_event="workflow",
        provider_message_id=None,
        sent_at=AT,
        received_at=AT,
        text="Yes",
        body="Yes",
    )


def inbox(offset: int, event: Any, type_: str = "") -> Record:
    envelope = Envelope(id=f"e{offset}", type=type_ or CODEC.type_of(event), source="/test", time=AT)
    return Record("inbox", 0, offset, b"acme", CODEC.encode(event), envelope.headers(), 0)


EMAIL = Identity(kind="email", value="a@b.example")
PHONE = Identity(kind="phone", value="+13125550148")
CONTACT = Identity(kind="ghl_contact_id", value="c1")


async def test_a_fact_resolved_twice_has_events_of_the_same_ids(kafka: Kafka) -> None:
    facts = [inbox(0, fact("m0", EMAIL)), inbox(1, fact("m1", PHONE)), inbox(2, fact("m2", EMAIL, PHONE))]
    agent = resolver(kafka)
    await agent.process({("inbox", 0): facts})
    assert kafka.calls == ["sent", "remembered", "remembered"]
    assert kafka.types()[-3:] == ["lead.merged.v1", "lead.changed.v1", "message.received.v1"]
    first = kafka.ids()["message.received.v1"]
    kafka.sent.clear()
    # The lead is known by now, so the fact changes nothing; its message is the same event all the same.
    await agent.process({("inbox", 0): facts[2:]})
    assert kafka.types() == ["message.received.v1"]
    assert kafka.ids()["message.received.v1"] == first


async def test_a_batch_that_was_remembered_by_half_gives_its_messages_to_the_same_leads_again(kafka: Kafka) -> None:
    homes, identities = Kafka(), Kafka()
    agent = ResolveAgent(Settings(), kafka, identities, homes)  # type: ignore[arg-type]
    identities.forgetting = True
    facts = [inbox(0, fact("m0", EMAIL)), inbox(1, fact("m1", CONTACT)), inbox(2, fact("m2", EMAIL, CONTACT))]
    with pytest.raises(ConnectionError):
        await agent.process({("inbox", 0): facts})
    first, kafka.sent = kafka.sent, []
    identities.forgetting = False
    await agent.process({("inbox", 0): facts})
    assert kafka.sent == first
    # And once more, all remembered, as after a crash before the commit: `m1` by now has a lead that lives on elsewhere.
    kafka.sent = []
    await agent.process({("inbox", 0): facts})
    assert [record for record in first if b"message_id" in (record.value or b"")] == kafka.sent


@pytest.mark.parametrize(
    "odd",
    [
        Record("inbox", 0, 0, b"acme", b"{", inbox(0, fact("m", EMAIL)).headers, 0),
        Record("inbox", 0, 0, b"acme", b"{}", [], 0),
        inbox(0, fact("m")),
        inbox(0, LeadMerged(receipt_id="r", workspace="acme", lead_id="a", into_lead_id="b", merged_at=AT)),
        inbox(0, {}, type_="no.such.v1"),
    ],
    ids=["not JSON", "no envelope", "about nobody", "no fact", "unknown type"],
)
async def test_a_bad_fact_is_a_dead_letter_and_the_rest_goes_on(kafka: Kafka, odd: Record) -> None:
    await resolver(kafka).process({("inbox", 0): [odd, inbox(1, fact("good", EMAIL))]})
    assert [one.topic for one in kafka.sent] == ["dead-letters", "messages", "messages"]
    assert header_map(kafka.sent[0].headers)["dlq_offset"] == "0"


async def test_a_fact_of_a_newer_program_is_nobodys_dead_letter(kafka: Kafka) -> None:
    with pytest.raises(NewerEvent):
        await resolver(kafka).process({("inbox", 0): [inbox(0, fact("m", EMAIL), type_="inbox.message.v99")]})
    assert (kafka.sent, kafka.entries) == ([], {})
