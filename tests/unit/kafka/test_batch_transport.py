"""Questions to the brokers end, whoever does not answer, and answers that come too late harm nobody."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka.errors import IllegalStateError
from faust.types import TP

from headrace.kafka.faust import batch_transport
from headrace.kafka.faust.batch_transport import BatchConsumer, BatchConsumerThread


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


class Reader(BatchConsumer):
    """Faust's consumer, as far as seeking goes: it loses a partition while the brokers are asked."""

    def __init__(self) -> None:
        self.placed_topics = frozenset({"placed"})
        self._seeking = asyncio.Lock()
        self._read_offset: dict[TP, int | None] = defaultdict(lambda: None)
        self._committed_offset: dict[TP, int | None] = defaultdict(lambda: None)
        self.ours = {TP("jobs", 0), TP("jobs", 1), TP("placed", 0), TP("placed", 1)}
        self.paused: list[set[TP]] = []

    def assignment(self) -> set[TP]:
        return self.ours

    def pause_partitions(self, tps: set[TP]) -> None:
        self.paused.append(set(tps))

    async def seek_to_committed(self) -> dict[TP, int]:
        asked = self.ours
        if not self._committed_offset:
            self.ours = {TP("jobs", 1), TP("placed", 1)}
            self._committed_offset[TP("jobs", 1)] = None
            raise IllegalStateError("No current assignment for partition")
        return dict.fromkeys(asked, 7)


async def test_a_partition_that_moves_while_the_committed_offset_is_asked_ends_no_worker() -> None:
    reader = Reader()
    await reader.perform_seek()
    assert reader.committed_offsets(reader.ours) == {TP("jobs", 1): 7, TP("placed", 1): 7}
    assert reader.unplaced == {TP("placed", 1)}
    assert reader.paused[-1] == {TP("placed", 1)}
