"""A new version of an event and of a table, deployed while traffic runs: docs/replay.md, step by step.

The programs are processes of their own: today's, one with the changed event, one with the changed table as well. Old
and new ones work side by side, and at the end every message is one right row in both versions of the tables.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from confluent_kafka import Producer

from headrace.events.codec import Codec
from headrace.events.envelope import Envelope
from headrace.events.ids import derived_id
from headrace.events.messages import MessageReceived
from headrace.events.topics import MESSAGES
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings
from tests.integration.projections.event_log import START, EventLog, lead_id
from tests.lifeline import kill_group, lifeline

PROGRAM = Path(__file__).with_name("changed_program.py")
HEADRACE = [str(Path(sys.executable).with_name("headrace"))]
WITH_EVENT = [sys.executable, str(PROGRAM), "event"]
WITH_TABLE = [sys.executable, str(PROGRAM), "table"]
DEADLINE = 90.0
#: Messages a second.
RATE = 40


class Traffic:
    """Steady messages from writers of both programs: what they say is known, so that every row can be judged."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "acks": "all", "log_level": 0})
        #: Message → whether a machine wrote it.
        self.sent: dict[str, bool] = {}
        self.versions: Sequence[int] = (1,)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """No more; what was sent is acknowledged."""
        self._stopped.set()
        self._thread.join()
        assert self._producer.flush(30) == 0

    def _run(self) -> None:
        while not self._stopped.wait(1 / RATE):
            self.send(len(self.sent))

    def send(self, number: int) -> None:
        """Message `number`: every third is a machine's, and the writers take turns."""
        automated = number % 3 == 0
        version = self.versions[number % len(self.versions)]
        event = EventLog().message(f"lead {number % 7}", number, is_automated=automated)
        assert isinstance(event, MessageReceived)
        value = Codec().encode(event)
        if version == 2:
            fields = msgspec.json.decode(value)
            fields.pop("is_automated", None)
            value = msgspec.json.encode(fields | {"author": "machine" if automated else "person"})
        envelope = Envelope(
            id=derived_id("event", str(number)), type=f"message.received.v{version}", source="/test", time=START
        )
        key = lead_id(f"lead {number % 7}").encode()
        self._producer.produce(
            self._settings.topic(MESSAGES),
            value,
            key,
            key_partition(key, self._settings.partitions),
            headers=list(envelope.headers()),
        )
        self._producer.poll(0)
        self.sent[event.message_id] = automated


class Rows:
    """What stands in Postgres."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def of(self, version: int) -> dict[str, bool]:
        """Message → is_automated, of one version's table."""
        query = f"SELECT message_id::text, is_automated FROM proj_v{version}.messages"  # noqa: S608
        return dict(self._connection.execute(query.encode()).fetchall())

    def authors(self) -> dict[str, str | None]:
        """Message → author, as analysts see it."""
        return dict(self._connection.execute("SELECT message_id::text, author FROM analytics.messages").fetchall())

    def dead_letters(self) -> list[tuple[Any, ...]]:
        """What a projection set aside."""
        return self._connection.execute("SELECT topic, partition, reason FROM ctl.dead_letters").fetchall()

    def positions(self, version: int) -> int:
        """Records that the version has read."""
        found = self._connection.execute(
            "SELECT coalesce(sum(next_offset), 0)::bigint FROM ctl.projection_offsets "
            "WHERE projection = 'leads' AND version = %s",
            [version],
        ).fetchone()
        return int(found[0]) if found else 0


class Worker:
    """A `headrace run projections` of one of the programs, that can be killed."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process = process
        self._log = log

    def says(self, words: str) -> bool:
        assert self._process.poll() is None, f"the worker ended:\n{self._log.read_text()[-3000:]}"
        return words in self._log.read_text()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)


class Site:
    """One installation, on which programs come and go."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self._settings = settings
        self._stack = stack

    def environment(self, name: str) -> dict[str, str]:
        return {
            **os.environ,
            "HEADRACE_INSTANCE_ID": name,
            "KAFKA_BOOTSTRAP": self._settings.kafka_bootstrap,
            "DATABASE_URL": self._settings.database_url,
            "HEADRACE_TOPIC_PREFIX": self._settings.topic_prefix,
            "HEADRACE_PARTITIONS": str(self._settings.partitions),
            "HEADRACE_DATA_DIR": str(self._settings.data_dir),
        }

    def worker(self, program: list[str], name: str) -> Worker:
        return self._stack.enter_context(self._running(program, name))

    @contextmanager
    def _running(self, program: list[str], name: str) -> Iterator[Worker]:
        log = self._settings.data_dir.with_name(f"{name}.log")
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*program, "run", "projections"],
                env=self.environment(name),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        with lifeline(kill_group(process.pid)):
            try:
                yield Worker(process, log)
            finally:
                process.kill()
                process.wait(10)

    def run(self, program: list[str], *arguments: str) -> str:
        done = subprocess.run(
            [*program, *arguments],
            env=self.environment("operator"),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def until(done: Callable[[], Any], told: Callable[[], Any] = lambda: "") -> None:
    deadline = time.monotonic() + DEADLINE
    while not done():
        assert time.monotonic() < deadline, told()
        time.sleep(0.2)


@pytest.fixture
def rows(settings: Settings) -> Iterator[Rows]:
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        yield Rows(connection)


@pytest.mark.timeout(400)
def test_an_event_and_a_table_change_while_everything_runs(
    settings: Settings, topics_created: tuple[str, ...], rows: Rows
) -> None:
    with ExitStack() as stack, Traffic(settings) as traffic:
        site = Site(settings, stack)
        new = deploy_the_event(site, traffic, rows)
        beside = deploy_the_table(site, traffic, rows)
        traffic.stop()
        until(lambda: rows.positions(1) == rows.positions(2) == len(traffic.sent))
        assert rows.of(1) == traffic.sent
        assert rows.of(2) == traffic.sent
        assert rows.authors() == {id_: "machine" if auto else "person" for id_, auto in traffic.sent.items()}
        assert rows.dead_letters() == []
        finish(site, traffic, rows, [new, beside])


def deploy_the_event(site: Site, traffic: Traffic, rows: Rows) -> Worker:
    """Readers first, then writers; a reader that was forgotten holds what it can't read, and loses nothing."""
    old = site.worker(HEADRACE, "old")
    until(lambda: len(rows.of(1)) > RATE)
    new = site.worker(WITH_EVENT, "new")
    until(lambda: new.says("worker.ready"))
    traffic.versions = (1, 2)
    until(lambda: old.says("agent.holding"))
    before = rows.positions(1)
    until(lambda: rows.positions(1) > before + RATE)
    assert rows.positions(1) < len(traffic.sent)
    assert rows.dead_letters() == []
    old.kill()
    behind = len(traffic.sent)
    until(lambda: rows.positions(1) >= behind)
    return new


def deploy_the_table(site: Site, traffic: Traffic, rows: Rows) -> Worker:
    """Beside the live tables until they are complete; over, back, and over again."""
    beside = site.worker(WITH_TABLE, "beside")
    until(lambda: beside.says("worker.beside"))
    until(lambda: beside.says("worker.ready"))
    site.run(WITH_TABLE, "proj", "rebuild", "leads", "--execute")
    built = rows.positions(2)
    until(lambda: rows.positions(2) > built + RATE)
    until(lambda: rows.positions(1) > built)
    site.run(WITH_TABLE, "proj", "promote", "leads", "--execute")
    assert set(rows.authors().values()) == {"person", "machine"}
    site.run(WITH_EVENT, "proj", "rollback", "leads", "--execute")
    # Back on the old tables, the analysts' new column is empty, and not gone.
    assert set(rows.authors().values()) == {None}
    site.run(WITH_TABLE, "proj", "rollback", "leads", "--execute")
    assert set(rows.authors().values()) == {"person", "machine"}
    return beside


def finish(site: Site, traffic: Traffic, rows: Rows, others: list[Worker]) -> None:
    """The new program's workers take over the consumer group; the old tables are nobody's any more."""
    for worker in others:
        worker.kill()
    last = site.worker(WITH_TABLE, "last")
    for number in range(len(traffic.sent), len(traffic.sent) + 20):
        traffic.send(number)
    traffic.stop()
    until(lambda: rows.of(2) == traffic.sent)
    assert not last.says("worker.beside")
    assert len(rows.of(1)) == len(traffic.sent) - 20
    site.run(WITH_TABLE, "proj", "drop", "leads", "--version", "1", "--execute")
