"""What analysts see of evidence: when a suppression was known and from what, and what providers report about leads."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from headrace.events.enrichments import MessageClassified
from headrace.events.ids import derived_id
from projections.connection import connector
from projections.writing.writer import ProjectionWriter

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EventLog = Any
Project = Callable[..., Awaitable[None]]
Query = Callable[[str], Awaitable[list[dict[str, Any]]]]
LeadOf = Callable[[str], str]


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


def opt_out(lead_id: str, number: int, rule: str) -> MessageClassified:
    """What the step says that read message `number`, 90 seconds after it was written."""
    return MessageClassified(
        workspace="acme",
        lead_id=lead_id,
        message_id=derived_id("message", str(number)),
        job_id=derived_id("job", str(number)),
        job_type="SMARTLEAD_INBOUND_POST_PROCESS",
        step="opt_out_and_bounce",
        receipt_id=derived_id("receipt", str(number)),
        at=START + timedelta(minutes=number, seconds=90),
        sent_at=START + timedelta(minutes=number),
        received_at=START + timedelta(minutes=number, seconds=1),
        label="Blacklist",
        confidence=1.0,
        opt_out=True,
        rule=rule,
    )


@pytest.mark.parametrize(("rule", "detail"), [("opt-out/stop", "opt-out/stop"), ("", "model/opt-out")])
async def test_what_a_lead_wrote_is_known_once_it_was_read(
    project: Project, query: Query, events: EventLog, lead_of: LeadOf, rule: str, detail: str
) -> None:
    await project(events.lead("a", 0, ("a@x.io",)), events.message("a", 1), events.suppression("a", 1, detail=detail))
    await project(opt_out(lead_of("a"), 1, rule), topic="enrichments")
    (row,) = await query("SELECT * FROM analytics.suppressions")
    assert (row["cause"], row["reason"], row["detail"]) == ("message", "unsubscribed", detail)
    assert (str(row["message_id"]), str(row["job_id"])) == (derived_id("message", "1"), derived_id("job", "1"))
    assert (row["known_at"], row["delay_seconds"]) == (START + timedelta(seconds=150), 90)


async def test_what_a_provider_says_is_known_when_its_webhook_comes(
    project: Project, query: Query, events: EventLog, lead_of: LeadOf
) -> None:
    # The same webhook brought a message, which its own rule also heard: the provider said it all the same.
    told = events.suppression("a", 1, received_at=START + timedelta(minutes=1, seconds=7))
    await project(events.lead("a", 0, ("a@x.io",)), events.message("a", 1), told)
    await project(opt_out(lead_of("a"), 1, "opt-out/stop"), topic="enrichments")
    (row,) = await query("SELECT * FROM analytics.suppressions")
    assert (row["cause"], row["message_id"], row["delay_seconds"]) == ("provider", None, 7)


async def test_suppressions_and_signals_follow_a_merge(
    project: Project, query: Query, events: EventLog, lead_of: LeadOf
) -> None:
    inherited = events.suppression("a", 9, provider="headrace", detail="inherited from b")
    await project(
        *(events.lead(name, 0, (f"{name}@x.io",)) for name in "abc"),
        inherited,
        events.suppression("c", 3),
        events.signal("c", 4),
        events.merge("c", "b"),
        events.merge("b", "a"),
    )
    found = await query("SELECT * FROM analytics.suppressions ORDER BY occurred_at")
    assert [(row["cause"], row["lead_id"], row["original_lead_id"]) for row in found] == [
        ("provider", UUID(lead_of("a")), UUID(lead_of("c"))),
        ("split", UUID(lead_of("a")), UUID(lead_of("a"))),
    ]
    (signal,) = await query("SELECT * FROM analytics.signals")
    assert (signal["signal"], signal["lead_id"]) == ("interested", UUID(lead_of("a")))
    # Whoever is in both views is told the same.
    (lead,) = await query("SELECT * FROM analytics.leads")
    assert (lead["suppressed_at"], lead["suppression_reason"]) == (found[0]["occurred_at"], found[0]["reason"])
