"""The gate lets one in at a time, keeps a few waiting, and tells the others at once."""

import asyncio

import pytest

from ingest.gate import Gate, GateFull


async def _inside(gate: Gate, leave: asyncio.Event) -> None:
    async with gate.entered():
        await leave.wait()


async def test_one_is_inside_and_no_more_than_allowed_wait() -> None:
    gate, leave = Gate(most_waiting=2), asyncio.Event()
    inside = [asyncio.create_task(_inside(gate, leave)) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(GateFull):
        await _inside(gate, leave)
    leave.set()
    await asyncio.gather(*inside)
    await _inside(gate, leave)


async def test_nobody_waits_for_long() -> None:
    gate, leave = Gate(longest_wait=0.01), asyncio.Event()
    first = asyncio.create_task(_inside(gate, leave))
    await asyncio.sleep(0)
    with pytest.raises(GateFull):
        await _inside(gate, leave)
    leave.set()
    await first
    await _inside(gate, leave)


async def test_whoever_leaves_the_queue_leaves_its_place() -> None:
    gate, leave = Gate(most_waiting=1), asyncio.Event()
    first = asyncio.create_task(_inside(gate, leave))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(_inside(gate, leave))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    leave.set()
    await _inside(gate, leave)
    await first
