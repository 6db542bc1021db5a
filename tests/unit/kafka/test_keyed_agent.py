"""The loop under agents: a record counts whole or not at all, and nothing is remembered that was not sent."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from headrace.events.dead_letters import Redrive
from headrace.events.envelope import header_map
from headrace.events.records import Record
from headrace.kafka.faust.keyed_agent import Derive, KeyedAgent, Turn
from headrace.kafka.faust.outbox import OutRecord
from headrace.settings import Settings


class Brokers:
    """An outbox that keeps what it is given, or refuses it."""

    def __init__(self) -> None:
        self.sent: list[OutRecord] = []
        self.are_away = False

    async def send(self, records: Iterable[OutRecord]) -> None:
        if self.are_away:
            raise ConnectionError
        self.sent += records


class Counting(KeyedAgent):
    """Derives as many records as the value says, and stumbles over what is no number, after the first one."""

    stage = "count"
    faults = (ValueError,)
    tells_fixed = True

    def __init__(self, brokers: Any) -> None:
        super().__init__(Settings(), brokers)
        self.known: list[bytes] = []

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        read: list[bytes] = []

        async def remember() -> None:
            self.known += read

        def open_(_partition: int, _records: list[Record]) -> Derive:
            return lambda record: self._derived(record, read)

        yield Turn(open_, remember)

    def _derived(self, record: Record, read: list[bytes]) -> Iterator[OutRecord]:
        yield OutRecord("numbers", record.partition, record.key, b"first", [])
        for number in range(1, int(record.value or "none")):
            yield OutRecord("numbers", record.partition, record.key, str(number).encode(), [])
        read.append(record.key)


def record(key: bytes, value: bytes | None, headers: list[tuple[str, bytes]] | None = None) -> Record:
    return Record("words", 0, 0, key, value, headers or [], 0)


def topics(brokers: Brokers) -> list[str]:
    return [one.topic for one in brokers.sent]


async def test_what_was_derived_before_a_fault_does_not_go_out_beside_the_dead_letter() -> None:
    brokers = Brokers()
    agent = Counting(brokers)
    await agent.process({("words", 0): [record(b"a", b"2"), record(b"b", b"two"), record(b"c", b"1")]})
    assert topics(brokers) == ["numbers", "numbers", "dead-letters", "numbers"]
    letter = brokers.sent[2]
    assert (letter.key, letter.value, header_map(letter.headers)["dlq_stage"]) == (b"b", b"two", "count")
    assert agent.known == [b"a", b"c"]


async def test_nothing_is_remembered_of_what_the_brokers_did_not_take() -> None:
    brokers = Brokers()
    brokers.are_away = True
    agent = Counting(brokers)
    with pytest.raises(ConnectionError):
        await agent.process({("words", 0): [record(b"a", b"1")]})
    assert agent.known == []


async def test_an_error_that_no_record_is_to_blame_for_ends_the_batch() -> None:
    brokers = Brokers()
    agent = Counting(brokers)
    broken: Any = record(b"a", b"1")
    with pytest.raises(TypeError):
        await agent.process({("words", 0): [msgspec.structs.replace(broken, value={1})]})
    assert (brokers.sent, agent.known) == ([], [])


async def test_a_record_that_was_sent_again_is_told_fixed_once_it_is_processed() -> None:
    brokers = Brokers()
    again = Redrive("words:0:7:count", 1).headers()
    await Counting(brokers).process({("words", 0): [record(b"a", b"1", again), record(b"b", b"x", again)]})
    fixed, letter = [header_map(one.headers) for one in brokers.sent if one.topic == "dead-letters"]
    assert fixed["ce_type"] == "dead.letter.fixed.v1"
    assert letter["dlq_error_class"] == "ValueError"
