"""One record that is too large becomes a dead letter by itself, and those around it are processed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.events.envelope import header_map
from headrace.events.records import Record
from headrace.events.topics import DEAD_LETTER_BYTES
from headrace.kafka.faust.dead_letters import dead_letter
from headrace.kafka.faust.following import Batch
from headrace.kafka.faust.outbox import OutRecord
from headrace.kafka.faust.record_sizes import RecordLimits, RecordTooLarge, record_bytes
from headrace.kafka.faust.setting_aside import setting_aside
from headrace.settings import Settings

SETTINGS = Settings()


def record(partition: int, offset: int, value: bytes = b"x") -> Record:
    return Record("inbox", partition, offset, b"key", value, [("ce_id", b"1")], 1_772_442_000_000)


class Agent:
    """Processes what is not among the `large`, and keeps what it processed; sends up to `limit` bytes."""

    def __init__(self, large: set[tuple[int, int]], limit: int = DEAD_LETTER_BYTES) -> None:
        self.large = large
        self.limit = limit
        self.done: dict[int, list[int]] = {}
        self.letters: list[OutRecord] = []

    async def process(self, batch: Batch) -> None:
        places = [(partition, one.offset) for (_, partition), records in batch.items() for one in records]
        if self.large.intersection(places):
            raise RecordTooLarge("messages", 9_000_000, 8_388_608)
        for partition, offset in places:
            self.done.setdefault(partition, []).append(offset)

    async def send(self, records: list[OutRecord]) -> None:
        for one in records:
            if one.bytes > self.limit:
                raise RecordTooLarge(one.topic, one.bytes, self.limit)
        self.letters += records


@given(st.lists(st.integers(0, 20), max_size=4), st.sets(st.tuples(st.integers(0, 3), st.integers(0, 20)), max_size=5))
async def test_only_the_records_that_are_too_large_are_set_aside(
    counts: list[int], large: set[tuple[int, int]]
) -> None:
    agent = Agent(large)
    batch: Batch = {("inbox", p): [record(p, offset) for offset in range(count)] for p, count in enumerate(counts)}
    await setting_aside(SETTINGS, "resolve", agent.process, agent.send)(batch)
    there = {(partition, one.offset) for (_, partition), records in batch.items() for one in records}
    set_aside_at = {
        (int(found["dlq_partition"]), int(found["dlq_offset"]))
        for found in (header_map(one.headers) for one in agent.letters)
    }
    assert set_aside_at == large & there
    assert all(offsets == sorted(offsets) for offsets in agent.done.values())
    assert {(p, offset) for p, offsets in agent.done.items() for offset in offsets} == there - large


async def test_the_letter_says_topic_size_and_limit() -> None:
    agent = Agent({(0, 0)})
    await setting_aside(SETTINGS, "resolve", agent.process, agent.send)({("inbox", 0): [record(0, 0)]})
    found = header_map(agent.letters[0].headers)
    assert found["dlq_stage"] == "resolve"
    assert found["dlq_error_class"] == "RecordTooLarge"
    assert found["dlq_reason"].endswith("a record of 9,000,000 bytes for messages, which takes 8,388,608 at most")
    assert agent.letters[0].value == b"x"


async def test_a_letter_that_is_not_taken_goes_without_its_value() -> None:
    agent = Agent({(0, 0)}, limit=2_000)
    await setting_aside(SETTINGS, "resolve", agent.process, agent.send)({("inbox", 0): [record(0, 0, b"x" * 3_000)]})
    (letter,) = agent.letters
    assert letter.value is None
    assert header_map(letter.headers)["dlq_omitted_bytes"] == "3000"


def test_a_letter_beyond_what_its_topic_takes_points_to_the_record() -> None:
    letter = dead_letter(SETTINGS, record(0, 7, b"x" * DEAD_LETTER_BYTES), "resolve", ValueError())
    assert (letter.value, header_map(letter.headers)["dlq_offset"]) == (None, "7")


async def test_other_faults_go_through() -> None:
    async def fails(_batch: Batch) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await setting_aside(SETTINGS, "resolve", fails, Agent(set()).send)({("inbox", 0): [record(0, 0)]})


def test_a_broker_that_takes_less_is_believed() -> None:
    limits = RecordLimits()
    limits.check("messages", [8_000_000])
    limits.refused("messages", 5_000)
    limits.refused("messages", 9_000)
    assert limits.of("messages") == 4_999
    assert limits.of("jobs") > 8_000_000
    with pytest.raises(RecordTooLarge):
        limits.check("messages", [5_000])


def test_sizes_are_those_of_a_batch_of_its_own() -> None:
    assert record_bytes(b"k" * 10, b"v" * 1_000, [("h", b"w" * 100)]) >= 1_110 + 61
