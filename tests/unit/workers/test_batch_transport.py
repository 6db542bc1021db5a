"""Questions to the brokers end, whoever does not answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from workers import batch_transport
from workers.batch_transport import BatchConsumerThread


class Hands(BatchConsumerThread):
    """Faust's thread, as far as questions go: a free hand, or none."""

    def __init__(self, *, are_free: bool) -> None:
        self.are_free = are_free

    async def call_thread(self, fun: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        return await fun(*args, **kwargs) if self.are_free else await _nothing()


async def _nothing() -> None:
    await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("are_free", [True, False], ids=["no answer", "the thread is busy for ever"])
async def test_a_question_that_nobody_answers_ends(monkeypatch: pytest.MonkeyPatch, are_free: bool) -> None:
    monkeypatch.setattr(batch_transport, "ANSWER_SECONDS", 0.01)
    with pytest.raises(TimeoutError):
        await Hands(are_free=are_free).ask(_nothing)


async def test_an_answer_is_handed_on() -> None:
    async def answer() -> int:
        return 7

    assert await Hands(are_free=True).ask(answer) == 7
