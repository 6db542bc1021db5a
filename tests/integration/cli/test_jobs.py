"""`headrace jobs` on a real read model and a real broker: plans by default, acts on everything that matches."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from headrace.events.ai import AiCalled
from headrace.events.codec import Codec
from headrace.events.enrichments import AiUse, DraftCreated
from headrace.events.envelope import Envelope, read_envelope
from headrace.events.ids import derived_id
from headrace.events.jobs import (
    JobCancelled,
    JobDied,
    JobPaused,
    JobRequested,
    JobRetryScheduled,
    JobStarted,
    JobStepFinished,
    JobSucceeded,
)
from headrace.events.records import Record
from headrace.events.topics import JOBS
from headrace.settings import Settings
from operations.jobs.job_list import JobFilter, find_jobs
from projections.connection import connector
from projections.projectors.ai_interactions import PROJECTION as AI_CALLS
from projections.projectors.enrichments import PROJECTION as CONCLUSIONS
from projections.projectors.jobs import PROJECTION as JOB_HISTORY
from projections.writing.writer import ProjectionWriter
from tests.headrace_command import headrace

NOW = datetime.now(UTC)
CODEC = Codec()
Run = Callable[..., Any]


def about(number: int, generation: int = 1, workspace: str = "acme", ago: int = 0) -> dict[str, Any]:
    return {
        "job_id": job(number),
        "workspace": workspace,
        "lead_id": derived_id("lead", str(number)),
        "type": "SMS_INBOUND_POST_PROCESS",
        "message_id": derived_id("message", str(number)),
        "receipt_id": derived_id("receipt", str(number)),
        "generation": generation,
        "at": NOW - timedelta(hours=ago),
    }


def job(number: int) -> str:
    return derived_id("job", str(number))


def requested(number: int, **fields: Any) -> JobRequested:
    return JobRequested(**about(number, **fields), due_at=NOW)


def started(number: int, attempt: int = 1) -> JobStarted:
    return JobStarted(**about(number), attempt=attempt, worker="w")


ENDED: dict[str, Any] = {"attempt": 1, "started_at": NOW, "worker": "w"}
SECRET_WORDS = "Glad to hear it, zebra!"
WHY: dict[str, Any] = {"step": "classify", "error_class": "transient", "reason": "AI timeout"}


def history() -> list[Any]:
    """Job 1 waits for a retry, 2 died, 3 succeeded, 4 runs, 5 is paused, 6 was cancelled, 7 is old and another's."""
    waiting = [requested(1), started(1), JobStepFinished(**about(1), step="opt_out", attempt=1, skipped="no opt-out")]
    waiting.append(JobRetryScheduled(**about(1), **ENDED, **WHY, due_at=NOW + timedelta(minutes=5)))
    died = [requested(2), started(2), JobDied(**about(2), **ENDED, **WHY)]
    # Commands that came too late change nothing.
    late = [JobCancelled(**about(3), reason="x"), JobPaused(**about(3), paused_by="pat")]
    drafted = JobStepFinished(**about(3), step="draft", attempt=1, result={"body": SECRET_WORDS})
    succeeded = [requested(3), started(3), drafted, JobSucceeded(**about(3), **ENDED), *late]
    running = [requested(4), started(4)]
    paused = [requested(5), JobPaused(**about(5), paused_by="pat")]
    cancelled = [requested(6), started(6), JobCancelled(**about(6), reason="not wanted", cancelled_by="pat")]
    return [*waiting, *died, *succeeded, *running, *paused, *cancelled, requested(7, workspace="other", ago=48)]


def draft() -> DraftCreated:
    """What job 3 wrote."""
    return DraftCreated(
        **{name: value for name, value in about(3).items() if name not in ("generation", "type")},
        job_type="SMS_INBOUND_POST_PROCESS",
        step="draft",
        sent_at=NOW,
        received_at=NOW,
        ai=AiUse(provider="openai", model="gpt-5-mini", prompt_key="draft", prompt_version=1, prompt_sha256="0" * 64),
        draft_id=derived_id("draft", "3"),
        channel="sms",
        body=SECRET_WORDS,
        attempts=2,
    )


def calls() -> list[AiCalled]:
    """Job 3's two: one that broke off, whose cost nobody knows, and one that answered."""
    asked: dict[str, Any] = {
        **{name: value for name, value in about(3).items() if name not in ("generation", "type", "at")},
        "step": "draft",
        "attempt": 1,
        "called_at": NOW,
        "source": "background-job/sms-inbound-post-process",
        "feature": "draft.generate",
        "prompt_key": "draft",
        "prompt_version": 1,
        "prompt_sha256": "0" * 64,
        "provider": "openai",
        "api": "chat_completions",
        "model": "gpt-5-mini",
        "price_version": "p1",
        "latency_ms": 1234,
    }
    broken: dict[str, Any] = {"usage_source": "none", "billing": "unknown", "cost_micro_usd": None, "status": "error"}
    answered: dict[str, Any] = {
        "usage_source": "reported",
        "billing": "metered",
        "cost_micro_usd": 1500,
        "status": "ok",
    }
    return [
        AiCalled(**asked, **broken, call=1, error="timeout", error_class="transient"),
        AiCalled(**asked, **(answered | {"status": "ok"}), call=2, input_tokens=1000, output_tokens=90),
    ]


@pytest.fixture
async def jobs(settings: Settings) -> Run:
    """The command, over a read model with seven jobs."""
    shown = (JOB_HISTORY, CONCLUSIONS, AI_CALLS)
    writer = ProjectionWriter(connector(settings.database_url), topic_prefix="", projections=shown)
    log = {"jobs": history(), "enrichments": [draft()], "ai-interactions": calls()}
    for topic, events in log.items():
        await writer.write({(topic, 0): [_record(offset, event, topic) for offset, event in enumerate(events)]})
    await writer.close()
    environment = {
        "DATABASE_URL": settings.database_url,
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "HEADRACE_TOPIC_PREFIX": settings.topic_prefix,
        "HEADRACE_PARTITIONS": str(settings.partitions),
    }

    async def run(*arguments: str, status: int = 0) -> str:
        result = await asyncio.to_thread(headrace, environment, "jobs", *arguments)
        assert result.exit_code == status, result.output
        return result.output

    return run


def _record(offset: int, event: Any, topic: str) -> Record:
    envelope = Envelope(id=derived_id(topic, str(offset)), type=CODEC.type_of(event), source="/test", time=NOW)
    return Record(topic, 0, offset, b"lead", CODEC.encode(event), envelope.headers(), round(NOW.timestamp() * 1000))


async def written(settings: Settings) -> list[Any]:
    """What the commands wrote to `jobs`."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(settings.topic(JOBS), number) for number in range(settings.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found = []
        while [place for place in places if await consumer.position(place) < ends[place]]:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [CODEC.decode(read_envelope(record.headers).type, record.value) for record in records]
        return sorted(found, key=lambda event: event.job_id)
    finally:
        await consumer.stop()


async def test_every_job_stands_as_the_log_says(jobs: Run) -> None:
    found = {one["job_id"]: one for one in json.loads(await jobs("list", "--json"))}
    assert {number: found[job(number)]["state"] for number in range(1, 8)} == {
        1: "waiting",
        2: "died",
        3: "succeeded",
        4: "running",
        5: "paused",
        6: "cancelled",
        7: "waiting",
    }
    retried = found[job(1)]
    assert (retried["attempts"], retried["reason"], retried["step"]) == (1, "AI timeout", "classify")
    assert datetime.fromisoformat(retried["due_at"]) > NOW


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (["--state", "died", "--state", "paused"], {2, 5}),
        (["--workspace", "other"], {7}),
        (["--older-than", "1d"], {7}),
        (["--error", "TIMEOUT"], {1, 2}),
        (["--error", "%"], set()),
        (["--lead", derived_id("lead", "4")], {4}),
        (["--type", "LEAD_SCORING_POST_PROCESS"], set()),
        ([job(1), job(2)], {1, 2}),
        (["--workspace", "acme", "--error", "timeout", "--state", "waiting"], {1}),
    ],
)
async def test_filters(jobs: Run, arguments: list[str], numbers: set[int]) -> None:
    found = json.loads(await jobs("list", "--json", *arguments))
    assert {one["job_id"] for one in found} == {job(number) for number in numbers}


@pytest.mark.usefixtures("topics_created")
async def test_a_plan_does_nothing_and_execute_acts_on_all_that_fit(jobs: Run, settings: Settings) -> None:
    assert "Add --execute to retry 4 job(s)" in await jobs("retry", "--older-than", "0s")
    assert await written(settings) == []
    outcome = json.loads(await jobs("retry", "--older-than", "0s", "--execute", "--json"))
    assert (outcome["executed"], outcome["matching"], len(outcome["jobs"])) == (True, 7, 4)
    events = await written(settings)
    assert [type(event) for event in events] == [JobRequested] * 4
    assert {event.job_id for event in events} == {job(number) for number in (1, 2, 6, 7)}
    assert {event.generation for event in events} == {2}


@pytest.mark.usefixtures("topics_created")
async def test_each_verb_writes_its_event(jobs: Run, settings: Settings) -> None:
    await jobs("cancel", job(4), "--execute")
    await jobs("pause", job(1), "--execute")
    await jobs("resume", job(5), "--execute")
    await jobs("retry", job(3), "--from-start", "--execute")
    assert "nothing to pause" in await jobs("pause", job(2), "--execute")
    kinds = {event.job_id: type(event).__name__ for event in await written(settings)}
    assert kinds == {job(4): "JobCancelled", job(1): "JobPaused", job(5): "JobResumed", job(3): "JobRequested"}


async def test_a_verb_without_any_condition_is_refused(jobs: Run) -> None:
    assert "say which jobs to cancel" in await jobs("cancel", "--execute", status=2)


async def test_show_tells_the_whole_story(jobs: Run) -> None:
    told = await jobs("show", job(1))
    for part in ("waiting", "attempt 1", "opt_out done", "no opt-out", "classify: transient, AI timeout", "due at"):
        assert part in told
    story = json.loads(await jobs("show", job(1), "--json"))
    assert [attempt["outcome"] for attempt in story["attempts"]] == ["failed"]
    assert "There is no job" in await jobs("show", derived_id("job", "none"), status=1)


async def test_show_tells_what_came_of_it_what_models_were_asked_and_what_it_cost(jobs: Run) -> None:
    told = await jobs("show", job(3))
    for part in (
        "draft asked openai gpt-5-mini for draft.generate: error, timeout, 1,234 ms",
        "ok, 1,234 ms, 1,000 + 90 tokens, 0.001500 $",
        "draft.created.v1",
        "attempts=2",
        "2 call(s) to models: 0.001500 $, and 1 whose cost is unknown",
    ):
        assert part in told
    in_json = await jobs("show", job(3), "--json")
    story = json.loads(in_json)
    assert [call["cost_micro_usd"] for call in story["ai_calls"]] == [None, 1500]
    assert [one["event_type"] for one in story["conclusions"]] == ["draft.created.v1"]
    assert "zebra" not in told + in_json
    assert "held back by pat" in await jobs("show", job(5))


async def test_attempts_that_were_cut_off_are_named_so(jobs: Run) -> None:
    outcomes = {}
    for number in (2, 3, 4, 6):
        story = json.loads(await jobs("show", job(number), "--json"))
        outcomes[number] = story["attempts"][0]["outcome"]
    assert outcomes == {2: "died", 3: "succeeded", 4: "running", 6: "cut off"}


async def test_a_percent_sign_is_just_that(jobs: Run, settings: Settings) -> None:
    assert find_jobs(settings.database_url, JobFilter(error="AI_timeout"), NOW) == []
