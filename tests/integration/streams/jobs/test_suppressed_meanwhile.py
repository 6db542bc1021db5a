"""An opt-out that comes while a model is asked, at any moment and by any way: nothing is sent, no draft is open."""

import asyncio
import random
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headrace.events.enrichments import ReplyDecided
from headrace.events.ids import derived_id
from headrace.events.messages import LeadChanged, LeadMerged, LeadSuppressed
from headrace.events.topics import ENRICHMENTS, MESSAGES
from headrace.events.workspaces import WorkspaceFacts
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.log_records import read_ranges
from projections.connection import connector
from projections.writing.writer import ProjectionWriter
from tests.agreement import disagreements

Jobs = Any
PROGRAM = Path(__file__).with_name("slow_model_program.py")
FACTS = WorkspaceFacts(sender_name="Dana", company="Acme", service="recover unpaid claims")
#: Seconds a call takes; a job asks three times for its reply.
DELAY = 0.4
#: The calls of a job, with a margin before and after.
SPAN = 5 * DELAY
TRIALS = 30
DEADLINE = 90.0


def lead_id(name: str) -> str:
    return derived_id("lead", name)


def known(name: str) -> LeadChanged:
    at = datetime.now(UTC)
    return LeadChanged(
        receipt_id=derived_id("receipt", name),
        workspace="acme",
        lead_id=lead_id(name),
        created_at=at,
        changed_at=at,
        identities=(),
    )


def unsubscribed(name: str) -> LeadSuppressed:
    at = datetime.now(UTC)
    return LeadSuppressed(
        receipt_id=derived_id("receipt", f"unsubscribed {name}"),
        workspace="acme",
        lead_id=lead_id(name),
        provider="smartlead",
        reason="unsubscribed",
        occurred_at=at,
        received_at=at,
        provider_event="LEAD_UNSUBSCRIBED",
    )


def merged(name: str, into: str) -> LeadMerged:
    return LeadMerged(
        receipt_id=derived_id("receipt", f"merged {name}"),
        workspace="acme",
        lead_id=lead_id(name),
        into_lead_id=lead_id(into),
        merged_at=datetime.now(UTC),
    )


async def happens(jobs: Jobs, number: int, moments: random.Random) -> None:
    """A person writes, and opts out a moment later: by a webhook, by words, or as a lead merged before or after."""
    name, other = f"{number}", f"{number} too"
    text = "Yes, I'm interested!"
    await jobs.receive([known(name), jobs.message(number, text, lead=name, sent_at=datetime.now(UTC))])
    way = number % 5
    if way in (2, 3):
        await jobs.receive([known(other), merged(*((name, other) if way == 2 else (other, name)))])
    await asyncio.sleep(moments.uniform(0, SPAN))
    match way:
        case 0:
            await jobs.receive([unsubscribed(name)])
        case 1:
            stop = jobs.message(100 + number, "STOP", lead=name, sent_at=datetime.now(UTC))
            await jobs.receive([stop])
        case 2 | 3:
            await jobs.receive([unsubscribed(other)])
        case _:
            await jobs.receive([known(other), unsubscribed(other), merged(other, name)])


async def standing(jobs: Jobs) -> dict[str, ReplyDecided]:
    """Job id → the newest word on its reply."""
    events = await jobs.read(ENRICHMENTS)
    return {event.job_id: event for event in events if isinstance(event, ReplyDecided)}


async def project(settings: Any, database_url: str) -> None:
    """Rows for all that was written."""
    writer = ProjectionWriter(connector(database_url), topic_prefix=settings.topic_prefix)
    for topic in (MESSAGES, ENRICHMENTS):
        for place, span in LogOffsets(settings).ranges([settings.topic(topic)]).items():
            records = list(read_ranges(settings, {place: span}))
            if records:
                await writer.write({place: records})
    await writer.close()


def still_promised(decided: Iterable[ReplyDecided]) -> list[ReplyDecided]:
    return [event for event in decided if event.decision == "send_at"]


async def test_an_opt_out_during_a_model_call_is_heard_before_anything_is_promised(
    jobs: Jobs, database_url: str
) -> None:
    moments = random.Random(20260302)  # noqa: S311
    await jobs.apply("acme", mode="AI_AUTO_SEND", facts=FACTS)
    with jobs.program(sys.executable, str(PROGRAM), "--delay", str(DELAY), HEADRACE_JOB_SLOTS="64"):
        await jobs.receive([known("nobody"), jobs.message(999, "Yes, I'm interested!", lead="nobody")])
        await jobs.until_ended(2)
        (allowed,) = (await standing(jobs)).values()
        assert allowed.decision == "send_at", "who does not opt out is answered"
        await asyncio.gather(*(happens(jobs, number, moments) for number in range(TRIALS)))
        stops = len([number for number in range(TRIALS) if number % 5 == 1])
        await jobs.until_ended(2 + 2 * (TRIALS + stops))
        give_up = time.monotonic() + DEADLINE
        await jobs.receive([unsubscribed("nobody")])
        while promised := still_promised((await standing(jobs)).values()):
            assert time.monotonic() < give_up, [(event.lead_id, event.at) for event in promised]
            await asyncio.sleep(0.2)
    decided = (await standing(jobs)).values()
    assert any(event.withdrawn for event in decided), "what was decided before is taken back"
    heard = [event for event in decided if "suppressed" in event.reasons and not event.withdrawn]
    assert heard, "what comes while the model is asked is heard at once"
    await project(jobs.settings, database_url)
    assert disagreements(database_url) == []
