"""What is unfinished is told by stage and workspace, with its age, and no longer once it is finished."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psycopg
import pytest
from psycopg.rows import dict_row

from headrace.events.ids import derived_id
from headrace.events.jobs import (
    ErrorClass,
    JobCancelled,
    JobDied,
    JobPaused,
    JobRequested,
    JobResumed,
    JobRetryScheduled,
    JobStarted,
    JobSucceeded,
)
from headrace.events.records import Record
from projections.connection import connector
from projections.writing.writer import ProjectionWriter

EventLog = Any
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ages count from when a test begins: in a long run the module was read minutes before."""
    monkeypatch.setattr(sys.modules[__name__], "NOW", datetime.now(UTC))


def ago(seconds: int) -> datetime:
    return NOW - timedelta(seconds=seconds)


def about(number: int, **fields: Any) -> dict[str, Any]:
    """What every event of job `number` says."""
    shared: dict[str, Any] = {
        "job_id": derived_id("job", str(number)),
        "workspace": "acme",
        "lead_id": derived_id("lead", str(number)),
        "type": "SMS_INBOUND_POST_PROCESS",
        "message_id": derived_id("message", str(number)),
        "receipt_id": derived_id("receipt", str(number)),
        "at": NOW,
    }
    return shared | fields


def request(number: int, age: int, **fields: Any) -> JobRequested:
    """Job `number` was due so many seconds ago."""
    return JobRequested(**about(number, **fields), due_at=ago(age))


def put_off(number: int, error_class: str, attempt: int = 1) -> JobRetryScheduled:
    return JobRetryScheduled(
        **about(number),
        attempt=attempt,
        due_at=NOW + timedelta(hours=1),
        step="classify",
        error_class=cast(ErrorClass, error_class),
        reason="for a reason",
    )


class ReadModel:
    """Projects, and tells what is unfinished."""

    def __init__(self, database_url: str, events: EventLog) -> None:
        self._url = database_url
        self._events = events

    async def project(self, topic: str, *made: object) -> None:
        await self.write({(topic, 0): [self._events.record(topic, 0, event) for event in made]})

    async def write(self, batch: Mapping[tuple[str, int], list[Record]], **ends: tuple[int, int]) -> None:
        """`ends`: topic → what the broker has of its partition 0."""
        writer = ProjectionWriter(connector(self._url))
        await writer.write(batch)
        await writer.beat({(topic, 0): found for topic, found in ends.items()})
        await writer.close()

    def unfinished(self) -> dict[tuple[str | None, str], tuple[int, int | None]]:
        """(workspace, stage) → (how many, seconds before NOW of the oldest)."""
        with psycopg.connect(self._url, row_factory=dict_row) as connection:
            rows = connection.execute("SELECT * FROM analytics.oldest_unprocessed").fetchall()
        found = {}
        for row in rows:
            since = row["oldest_at"]
            assert (row["age_seconds"] is None) == (since is None)
            assert since is None or row["age_seconds"] >= round((NOW - since).total_seconds(), 1)
            age = None if since is None else round((NOW - since).total_seconds())
            found[row["workspace_id"], row["stage"]] = (row["n"], age)
        return found

    def execute(self, statement: str) -> None:
        with psycopg.connect(self._url) as connection:
            connection.execute(statement.encode())


@pytest.fixture
def read_model(database_url: str, events: EventLog) -> ReadModel:
    return ReadModel(database_url, events)


def test_nothing_is_unfinished_at_first(read_model: ReadModel) -> None:
    assert read_model.unfinished() == {}


async def test_open_jobs_stand_in_the_stage_they_are_in(read_model: ReadModel) -> None:
    await read_model.project(
        "jobs",
        *(request(number, age=100 + number) for number in range(7)),
        request(7, age=500, workspace="globex"),
        request(8, age=-3600),
        JobStarted(**about(2), attempt=1, worker="w"),
        put_off(3, "over_budget", attempt=0),
        put_off(4, "dependency_down"),
        put_off(5, "transient"),
        JobPaused(**about(6), paused_by="jane"),
    )
    assert read_model.unfinished() == {
        ("acme", "jobs:waiting"): (2, 101),
        ("globex", "jobs:waiting"): (1, 500),
        ("acme", "jobs:running"): (1, 102),
        ("acme", "jobs:over_budget"): (1, 103),
        ("acme", "jobs:dependency_down"): (1, 104),
        ("acme", "jobs:retrying"): (1, 105),
        ("acme", "jobs:paused"): (1, 106),
    }


async def test_a_job_is_gone_when_it_ended_and_counts_by_its_newest_life(read_model: ReadModel) -> None:
    died = JobDied(**about(1), attempt=1, step="draft", error_class="permanent", reason="refused")
    await read_model.project(
        "jobs",
        *(request(number, age=100) for number in range(4)),
        JobSucceeded(**about(0), attempt=1),
        died,
        JobCancelled(**about(2), reason="lead suppressed"),
        JobPaused(**about(3), paused_by="jane"),
        JobResumed(**about(3), resumed_by="jane"),
    )
    assert read_model.unfinished() == {("acme", "jobs:waiting"): (1, 100)}
    await read_model.project("jobs", request(1, age=10, generation=2), request(3, age=20, generation=2))
    assert read_model.unfinished() == {("acme", "jobs:waiting"): (2, 20)}


async def test_a_message_whose_job_nobody_asked_for_is_seen(read_model: ReadModel, events: EventLog) -> None:
    await read_model.project(
        "messages",
        *(events.message("a", number, received_at=ago(60 * number)) for number in (1, 2)),
        events.message("a", 3, inbound=False),
        events.message("a", 4, source="bounce"),
    )
    assert read_model.unfinished() == {("acme", "messages:without_job"): (2, 120)}
    await read_model.project("jobs", request(2, age=-60))
    assert read_model.unfinished() == {("acme", "messages:without_job"): (1, 60)}


def dead_letter(events: EventLog, stage: str, topic: str, offset: int, age: int) -> Record:
    headers = {
        "dlq_stage": stage,
        "dlq_topic": topic,
        "dlq_partition": "0",
        "dlq_offset": str(offset),
        "dlq_error_class": "permanent",
        "dlq_reason": "refused",
        "dlq_attempts": "1",
        "dlq_first_at": ago(age).isoformat(),
        "dlq_last_at": NOW.isoformat(),
    }
    pairs = [(name, value.encode()) for name, value in headers.items()]
    return cast(Record, events.raw("dead-letters", 0, b"{}", pairs))


async def test_a_dead_letter_is_open_until_its_job_is_asked_for_again(read_model: ReadModel, events: EventLog) -> None:
    await read_model.project("jobs", request(0, age=100), JobCancelled(**about(0), reason="for the test"))
    letters = [
        dead_letter(events, "dedupe", "webhooks.ghl", 0, age=30),
        dead_letter(events, "execute", "jobs", 0, age=20),
    ]
    await read_model.write({("dead-letters", 0): letters, ("enrichments", 0): [events.raw("enrichments", 0, b"", [])]})
    unfinished = read_model.unfinished()
    refused, _ = unfinished.pop((None, "dead_letters:project:enrichments"))
    assert refused == 1
    assert unfinished == {(None, "dead_letters:dedupe"): (1, 30), ("acme", "dead_letters:execute"): (1, 20)}
    await read_model.project("jobs", request(0, age=-60, generation=2))
    assert ("acme", "dead_letters:execute") not in read_model.unfinished()


async def test_what_the_projections_have_not_reached_is_as_old_as_their_newest_row(
    read_model: ReadModel, events: EventLog
) -> None:
    record = events.record("messages", 0, events.lead("a", 1, ("a@x.io",)))
    await read_model.write({("messages", 0): [record]}, messages=(0, 1))
    assert read_model.unfinished() == {}
    await read_model.write({}, messages=(0, 4))
    newest = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
    assert read_model.unfinished() == {(None, "project:leads"): (3, round((NOW - newest).total_seconds()))}


async def test_projections_that_do_not_run_are_told_though_nothing_was_left(
    read_model: ReadModel, events: EventLog
) -> None:
    record = events.record("messages", 0, events.lead("a", 1, ("a@x.io",)))
    await read_model.write({("messages", 0): [record]}, messages=(0, 1))
    read_model.execute("UPDATE ctl.broker_offsets SET observed_at = now() - interval '1 hour'")
    ((stage, (lag, age)),) = read_model.unfinished().items()
    assert (stage, lag) == ((None, "project:leads"), 0)
    assert age is not None
    assert 3500 < age <= 3600
