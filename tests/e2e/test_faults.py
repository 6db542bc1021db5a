"""Everything is killed in turn under load: each accepted webhook is one receipt; each message one row, draft, score."""

import asyncio
import itertools
import json
import os
import time
from collections import Counter
from typing import Any

import psycopg
import pytest

from projections.registry import ALL_PROJECTIONS
from tests.e2e.stack import Stack
from tests.e2e.traffic import Traffic

#: Six in the suite: each program once. `make chaos` asks for more.
FAULTS = int(os.environ.get("HEADRACE_CHAOS_FAULTS", "6"))
VICTIMS = ("ingest", "jobs", "pipeline", "projections", "kafka", "postgres")
RESUME_SECONDS = 15.0
#: Messages, each of them delivered three times on average: with this and the other tests two cores are busy.
PER_SECOND = int(os.environ.get("HEADRACE_CHAOS_MESSAGES", "10"))
#: Messages without both of their jobs done, and what belongs to a message but is there twice or not at all.
_UNFINISHED = """
SELECT count(*) FROM analytics.messages m
WHERE (SELECT count(*) FROM analytics.jobs j WHERE j.message_id = m.message_id AND j.state = 'succeeded') < 2
"""
_WRONG = """
SELECT m.provider_message_id, of_message.*
FROM analytics.messages m,
LATERAL (
    SELECT
        (SELECT array_agg(j.type ORDER BY j.type) FROM analytics.jobs j WHERE j.message_id = m.message_id) AS jobs,
        (SELECT count(*) FROM proj_v1.message_labels l WHERE l.message_id = m.message_id) AS labels,
        (SELECT count(*) FROM proj_v1.drafts d WHERE d.message_id = m.message_id) AS drafts,
        (SELECT count(*) FROM proj_v1.reply_decisions r WHERE r.message_id = m.message_id) AS decisions,
        (SELECT count(*) FROM proj_v1.lead_scores s WHERE s.message_id = m.message_id) AS scores
) AS of_message
WHERE (of_message.jobs, labels, drafts, decisions, scores)
    IS DISTINCT FROM (ARRAY['LEAD_SCORING_POST_PROCESS', 'LINKEDIN_INBOUND_POST_PROCESS'], 1, 1, 1, 1)
"""


@pytest.mark.timeout(120 + 60 * FAULTS)
async def test_nothing_accepted_is_lost_or_doubled(stack: Stack) -> None:
    traffic = Traffic(stack.ingest_url, PER_SECOND)
    running = asyncio.create_task(traffic.run())
    await _until_row(stack, traffic, "m-9000000")
    resumed: dict[str, list[float]] = {}
    for number, victim in enumerate(itertools.islice(itertools.cycle(VICTIMS), FAULTS), start=1):
        await asyncio.sleep(2)
        await asyncio.to_thread(stack.kill, victim)
        restarted = time.monotonic()
        await _until_row(stack, traffic, f"m-9{number:06d}")
        resumed.setdefault(victim, []).append(time.monotonic() - restarted)
        print(f"fault {number}/{FAULTS}: {victim} killed, rows again {resumed[victim][-1]:.1f} s after it was back")
    traffic.stop()
    await running
    await _until_settled(stack, traffic)
    await _until_finished(stack)
    receipts, messages = await asyncio.to_thread(_rows, stack)
    print(f"accepted {len(traffic.accepted)}, messages {len(traffic.messages)}, refused {traffic.refused}")
    assert [receipt for receipt, count in receipts.items() if count > 1] == []
    assert set(traffic.accepted) - receipts.keys() == set()
    assert messages == Counter(traffic.messages)
    assert await asyncio.to_thread(_ask, stack, _WRONG) == []
    audited = await asyncio.to_thread(stack.headrace, "audit", "--full", "--wait", "60", "--json")
    assert json.loads(audited)["outcome"] == "complete", audited
    await asyncio.to_thread(_prove_rows_equal_the_log, stack)
    assert {name: max(times) for name, times in resumed.items() if max(times) > RESUME_SECONDS} == {}


def _prove_rows_equal_the_log(stack: Stack) -> None:
    """What the kills left is what the log says: every projection built anew has the live rows' hashes."""
    stack.headrace("proj", "rebuild", "--all", "--workers", "2", "--execute")
    verdict = json.loads(stack.headrace("proj", "verify", "--all", "--wait", "30", "--json"))
    assert {one["projection"]: one["outcome"] for one in verdict["projections"]} == dict.fromkeys(
        sorted(projection.name for projection in ALL_PROJECTIONS), "equal"
    )
    tables = {table["table"]: table for one in verdict["projections"] for table in one["tables"]}
    assert {name for name, table in tables.items() if table["version"] != table["against"]} == set()
    assert tables["messages"]["version"]["rows"] > 0


async def _until_row(stack: Stack, traffic: Traffic, message: str) -> None:
    """Deliver a message of its own and wait until its row stands."""
    await traffic.deliver_one(message)
    await _until(stack, "SELECT 1 FROM analytics.messages WHERE provider_message_id = %s", message)


async def _until_settled(stack: Stack, traffic: Traffic) -> None:
    """Until every accepted webhook has its row. Counting rows would not do: refused webhooks may have rows, too."""
    give_up = time.monotonic() + 90
    while time.monotonic() < give_up:
        receipts, _ = await asyncio.to_thread(_rows, stack)
        if set(traffic.accepted) <= receipts.keys():
            return
        await asyncio.sleep(0.5)


async def _until_finished(stack: Stack) -> None:
    """Until every message has been looked after and its lead scored."""
    give_up = time.monotonic() + 60 + 20 * FAULTS
    while True:
        ((left,),) = await asyncio.to_thread(_ask, stack, _UNFINISHED)
        if not left:
            return
        assert time.monotonic() < give_up, f"{left} messages are not done"
        await asyncio.sleep(0.5)


def _ask(stack: Stack, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.database_url) as connection:
        return connection.execute(query).fetchall()


async def _until(stack: Stack, query: str, argument: object) -> None:
    give_up = time.monotonic() + 90
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(stack.database_url, connect_timeout=2) as connection:
                while time.monotonic() < give_up:
                    if await (await connection.execute(query, [argument])).fetchone():
                        return
                    await connection.rollback()
                    await asyncio.sleep(0.1)
        except psycopg.OperationalError:
            await asyncio.sleep(0.2)
        assert time.monotonic() < give_up, f"no row for {argument!r} after 90 s"


def _rows(stack: Stack) -> tuple[Counter[str], Counter[str]]:
    with psycopg.connect(stack.database_url) as connection:
        receipts = connection.execute("SELECT receipt_id::text FROM proj_v1.webhook_receipts").fetchall()
        messages = connection.execute("SELECT provider_message_id FROM proj_v1.messages").fetchall()
    return Counter(row[0] for row in receipts), Counter(row[0] for row in messages)
