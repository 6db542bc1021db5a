"""What happens around a rebuild: Postgres dies and comes back, or retention has taken what rows were made of."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from headrace.events.topics import MESSAGES
from headrace.settings import Settings
from operations.dev.home import Home
from operations.dev.ports import free_ports
from operations.dev.postgres import local_url, postgres, postgres_answers, wipe
from operations.dev.program import Program, kill, start
from operations.runs.runs import show_run
from projections.migrate import upgrade
from tests.headrace_command import headrace
from tests.integration.operations.filled import fill
from tests.integration.operations.held import GATE, Hold, command, environment, newest_run, wait_until_held
from tests.integration.operations.installation import Installation
from tests.integration.operations.interrupted_rebuilds import hashes, resumed
from tests.integration.operations.rebuilding import stages
from tests.lifeline import kill_group, lifeline

START_SECONDS = 60.0


class OwnPostgres:
    """A server that nobody else uses, so that it can be killed."""

    def __init__(self, home: Home, port: int) -> None:
        self._program: Program = postgres(home.postgres, home.postgres_password, port, os.environ, durable=False)
        self._log = home.log("postgres")
        self.url = local_url(port, home.postgres_password, "postgres")
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log.open("ab") as output:
            self._process = start(self._program, output)
        deadline = time.monotonic() + START_SECONDS
        while not postgres_answers(self.url):
            assert time.monotonic() < deadline, self._log.read_text()[-2000:]
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        """Of its first process."""
        return self._process.pid

    def kill(self) -> None:
        """kill -9 for all of it."""
        kill(self._process)
        self._process.wait()


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    # Not pytest's directory, which is closed to the user that Postgres runs as.
    home = Home(Path(tempfile.mkdtemp(prefix="headrace-tests-")))
    home.root.chmod(0o711)
    home.create()
    (port,) = free_ports(1)
    server = OwnPostgres(home, port)
    try:
        upgrade(server.url)
        yield server
    finally:
        server.kill()
        wipe(home.postgres)
        shutil.rmtree(home.root)


def test_a_crash_of_postgres_interrupts_a_rebuild_which_then_begins_anew(
    kafka_settings: Settings, topics_created: tuple[str, ...], own_postgres: OwnPostgres
) -> None:
    assert topics_created
    settings = kafka_settings.model_copy(update={"database_url": own_postgres.url})
    installation = Installation(settings)
    fill(installation, range(20))
    installation.project()
    with (
        lifeline(kill_group(own_postgres.pid)),
        command(settings, "proj", "rebuild", "leads", "--workers", "2", "--execute") as process,
    ):
        gate = held_in_the_middle(settings, lambda: wait_until_held(settings, process))
        own_postgres.kill()
        gate.release()
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 2, errors
        assert "Postgres" in errors or "ended before its time" in errors
    own_postgres.start()
    run_id, phase = newest_run(settings)
    assert (phase, show_run(settings.database_url, run_id).state) == ("read", "interrupted")
    resumed(settings, run_id)
    assert (stages(settings), hashes(settings, 2)) == (0, hashes(settings, 1))


def held_in_the_middle(settings: Settings, wait: Callable[[], None]) -> Hold:
    """One partition is read into the stage, and the other one's reader waits."""
    gate = Hold(settings, GATE)
    wait()
    held = Hold(settings, "SELECT FROM stage_leads_v2.progress WHERE partition = 1 FOR UPDATE")
    gate.release()
    wait()
    return held


def test_a_log_whose_beginning_is_gone_is_refused_with_the_reason(
    installation: Installation, topics_created: tuple[str, ...]
) -> None:
    settings = installation.settings
    for number in range(3):
        installation.message(number, with_jobs=False)
    installation.project()
    topic = settings.topic(MESSAGES)
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0})
    for future in admin.delete_records([TopicPartition(topic, 0, 2)], request_timeout=15).values():
        future.result()
    refused = headrace(environment(settings), "proj", "rebuild", "leads", "--execute")
    assert refused.exit_code == 2
    assert f"{topic}[0] begins at offset 2: retention removed 2 records before it" in refused.stderr
    assert stages(settings) == 0
