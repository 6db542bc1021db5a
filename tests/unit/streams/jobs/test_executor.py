"""Rebalances while a job runs: what stays goes on under a new number, what leaves is thrown away, no call is unseen.

The real executor, runner, journal and schedule, over a log in memory that is folded when a test says so.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace.events.ai import AiCalled
from headrace.events.codec import Codec
from headrace.events.envelope import read_envelope
from headrace.events.job_plan import SCORING, job_id
from headrace.events.jobs import JobRequested
from headrace.kafka.faust.outbox import OutRecord
from headrace.settings import Settings
from operations.replay.decide.answers import RecordedAi
from streams.ai.reading import here
from streams.jobs.context import Profile, Reach, StepCall
from streams.jobs.conversation import with_suppression
from streams.jobs.conversations import Conversations, PartitionConversations
from streams.jobs.executor import Executor
from streams.jobs.journal import Journal
from streams.jobs.open_job import Entry, OpenJob, Place, ends_run, fold
from streams.jobs.runner import JobRunner
from streams.jobs.schedule import Schedule
from streams.jobs.step import Step, StepContext, StepFailed, StepOutcome, is_suppressed
from streams.jobs.void_jobs import VoidJobs
from tests.unit.streams.jobs.sms import sms

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SMS = "SMS_INBOUND_POST_PROCESS"
JOB = job_id("m", SMS)
CODEC = Codec()
GOLDEN = Path(__file__).parents[3] / "contract/events/golden"
CALL: AiCalled = CODEC.decode("ai.called.v1", (GOLDEN / "ai.called.v1.json").read_bytes())
MESSAGE = sms(NOW)


class Ai(RecordedAi):
    """A model that was asked, whatever became of the answer."""

    def __init__(self, call: StepCall) -> None:
        super().__init__(call, answers=())
        self.calls: list[AiCalled] = []

    def take_calls(self) -> tuple[AiCalled, ...]:
        calls, self.calls = self.calls, []
        return tuple(calls)


class World:
    """One process, its log and its table of open jobs. It is its own outbox, agent and conversations' table."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.log: list[Any] = []
        self.calls: list[AiCalled] = []
        self.answered, self.asked = asyncio.Event(), asyncio.Event()
        self._folded = 0
        self.is_put_out = False
        self.has_budget = True
        self._entries: dict[str, Entry | None] = {}
        itself: Any = self
        conversations = Conversations(itself)
        self._conversations: dict[bytes, bytes | None] = {}
        view = PartitionConversations(itself, 0, self._conversations, 0)
        view.put_head("lead", view.add("lead", view.head("lead"), MESSAGE))
        self.journal = Journal(itself)
        types = {SMS: (Step("work", self._work, overtaken=is_suppressed),)}
        profile: Any = Profile("acme", "Acme", "UTC", None)
        reach = Reach(Ai, here)
        runner = JobRunner(self.settings, self.journal, conversations, types, lambda _: profile, reach, lambda: NOW)
        self.schedule = Schedule(5, 5)
        void = VoidJobs(frozenset(), itself, self.schedule.jobs_of)
        self.executor = Executor(self.schedule, itself, void, runner, self.journal, conversations, lambda: NOW)

    async def _work(self, context: StepContext) -> StepOutcome:
        if is_suppressed(context.job):
            return StepOutcome(skipped="suppressed")
        self.asked.set()
        try:
            await self.answered.wait()
            if not self.has_budget:
                raise StepFailed("over_budget", "over_budget", retry_after=36_000)
        finally:
            assert isinstance(context.ai, Ai)
            context.ai.calls.append(CALL)
        return StepOutcome()

    async def send(self, records: Iterable[OutRecord], *, for_owner: bool) -> None:
        while for_owner and self.is_put_out:  # noqa: ASYNC110 - as the lease does
            await asyncio.sleep(0)
        for record in records:
            event = CODEC.decode(read_envelope(record.headers).type, record.value or b"")
            (self.calls if isinstance(event, AiCalled) else self.log).append(event)

    def suppress(self) -> None:
        """The lead opts out."""
        view: Any = PartitionConversations(self, 0, self._conversations, 0)  # type: ignore[arg-type]
        view.put_head("lead", with_suppression(view.head("lead"), "unsubscribed", NOW))

    def get(self, _partition: int, key: bytes) -> bytes | None:
        return self._conversations.get(key)

    def job(self, _partition: int, id_: str) -> OpenJob | None:
        entry = self._entries.get(id_)
        return entry if isinstance(entry, OpenJob) else None

    @property
    def is_folded(self) -> bool:
        return self._folded == len(self.log)

    def names(self) -> list[str]:
        return [
            type(event).__name__.removeprefix("Job") + str(getattr(event, "attempt", ""))
            for event in self.log
            if event.job_id == JOB
        ]

    async def fold(self, count: int | None = None) -> None:
        """Read on in the log: so many events, or all; then let the executor do what it wants to."""
        until = len(self.log) if count is None else self._folded + count
        for offset, event in enumerate(self.log[self._folded : until], self._folded):
            before = self._entries.get(event.job_id)
            after = fold(before, event, Place(0, offset, 0))
            self._entries[event.job_id] = after
            if after is not before:
                self.executor.job_changed(
                    event.job_id, after if isinstance(after, OpenJob) else None, run_ended=ends_run(event)
                )
        self._folded = until
        await self.settled()

    async def settled(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A job runs, and asks a model that does not answer yet."""
    world = World()
    await world.journal.on_start()
    await world.executor.on_start()
    world.log.append(
        JobRequested(
            job_id=JOB,
            workspace="acme",
            lead_id="lead",
            type=SMS,
            message_id="m",
            receipt_id="r",
            at=NOW,
            due_at=NOW,
        )
    )
    await world.fold()
    world.executor.go()
    await world.asked.wait()
    await world.fold()
    yield world
    await world.executor.on_stop()
    await world.journal.on_stop()


async def test_what_stays_goes_on_as_the_next_attempt(world: World) -> None:
    await world.executor.hold("partitions moved")
    assert world.names() == ["Requested", "Started1", "RetryScheduled1"]
    await world.executor.carry_on(frozenset({0}))
    world.answered.set()
    await world.settled()
    expected = ["Requested", "Started1", "RetryScheduled1", "Started2", "StepFinished2", "Succeeded2"]
    assert world.names() == expected
    assert world.calls == [CALL], "asked once"
    world.executor.go()
    while not world.is_folded:
        await world.fold(1)
    assert world.names() == expected, "whoever reads of the old end late does not begin it again"
    assert world.schedule.jobs_of("lead") == [job_id("m", SCORING)], "and the lead's next job may come"


async def test_an_answer_in_the_middle_of_a_rebalance_waits_and_its_call_does_not(world: World) -> None:
    await world.executor.hold("partitions moved")
    world.answered.set()
    await world.settled()
    assert world.names()[-1] == "RetryScheduled1"
    assert world.calls == [CALL]
    await world.executor.carry_on(frozenset({0}))
    await world.settled()
    assert world.names()[-3:] == ["Started2", "StepFinished2", "Succeeded2"]
    assert world.calls == [CALL]


async def test_an_opt_out_in_the_middle_of_a_rebalance_is_heard_before_what_waited_is_written(world: World) -> None:
    await world.executor.hold("partitions moved")
    world.answered.set()
    await world.settled()
    world.suppress()
    await world.executor.carry_on(frozenset({0}))
    await world.settled()
    assert world.names()[-3:] == ["Started2", "StepFinished2", "Succeeded2"]
    finished = world.log[-3]
    assert (finished.skipped, finished.saw_at) == ("suppressed", NOW)
    assert world.calls == [CALL], "nothing was asked again"


@pytest.mark.parametrize("answered", [True, False])
async def test_what_leaves_is_thrown_away_and_its_call_is_recorded_once(world: World, *, answered: bool) -> None:
    await world.executor.hold("partitions moved")
    if answered:
        world.answered.set()
        await world.settled()
    await world.executor.carry_on(frozenset({1}))
    await world.settled()
    assert world.names() == ["Requested", "Started1", "RetryScheduled1"]
    assert world.calls == [CALL]


async def test_a_member_that_missed_a_generation_writes_nothing_but_what_it_spent(world: World) -> None:
    await world.executor.drop()
    assert world.names() == ["Requested", "Started1"]
    assert world.calls == [CALL]


@pytest.mark.parametrize("answered", [True, False])
async def test_whoever_is_put_out_still_says_what_it_spent(world: World, *, answered: bool) -> None:
    world.is_put_out = True
    if answered:
        world.answered.set()
        await world.settled()
    await world.executor.drop()
    await world.journal.calls_flushed()
    assert world.names() == ["Requested", "Started1"]
    assert world.calls == [CALL]
    world.is_put_out = False


async def test_two_rebalances_in_a_row(world: World) -> None:
    for _ in range(2):
        await world.executor.hold("partitions moved")
        await world.executor.carry_on(frozenset({0}))
    await world.fold()
    world.answered.set()
    await world.settled()
    assert world.names()[2:] == [
        *("RetryScheduled1", "Started2", "RetryScheduled2"),
        *("Started3", "StepFinished3", "Succeeded3"),
    ]
    assert world.calls == [CALL]


async def test_what_runs_in_the_log_alone_was_lost(world: World) -> None:
    await world.executor.drop()
    job = world.job(0, JOB)
    assert job is not None
    world.executor.job_changed(JOB, job, run_ended=False)
    world.executor.go()
    await world.settled()
    assert world.names()[-1] == "Started1", "it does not begin before that is told"
    await world.executor.end_lost()
    world.answered.set()
    await world.fold()
    await world.fold()
    assert world.names()[2:] == ["RetryScheduled1", "Started2", "StepFinished2", "Succeeded2"]
    lost = world.log[2]
    assert (lost.reason, lost.lost, lost.spends_attempt, lost.step) == ("worker lost", True, False, "work")


async def test_a_parked_job_goes_on_when_its_budget_was_raised_and_parks_itself_when_that_was_too_little(
    world: World,
) -> None:
    world.has_budget = False
    world.answered.set()
    await world.settled()
    await world.fold()
    assert world.names() == ["Requested", "Started1", "RetryScheduled1"]
    assert await world.executor.begin_parked("somebody-else") == 0
    for attempt in (2, 3):
        assert await world.executor.begin_parked("acme") == 1
        await world.settled()
        await world.fold()
        assert world.names()[-2:] == [f"Started{attempt}", f"RetryScheduled{attempt}"]
    world.has_budget = True
    assert await world.executor.begin_parked("acme") == 1
    await world.settled()
    assert world.names()[-1] == "Succeeded4"


async def test_a_job_that_waits_for_its_time_is_not_parked(world: World) -> None:
    later = NOW + timedelta(hours=1)
    world.log.append(msgspec.structs.replace(world.log[0], job_id="later", lead_id="other", due_at=later))
    await world.fold()
    assert await world.executor.begin_parked("acme") == 0
