"""A worker that ends by itself first does what nobody else can do for it, but not for ever."""

import asyncio
from typing import NoReturn

import pytest

from headrace.kafka.faust import stops
from headrace.kafka.faust.stops import PutOut, Stop, before_leaving, depart


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The statuses with which the process ended: one, unless something is wrong."""
    statuses: list[int] = []

    def exit_process(status: int) -> None:
        statuses.append(status)
        raise asyncio.CancelledError  # nothing after it

    monkeypatch.setattr("os._exit", exit_process)
    monkeypatch.setattr(stops, "_last_acts", [])
    monkeypatch.setattr(stops, "_departures", [])
    return statuses


async def departing(error: Stop) -> NoReturn:
    await depart(error)


async def until_left(left: list[int]) -> None:
    async with asyncio.timeout(5):
        while not left:  # noqa: ASYNC110 - a list tells nobody of its entries
            await asyncio.sleep(0.01)


async def test_acts_are_done_in_their_order_before_the_end(left: list[int]) -> None:
    done: list[str] = []

    async def first() -> None:
        await asyncio.sleep(0.05)
        assert left == []
        done.append("first")

    async def second() -> None:
        done.append("second")

    before_leaving(first)
    before_leaving(second)
    going = asyncio.create_task(departing(PutOut()))
    await until_left(left)
    assert (done, left) == (["first", "second"], [75])
    going.cancel()


async def test_an_act_may_cancel_whoever_wants_to_leave(left: list[int]) -> None:
    async def stop_all() -> None:
        going.cancel()
        await asyncio.wait([going])

    before_leaving(stop_all)
    going = asyncio.create_task(departing(PutOut()))
    await until_left(left)
    assert going.cancelled()


async def test_who_fails_meanwhile_does_not_do_them_again(left: list[int]) -> None:
    done: list[str] = []

    async def act() -> None:
        done.append("act")
        others.append(asyncio.create_task(departing(PutOut())))
        await asyncio.sleep(0.05)

    others: list[asyncio.Task[NoReturn]] = []
    before_leaving(act)
    others.append(asyncio.create_task(departing(PutOut())))
    await until_left(left)
    assert (done, left) == (["act"], [75])
    for other in others:
        other.cancel()


@pytest.mark.parametrize("is_slow", [True, False])
async def test_an_act_that_fails_or_takes_too_long_keeps_nobody(
    left: list[int], monkeypatch: pytest.MonkeyPatch, *, is_slow: bool
) -> None:
    monkeypatch.setattr(stops, "LAST_SECONDS", 0.1)

    async def act() -> None:
        if is_slow:
            await asyncio.sleep(60)
        raise ConnectionError

    before_leaving(act)
    going = asyncio.create_task(departing(PutOut()))
    await until_left(left)
    going.cancel()
