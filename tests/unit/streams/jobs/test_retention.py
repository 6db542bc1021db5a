"""What the jobs worker's tables remember, and for how long: nothing that can still be asked for is forgotten."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from headrace.events.codec import Codec
from headrace.events.envelope import Envelope, read_envelope
from headrace.events.job_plan import job_id
from headrace.events.jobs import AnyJobEvent, JobCancelled, JobDied, JobRequested, JobSucceeded
from headrace.events.records import Record
from headrace.kafka.faust.outbox import OutRecord
from headrace.settings import Settings
from streams.jobs.conversation import KEPT_MESSAGES
from streams.jobs.conversations import Conversations
from streams.jobs.execute_agent import ExecuteAgent
from streams.jobs.open_job import OpenJob
from streams.jobs.open_jobs import OpenJobs
from streams.jobs.request_agent import RequestAgent
from tests.unit.streams.jobs.sms import sms

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SMS = "SMS_INBOUND_POST_PROCESS"
CODEC = Codec()
MESSAGE = sms(NOW)


class Table:
    """As `PartitionTable`, in memory and with one partition."""

    def __init__(self) -> None:
        self.entries: dict[bytes, bytes] = {}

    def get(self, _partition: int, key: bytes) -> bytes | None:
        return self.entries.get(key)

    def get_many(self, _partition: int, keys: list[bytes]) -> list[bytes | None]:
        return [self.entries.get(key) for key in keys]

    def scan(self, _partition: int, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        yield from sorted(item for item in self.entries.items() if item[0].startswith(prefix))

    async def write(self, writes: dict[int, dict[bytes, bytes | None]]) -> None:
        for key, value in writes.get(0, {}).items():
            self.entries.pop(key, None)
            if value is not None:
                self.entries[key] = value


class Outbox:
    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def send(self, records: Iterable[OutRecord]) -> None:
        self.sent += [CODEC.decode(read_envelope(one.headers).type, one.value or b"") for one in records]


class NobodyRunsJobs:
    """A worker that runs nothing."""

    def job_changed(self, job_id: str, job: OpenJob | None, run_ended: bool) -> None:
        raise AssertionError(job_id, job, run_ended)

    def has_loaded(self, _partition: int) -> bool:
        return False

    def loaded(self, partition: int) -> None:
        raise AssertionError(partition)


def no_cancellations(_partition: int, _lead_id: str, _at: datetime) -> list[JobCancelled]:
    return []


class Installation:
    """Both agents over tables in memory; the log's time is given with every event."""

    def __init__(self, now: datetime = NOW) -> None:
        self.open_jobs, self.closed_jobs, self.conversations = Table(), Table(), Table()
        self.outbox = Outbox()
        self._offset = 0
        known = Conversations(self.conversations, 30)
        outbox: Any = self.outbox
        open_jobs = OpenJobs(self.open_jobs, self.closed_jobs)  # type: ignore[arg-type]
        self.execute = ExecuteAgent(Settings(), outbox, open_jobs, known, NobodyRunsJobs(), no_cancellations)
        self.request = RequestAgent(Settings(), outbox, known, open_jobs.needs, no_cancellations, lambda: now)

    async def receives(self, number: int, at: datetime) -> None:
        message = replace(MESSAGE, message_id=f"m{number}", sent_at=NOW + timedelta(seconds=number))
        await self._reads(self.request, message, at)

    async def reads_job(self, event: AnyJobEvent, at: datetime = NOW) -> None:
        await self._reads(self.execute, event, at)

    async def reads_what_was_asked_for(self) -> None:
        asked, self.outbox.sent = self.outbox.sent, []
        for event in asked:
            await self.reads_job(event)

    async def _reads(self, agent: Any, event: Any, at: datetime) -> None:
        envelope = Envelope(id="e", type=CODEC.type_of(event), source="/test", time=NOW)
        at_ms = round(at.timestamp() * 1000)
        record = Record("t", 0, self._offset, b"lead", CODEC.encode(event), envelope.headers(), at_ms)
        self._offset += 1
        await agent.process({("t", 0): [record]})

    def kept(self) -> set[int]:
        return {int(key.split(b"\x1fm")[1]) for key in self.conversations.entries if key.startswith(b"m\x1f")}


def about(number: int) -> dict[str, Any]:
    return {
        "job_id": job_id(f"m{number}", SMS),
        "workspace": "acme",
        "lead_id": "lead",
        "type": SMS,
        "message_id": f"m{number}",
        "receipt_id": "r",
        "at": NOW,
    }


def succeeded(number: int) -> JobSucceeded:
    return JobSucceeded(**about(number), attempt=1)


def died(number: int) -> JobDied:
    return JobDied(**about(number), attempt=1, step="work", error_class="permanent", reason="x")


async def test_a_displaced_message_is_forgotten_when_nobody_can_ask_for_its_job() -> None:
    log = Installation()
    for number in range(KEPT_MESSAGES + 3):
        await log.receives(number, NOW)
    await log.reads_what_was_asked_for()
    await log.reads_job(succeeded(0))
    await log.reads_job(died(1))
    assert log.kept() == set(range(KEPT_MESSAGES + 3)), "their jobs may still need them"

    await log.receives(100, NOW + 29 * DAY)
    assert {0, 1, 2} <= log.kept()
    await log.receives(101, NOW + 31 * DAY)
    assert 0 not in log.kept()
    assert {1, 2} <= log.kept(), "one died and may be redriven, one is still open"

    await log.reads_job(JobRequested(**about(1) | {"generation": 2}, due_at=NOW))
    await log.reads_job(replace(succeeded(1), generation=2))
    await log.reads_job(succeeded(2))
    await log.receives(102, NOW + 63 * DAY)
    assert {1, 2}.isdisjoint(log.kept())


async def test_how_a_job_ended_is_remembered_for_a_while_and_a_death_until_it_is_asked_for_again() -> None:
    log = Installation()
    for number in range(2):
        await log.receives(number, NOW)
    await log.reads_what_was_asked_for()
    await log.reads_job(succeeded(0))
    await log.reads_job(died(1))
    assert list(log.closed_jobs.entries) == [job_id("m0", SMS).encode()]
    assert list(log.open_jobs.entries) == [b"d\x1f" + job_id("m1", SMS).encode()]
    await log.reads_job(JobRequested(**about(0), due_at=NOW))
    await log.reads_job(JobRequested(**about(1), due_at=NOW))
    assert not [key for key in log.open_jobs.entries if key.startswith(b"o")], "asking again is asking once"

    await log.reads_job(JobRequested(**about(1) | {"generation": 2}, due_at=NOW))
    assert list(log.open_jobs.entries) == [b"o\x1f" + job_id("m1", SMS).encode()]
    await log.reads_job(replace(succeeded(1), generation=2))
    assert log.open_jobs.entries == {}


async def test_a_log_read_again_from_its_beginning_asks_for_nothing_that_may_be_done_and_forgotten() -> None:
    log = Installation(now=NOW + 40 * DAY)
    for number in range(KEPT_MESSAGES + 1):
        await log.receives(number, NOW)
    log.outbox.sent = []
    for number in range(KEPT_MESSAGES):
        await log.receives(number, NOW)
    await log.receives(-1, NOW)
    assert log.outbox.sent == []
    await log.receives(-2, NOW + 39 * DAY)
    assert [event.message_id for event in log.outbox.sent] == ["m-2"], "what comes late for the first time is done"
