"""A partition's first offset is asked from Kafka by whoever needs it first, and several may need it at once."""

import asyncio
from typing import Any

from faust.types import TP

from headrace.kafka.faust.following import Follower
from headrace.kafka.offsets import Partition
from headrace.settings import Settings
from tests.unit.kafka.fake_broker import Broker, process_nothing
from tests.unit.kafka.quiet_app import quiet_app

PLACE: Partition = ("jobs", 0)


class SlowKafka(Follower):
    """A follower whose questions to Kafka are answered one by one, when the test says so."""

    def __init__(self, app: Any) -> None:
        super().__init__(app, Settings(), "execute", frozenset({"jobs"}), process_nothing)
        self.answers: list[asyncio.Future[int]] = []

    async def _starts(self, partition: Partition) -> dict[Partition, tuple[int, int | None]]:
        self.answers.append(asyncio.get_running_loop().create_future())
        return {partition: (await self.answers[-1], None)}


async def test_all_partitions_are_asked_for_at_once() -> None:
    broker = Broker([TP("jobs", 0), TP("jobs", 1), TP("jobs", 2), TP("somebody else's", 0)])
    app = quiet_app(consumer=broker)
    follower = Follower(app, Settings(), "execute", frozenset({"jobs"}), process_nothing)
    assert [await follower.position(("jobs", number)) for number in range(3)] == [3, 5, 3]
    assert broker.questions == 1


async def test_a_slow_answer_does_not_undo_what_was_done_meanwhile() -> None:
    follower = SlowKafka(quiet_app())
    waiting = asyncio.create_task(follower.position(PLACE))
    working = asyncio.create_task(follower.position(PLACE))
    await asyncio.sleep(0)
    slow, fast = follower.answers
    fast.set_result(0)
    assert await working == 0
    follower.guard.advance(PLACE, 3)
    slow.set_result(0)
    assert await waiting == 3


async def test_an_answer_from_before_a_rebalance_is_not_believed() -> None:
    app = quiet_app()
    follower = SlowKafka(app)
    asking = asyncio.create_task(follower.position(PLACE))
    await asyncio.sleep(0)
    app.consumer_generation_id = 2
    follower.answers[0].set_result(5)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    follower.answers[1].set_result(9)
    assert await asking == 9
