"""A worker that was stopped knows that its lease is over before it sends anything."""

import asyncio

from headrace.kafka.faust.lease import Lease, follow_heartbeats


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Coordinator:
    """As much of aiokafka's group coordinator as a lease needs. Each heartbeat takes a second."""

    def __init__(self, clock: Clock) -> None:
        self.member_id = "member"
        self.answers = True
        self._closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._clock = clock

    async def _do_heartbeat(self) -> bool:
        self._clock.seconds += 1
        return self.answers

    def _start_heartbeat_task(self) -> None: ...

    def reset_generation(self) -> None:
        self.member_id = ""


async def test_it_counts_from_when_the_heartbeat_was_sent() -> None:
    clock = Clock()
    lease, coordinator = Lease(10, clock), Coordinator(clock)
    joined: list[str] = []
    lost: list[str] = []
    follow_heartbeats(coordinator, lease, joined.append, lost.append)
    assert not lease.is_valid
    assert await coordinator._do_heartbeat()
    clock.seconds = 109.9
    assert lease.is_valid
    clock.seconds = 110.0
    assert not lease.is_valid
    coordinator.answers = False
    assert not await coordinator._do_heartbeat()
    assert not lease.is_valid
    assert lost == []


async def test_a_member_that_was_dropped_is_told_once_and_one_that_leaves_is_not() -> None:
    clock = Clock()
    lease, coordinator = Lease(10, clock), Coordinator(clock)
    joined: list[str] = []
    lost: list[str] = []
    follow_heartbeats(coordinator, lease, joined.append, lost.append)
    coordinator._start_heartbeat_task()
    assert joined == ["member"]
    assert lease.is_valid
    coordinator.reset_generation()
    coordinator.reset_generation()
    assert lost == ["member"]
    assert not lease.is_valid
    coordinator.member_id = "another"
    coordinator._closing.set_result(None)
    coordinator.reset_generation()
    assert lost == ["member"]


async def test_who_waits_goes_on_when_it_is_renewed() -> None:
    clock = Clock()
    lease = Lease(10, clock)
    waiting = asyncio.create_task(lease.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    lease.renew(clock())
    await waiting
