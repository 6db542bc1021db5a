"""What analysts see: merges followed, suppressions and times of all that became one lead, quantiles of histograms."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from headrace.events.inbox import Address, Campaign, Person
from headrace.events.receipts import IngestLatencyMeasured, LatencyBucket
from projections.connection import connector
from projections.writing.writer import ProjectionWriter

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EventLog = Any
Project = Callable[..., Awaitable[None]]
Query = Callable[[str], Awaitable[list[dict[str, Any]]]]


@pytest.fixture
async def project(database_url: str, events: EventLog) -> AsyncIterator[Project]:
    writer = ProjectionWriter(connector(database_url))

    async def write(*made: object, topic: str = "messages") -> None:
        await writer.write({(topic, 0): [events.record(topic, 0, event) for event in made]})

    yield write
    await writer.close()


@pytest.fixture
async def query(database_url: str) -> AsyncIterator[Query]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True, row_factory=dict_row) as connection:

        async def rows(statement: str) -> list[dict[str, Any]]:
            return await (await connection.execute(statement)).fetchall()

        yield rows


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


async def test_a_lead_rises_from_new_to_contacted_replied_and_suppressed(
    project: Project, query: Query, events: EventLog
) -> None:
    async def status() -> tuple[Any, ...]:
        (lead,) = await query("SELECT * FROM analytics.leads")
        return lead["status"], lead["last_message_direction"], lead["suppression_reason"]

    await project(events.lead("a", 0, ("a@x.io",)))
    assert await status() == ("new", None, None)
    await project(events.message("a", 3, inbound=False))
    assert await status() == ("contacted", "outbound", None)
    await project(events.message("a", 2))
    assert await status() == ("replied", "outbound", None)
    await project(events.message("a", 5))
    assert await status() == ("replied", "inbound", None)
    await project(events.suppression("a", 9, reason="bounced"), events.suppression("a", 7))
    assert await status() == ("suppressed", "inbound", "unsubscribed")


async def test_times_move_whatever_the_order(project: Project, query: Query, events: EventLog) -> None:
    await project(
        events.lead("a", 0, ("a@x.io",)),
        events.message("a", 5),
        events.message("a", 2),
        events.message("a", 9, inbound=False),
        events.message("a", 1, inbound=False),
    )
    (lead,) = await query("SELECT * FROM analytics.leads")
    assert lead["first_message_at"] == lead["first_outbound_at"] == at(1)
    assert lead["last_message_at"] == lead["last_outbound_at"] == at(9)
    assert (lead["first_inbound_at"], lead["last_inbound_at"]) == (at(2), at(5))


async def test_merges_are_followed_to_the_end(
    project: Project, query: Query, events: EventLog, lead_of: Callable[[str], str]
) -> None:
    await project(
        *(events.lead(name, number, (f"{name}@x.io",)) for number, name in enumerate("abcd")),
        events.message("a", 1),
        events.message("b", 2, inbound=False),
        events.message("c", 3),
        events.message("d", 4),
        events.suppression("c", 5),
        events.merge("c", "b"),
        events.merge("b", "a"),
        events.lead("a", 6, ("a@x.io", "b@x.io", "c@x.io")),
    )
    messages = await query("SELECT * FROM analytics.messages ORDER BY sent_at")
    assert [m["lead_id"] for m in messages] == [UUID(lead_of(name)) for name in "aaad"]
    assert [m["original_lead_id"] for m in messages] == [UUID(lead_of(name)) for name in "abcd"]
    found = await query(f"SELECT * FROM analytics.messages WHERE lead_id = '{lead_of('a')}'")  # noqa: S608
    assert len(found) == 3
    leads = {lead["lead_id"]: lead for lead in await query("SELECT * FROM analytics.leads")}
    assert set(leads) == {UUID(lead_of("a")), UUID(lead_of("d"))}
    survivor = leads[UUID(lead_of("a"))]
    assert set(survivor["merged_lead_ids"]) == {UUID(lead_of("b")), UUID(lead_of("c"))}
    assert (survivor["first_message_at"], survivor["last_message_at"]) == (at(1), at(3))
    assert (survivor["last_outbound_at"], survivor["status"]) == (at(2), "suppressed")
    assert survivor["suppressed_at"] == at(5)
    assert leads[UUID(lead_of("d"))]["status"] == "replied"
    identities = await query("SELECT lead_id, value FROM analytics.lead_identities ORDER BY value")
    assert [(i["lead_id"], i["value"]) for i in identities] == [
        *((UUID(lead_of("a")), f"{name}@x.io") for name in "abc"),
        (UUID(lead_of("d")), "d@x.io"),
    ]


async def test_even_a_circle_of_merges_hides_no_message(project: Project, query: Query, events: EventLog) -> None:
    await project(
        *(events.lead(name, 0, (f"{name}@x.io",)) for name in "abc"),
        *(events.message(name, number) for number, name in enumerate("abc")),
        events.merge("a", "b"),
        events.merge("b", "a"),
        events.merge("c", "a"),
    )
    messages = await query("SELECT lead_id FROM analytics.messages")
    leads = await query("SELECT lead_id FROM analytics.leads")
    assert len(messages) == 3
    assert {m["lead_id"] for m in messages} == {lead["lead_id"] for lead in leads}
    assert len(leads) == 1


async def test_what_a_split_gave_away_shows_at_the_lead_it_belongs_to(
    project: Project, query: Query, events: EventLog, lead_of: Callable[[str], str]
) -> None:
    await project(
        *(events.lead(name, number, (f"{name}@x.io",)) for number, name in enumerate("abz")),
        events.message("a", 1),
        events.message("b", 2, inbound=False),
        events.message("b", 3),
        events.merge("b", "a"),
        events.split("a", "new"),
        events.lead("new", 4, ("n@x.io",)),
        events.move("b", 3, "new"),
    )
    messages = await query("SELECT * FROM analytics.messages ORDER BY sent_at")
    assert [m["lead_id"] for m in messages] == [UUID(lead_of(name)) for name in ("a", "a", "new")]
    assert [m["original_lead_id"] for m in messages] == [UUID(lead_of(name)) for name in "abb"]
    leads = {lead["lead_id"]: lead for lead in await query("SELECT * FROM analytics.leads")}
    old, new = leads[UUID(lead_of("a"))], leads[UUID(lead_of("new"))]
    assert (old["first_message_at"], old["last_message_at"], old["last_inbound_at"]) == (at(1), at(2), at(1))
    assert (new["first_message_at"], new["last_inbound_at"], new["last_outbound_at"]) == (at(3), at(3), None)
    assert [lead["status"] for lead in (old, new, leads[UUID(lead_of("z"))])] == ["replied", "replied", "new"]

    # The new lead may itself turn out to be somebody known.
    await project(events.merge("new", "z"))
    messages = await query("SELECT * FROM analytics.messages ORDER BY sent_at")
    assert messages[-1]["lead_id"] == UUID(lead_of("z"))
    leads = {lead["lead_id"]: lead for lead in await query("SELECT * FROM analytics.leads")}
    assert leads[UUID(lead_of("z"))]["last_inbound_at"] == at(3)


async def test_an_identity_the_lead_no_longer_has_is_gone(project: Project, query: Query, events: EventLog) -> None:
    await project(events.lead("a", 1, ("old@x.io", "a@x.io")))
    await project(events.lead("a", 2, ("a@x.io",)))
    assert await query("SELECT value FROM analytics.lead_identities") == [{"value": "a@x.io"}]


async def test_message_and_lead_keep_what_the_events_say(project: Project, query: Query, events: EventLog) -> None:
    replier = Address(address="col@x.io", name="Col")
    await project(
        events.message(
            "a",
            1,
            campaign=Campaign(id="7", name="Q2"),
            from_address=replier,
            to_addresses=(replier,),
            is_automated=True,
        ),
        events.lead(
            "a",
            1,
            ("a@x.io", 'quo"te,{}@x.io'),
            person=Person(first_name="Ada", company='A, "B" {C}'),
            current_replier=replier,
            current_replier_since=START,
        ),
    )
    (message,) = await query("SELECT * FROM analytics.messages")
    assert (message["campaign_id"], message["campaign_name"], message["from_email"]) == ("7", "Q2", "col@x.io")
    assert message["attrs"] == {"to": [{"address": "col@x.io", "name": "Col"}]}
    assert (message["text"], message["is_automated"], message["sent_date"]) == ("text 1", True, at(1).date())
    (lead,) = await query("SELECT * FROM analytics.leads")
    assert (lead["first_name"], lead["company"], lead["alternate_emails"]) == (
        "Ada",
        'A, "B" {C}',
        ['quo"te,{}@x.io'],
    )
    assert (lead["current_replier_email"], lead["current_replier_since_at"]) == ("col@x.io", START)


async def test_receipts_show_their_verdict(project: Project, query: Query, events: EventLog) -> None:
    await project(
        events.receipt(1, "webhooks.ghl", 3, 17),
        events.receipt(2, "webhooks.ghl", 3, 18, verdict="duplicate", message_ids=(), fact_count=0),
        topic="receipts",
    )
    receipts = await query("SELECT * FROM analytics.webhook_receipts ORDER BY source_offset")
    assert [(r["verdict"], r["is_duplicate"], len(r["message_ids"])) for r in receipts] == [
        ("fresh", False, 1),
        ("duplicate", True, 0),
    ]
    assert (receipts[0]["source_partition"], receipts[0]["source_offset"]) == (3, 17)


def histogram(process: str, status: int, buckets: dict[int, int], hour: int = 0, max_us: int = 10**9) -> Any:
    start = START + timedelta(hours=hour)
    return IngestLatencyMeasured(
        process_id=process,
        route="/webhooks/ghl",
        status=status,
        window_start=start,
        window_end=start + timedelta(seconds=10),
        count=sum(buckets.values()),
        sum_us=sum(le * count for le, count in buckets.items()),
        max_us=max_us,
        buckets=tuple(LatencyBucket(le, count) for le, count in buckets.items()),
    )


async def test_latency_quantiles_come_from_added_up_histograms(project: Project, query: Query) -> None:
    await project(
        histogram("a", 200, {1000: 50, 2000: 40}),
        histogram("b", 200, {1000: 40, 2000: 60}),
        histogram("b", 503, {4_000_000: 6}),
        histogram("b", 401, {1000: 4}),
        histogram("a", 200, {1000: 1}, hour=1, max_us=900),
        topic="ingest-latency",
    )
    first, second = await query("SELECT * FROM analytics.webhook_latency_hourly ORDER BY hour")
    assert first["n"] == 200
    # Rank 100 of 200 is 6 % into the bucket (1682, 2000]: 2000 / 2^(1/4) is nearer than the bound before.
    assert float(first["p50_ms"]) == pytest.approx(1.682 + 0.06 * 0.318, abs=0.002)
    assert float(first["p95_ms"]) == pytest.approx(1.682 + 0.96 * 0.318, abs=0.002)
    assert 3_363 < float(first["p99_ms"]) <= 4_000
    assert (float(first["error_rate"]), float(first["refused_rate"])) == (0.03, 0.02)
    assert (second["n"], float(second["max_ms"])) == (1, 0.9)
    assert float(second["p99_ms"]) <= 0.9


async def test_dead_letters_of_all_stages_stand_in_one_view(
    project: Project, query: Query, events: EventLog, database_url: str
) -> None:
    headers = {
        "dlq_stage": "resolve",
        "dlq_topic": "inbox",
        "dlq_partition": "1",
        "dlq_offset": "8",
        "dlq_error_class": "NoIdentity",
        "dlq_reason": "names nobody",
        "dlq_attempts": "2",
        "dlq_first_at": START.isoformat(),
        "dlq_last_at": START.isoformat(),
        "ce_receiptid": "r",
    }
    letter = events.raw("dead-letters", 0, b"\x00", [(name, value.encode()) for name, value in headers.items()])
    broken = events.raw("messages", 0, b"{}", [])
    writer = ProjectionWriter(connector(database_url))
    await writer.write({("dead-letters", 0): [letter], ("messages", 0): [broken]})
    await writer.close()
    letters = await query("SELECT * FROM analytics.dead_letters ORDER BY stage")
    assert [(d["stage"], d["origin_topic"], d["origin_offset"], d["receipt_id"]) for d in letters] == [
        ("project:leads", "messages", 0, None),
        ("resolve", "inbox", 8, "r"),
    ]
