"""What stands still with all connections open is noticed, and every loop of every process goes on when it does."""

import asyncio
import json
import os
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg
import pytest

from projections.registry import ALL_PROJECTIONS
from tests.e2e.stack import Stack
from tests.e2e.traffic import Traffic

#: Kafka: longer than a worker waits for an answer. Postgres: longer than a look of each loop. `make chaos` asks for
#: more, at which the time-outs of all clients and servers have run out.
KAFKA_SECONDS = float(os.environ.get("HEADRACE_CHAOS_HANG", "35"))
POSTGRES_SECONDS = float(os.environ.get("HEADRACE_CHAOS_HANG", "12"))
AFTER_SECONDS = 120.0
#: Projections of which nobody said since the moment that they are followed.
_SILENT = """
SELECT DISTINCT projection FROM ctl.projection_offsets WHERE projection NOT IN (
    SELECT projection FROM ctl.projection_offsets GROUP BY projection HAVING min(heartbeat_at) > %s
)
"""
_UNOBSERVED = "SELECT topic FROM ctl.broker_offsets GROUP BY topic HAVING min(observed_at) <= %s"
_MEASURED = "SELECT 1 FROM proj_v1.ingest_latency WHERE window_end_at > %s LIMIT 1"
_DONE = """
SELECT count(*) FROM analytics.jobs AS j JOIN analytics.messages AS m USING (message_id)
WHERE m.provider_message_id = %s AND j.state = 'succeeded'
"""

_WITHOUT_VERDICT = "LATE: 1 webhooks without a verdict"
_TOLD_LATE = """
SELECT n FROM analytics.oldest_unprocessed WHERE stage = 'webhooks:without_verdict' AND age_seconds > 60
"""


@pytest.mark.timeout(300 + 4 * int(KAFKA_SECONDS))
def test_all_loops_go_on_after_a_dependency_stood_still(stack: Stack) -> None:
    traffic = Traffic(stack.ingest_url, 1)
    until_looked_after(stack, traffic, "m-1")
    for message, name, seconds in (("m-2", "kafka", KAFKA_SECONDS), ("m-3", "postgres", POSTGRES_SECONDS)):
        with stack.hung(name):
            time.sleep(seconds)
        ((resumed,),) = ask(stack, "SELECT clock_timestamp()")
        until_looked_after(stack, traffic, message)
        until_all_loops_live(stack, resumed)
    until(lambda: stack.status_of("proj", "status", "--over", "1") == 0, "nothing is stale")
    statuses = json.loads(stack.headrace("proj", "status", "--over", "1", "--json"))
    assert {one["projection"]: one["is_stale"] for one in statuses} == {one.name: False for one in ALL_PROJECTIONS}


@pytest.mark.timeout(600)
def test_a_pipeline_that_hangs_looks_well_nowhere(stack: Stack) -> None:
    traffic = Traffic(stack.ingest_url, 1)
    until_looked_after(stack, traffic, "m-1")
    until(lambda: stack.status_of("dev", "status") == 0, "all is well")
    until(lambda: stack.status_of("audit") == 0, "nothing is late")
    with stack.hung("pipeline"):
        # Answered 200, kept, and seen by nobody.
        asyncio.run(traffic.deliver_one("m-2"))
        until(lambda: _WITHOUT_VERDICT in stack.headrace("dev", "status", check=False), "the age is told")
        assert stack.status_of("dev", "status") == 1
        assert stack.status_of("proj", "status", "--over", "0.5") == 1
        assert stack.status_of("audit", "--wait", "0") == 1
        audited = json.loads(stack.headrace("audit", "--wait", "0", "--json", check=False))
        assert [age["stage"] for age in audited["stages"] if age["is_late"]] == ["webhooks:without_verdict"]
        until(lambda: ask(stack, _TOLD_LATE) == [(1,)], "the view tells it")
    until(lambda: ask(stack, _DONE, "m-2") == [(2,)], "it goes on where it was")
    until(lambda: stack.status_of("dev", "status") == 0, "all is well again")
    until(lambda: stack.status_of("audit") == 0, "nothing was lost")


def until_looked_after(stack: Stack, traffic: Traffic, message: str) -> None:
    asyncio.run(traffic.deliver_one(message))
    until(lambda: ask(stack, _DONE, message) == [(2,)], f"{message} is looked after")


def until_all_loops_live(stack: Stack, since: datetime) -> None:
    until(lambda: ask(stack, _MEASURED, since), "ingest measures")
    until(lambda: ask(stack, _SILENT, since) == [], "all projections are alive")
    until(lambda: ask(stack, _UNOBSERVED, since) == [], "the log is looked at")


def ask(stack: Stack, query: str, *arguments: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.database_url, connect_timeout=5) as connection:
        return connection.execute(query.encode(), arguments).fetchall()


def until(is_so: Callable[[], object], what: str) -> None:
    give_up = time.monotonic() + AFTER_SECONDS
    while not is_so():
        assert time.monotonic() < give_up, f"not within {AFTER_SECONDS:.0f} s: {what}"
        time.sleep(0.3)
