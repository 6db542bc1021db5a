"""Which partitions this process has, and since when it may act for them: not before the log is read to its end."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from headrace.kafka.faust.following import Follower
from headrace.kafka.faust.membership import NO_GENERATION, is_member
from headrace.kafka.faust.service import Service
from headrace.kafka.faust.vital import vital
from headrace.kafka.faust.worker import BatchApp
from headrace.kafka.offsets import Partition
from headrace.kafka.topic_tail import TopicTail
from headrace.workspaces.follow import WorkspaceFollower
from streams.jobs.budget_ledger import BudgetLedger
from streams.jobs.execute_agent import ExecuteAgent
from streams.jobs.executor import GIVE_UP_SECONDS, Executor

log = structlog.get_logger()

CHECK_SECONDS = 0.05
#: Between two words on what is awaited, seconds.
TELL_SECONDS = 10.0


class Spending(msgspec.Struct, frozen=True):
    """The ledger of what models cost, and what feeds it."""

    ledger: BudgetLedger
    tail: TopicTail


class Holding(msgspec.Struct, frozen=True):
    """What a generation of the group gave us: topics' partitions."""

    generation: int
    places: frozenset[Any]


def stayed(before: Holding, after: Holding) -> frozenset[int]:
    """The partitions that were ours all the time.

    Only from one generation to the next: who missed one can't tell who had them meanwhile.
    """
    if after.generation != before.generation + 1:
        return frozenset()
    moved = {tp.partition for tp in before.places - after.places}
    return frozenset(tp.partition for tp in before.places) - moved


class Tenure(Service):
    """After every rebalance: loads the open jobs, waits until all agents have reached what the log held, says go.

    Without the wait, jobs would run again whose success lies in a part of the log nobody has read yet, and spend a
    budget again that is spent.
    """

    def __init__(
        self,
        app: BatchApp,
        partitions: int,
        followers: Sequence[Follower],
        agent: ExecuteAgent,
        executor: Executor,
        workspaces: WorkspaceFollower,
        spending: Spending | None,
    ) -> None:
        super().__init__()
        self._app = app
        self._partitions = partitions
        self._topics = frozenset(topic for follower in followers for topic in follower.topics)
        self._followers = followers
        self._agent = agent
        self._executor = executor
        self._workspaces = workspaces
        self._spending = spending
        #: Counted up whenever partitions are taken from us.
        self._epoch = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._carrying: asyncio.Task[None] | None = None
        #: What the group gave us last.
        self._held = Holding(NO_GENERATION, frozenset())
        app.on_partitions_revoked.connect(self._revoked, weak=False)
        app.on_partitions_assigned.connect(self._given, weak=False)

    async def _revoked(self, _app: Any, _revoked: Any, **_: Any) -> None:
        """The group rebalances: all partitions are doubtful until it is done. It waits for us meanwhile."""
        self._epoch += 1
        if await self._has_carried_on() and is_member(self._app):
            await self._executor.hold("partitions moved")
        else:
            # The group went on without us, or nobody can tell what is written: others have them in a moment.
            await self._executor.drop()

    async def _given(self, _app: Any, assigned: Any, **_: Any) -> None:
        """The group has rebalanced. Its heartbeats rest until this returns, so the rest is done beside it."""
        ours = frozenset(tp for tp in assigned if tp.topic in self._topics)
        before, self._held = self._held, Holding(self._app.consumer_generation_id, ours)
        kept = stayed(before, self._held)
        self._carrying = vital(self._executor.carry_on(kept), "jobs of partitions that stayed")

    async def _has_carried_on(self) -> bool:
        """True when what followed from the last assignment is done; False when that takes too long."""
        if self._carrying is None:
            return True
        done, _ = await asyncio.wait([self._carrying], timeout=GIVE_UP_SECONDS)
        return bool(done)

    async def on_start(self) -> None:
        """Follow the group's assignments, and the workspaces that jobs need."""
        self._tasks = [
            vital(self._workspaces.run(), "workspaces"),
            vital(self._follow_assignments(), "jobs tenure"),
        ]
        if self._spending is not None:
            self._tasks.append(vital(self._spending.tail.run(), "budgets"))

    async def on_stop(self) -> None:
        """Nothing begins any more."""
        self._epoch += 1
        for task in self._tasks:
            task.cancel()
        await self._has_carried_on()

    async def _follow_assignments(self) -> None:
        settled: int | None = None
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if self._epoch != settled and self._assigned() and await self._has_carried_on():
                epoch = self._epoch
                if await self._took_over(epoch):
                    settled = epoch

    def _assigned(self) -> dict[int, list[Any]]:
        """The partitions that are ours, with the topics we follow in them; empty while a rebalance is under way."""
        if self._app.rebalancing or not self._app.tables.actives_ready:
            return {}
        assigned: dict[int, list[Any]] = {}
        for tp in self._app.consumer.assignment():
            if tp.topic in self._topics:
                assigned.setdefault(tp.partition, []).append(tp)
        return assigned

    async def _took_over(self, epoch: int) -> bool:
        """False when partitions moved meanwhile, or the brokers did not answer: to be done again."""
        assigned = self._assigned()
        places = [tp for tps in assigned.values() for tp in tps]
        try:
            ends = await self._app.consumer.highwaters(*places)
        except Exception as error:  # the broker is away: nothing runs until it tells where its log ends
            log.warning("jobs.no_end_offsets", error_class=type(error).__name__)
            return False
        for partition in sorted(assigned):
            if self._executor.has_loaded(partition):
                continue
            await self._agent.load(partition)
            if epoch != self._epoch:
                # What was read while partitions moved may be out of date.
                self._executor.keep(frozenset(assigned) - {partition})
                return False
        told = time.monotonic()
        while awaited := await self._awaited(ends):
            if epoch != self._epoch:
                return False
            if time.monotonic() - told > TELL_SECONDS:
                log.info("jobs.catching_up", awaited=awaited)
                told = time.monotonic()
            await asyncio.sleep(CHECK_SECONDS)
        if self._spending is not None:
            await self._spending.tail.caught_up()
            self._spending.ledger.take_share(len(assigned), self._partitions)
        if epoch != self._epoch:
            return False
        await self._executor.end_lost()
        if epoch != self._epoch:
            return False
        self._executor.go()
        return True

    async def _awaited(self, ends: dict[Any, int]) -> list[str]:
        """What has not been read to its end."""
        if not self._workspaces.loaded.is_set():
            return ["workspaces"]
        by_topic = {topic: follower for follower in self._followers for topic in follower.topics}
        awaited = []
        for tp, end in ends.items():
            place: Partition = (tp.topic, tp.partition)
            position = await by_topic[tp.topic].position(place)
            if position < (end or 0):
                awaited.append(f"{tp.topic}[{tp.partition}]: {position} of {end}")
        return awaited
