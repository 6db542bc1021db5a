"""What one job can't write concerns no other job."""

import asyncio
from collections.abc import Iterable

import pytest

from headrace.kafka.faust.outbox import OutRecord
from headrace.kafka.faust.record_sizes import RecordTooLarge
from streams.jobs.journal import Journal


class Outbox:
    """Takes records of up to so many bytes."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def send(self, records: Iterable[OutRecord], *, for_owner: bool) -> None:
        assert for_owner, "no calls are written here"
        records = list(records)
        for record in records:
            if len(record.value or b"") > 10:
                raise RecordTooLarge(record.topic, len(record.value or b""), 10)
        self.sent += [record.key for record in records]


def record(key: str, size: int) -> OutRecord:
    return OutRecord("jobs", 0, key.encode(), b"x" * size, [])


async def test_only_the_writer_of_a_record_that_is_too_large_hears_of_it() -> None:
    outbox = Outbox()
    journal = Journal(outbox)  # type: ignore[arg-type]
    writes = [journal.write([record(str(number), 20 if number == 2 else 5)]) for number in range(4)]
    waiting = asyncio.gather(*writes, return_exceptions=True)
    await asyncio.sleep(0)
    await journal.on_start()
    outcomes = await waiting
    assert [type(outcome) for outcome in outcomes] == [type(None), type(None), RecordTooLarge, type(None)]
    assert outbox.sent == [b"0", b"1", b"3"]
    await journal.write([record("later", 1)])
    with pytest.raises(RecordTooLarge):
        await journal.write([record("large", 11)])
    await journal.on_stop()
    assert outbox.sent[-1] == b"later"
