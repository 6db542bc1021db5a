"""A full replay connects to Kafka and Postgres and to nothing else, and loads nothing that asks a model."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from headrace.settings import Settings
from tests.headrace_command import Finished, headrace_script
from tests.integration.operations.decided import INTERESTED, START, Decided
from tests.integration.operations.replayed_pipeline import Pipeline
from tests.replay_reach import FORBIDDEN, SPENDING

pytestmark = pytest.mark.usefixtures("topics_created")
GUARD = Path(__file__).with_name("guard")
#: A port that is nobody's: what connects there was not meant to.
NOWHERE = "http://127.0.0.1:9/v1"


class Guarded:
    """Runs commands under guard, and knows what they did."""

    def __init__(self, decided: Decided, report: Path) -> None:
        url = make_url(decided.settings.database_url)
        self.kafka, self.postgres = decided.settings.kafka_bootstrap, f"{url.host}:{url.port}"
        self._decided = decided
        self._report = report

    def run(self, *arguments: str, **environment: str) -> Finished:
        """The command, with Kafka and Postgres allowed."""
        guard = self._guard(f"{self.kafka} {self.postgres}")
        return headrace_script({**self._decided.environment, **guard, **environment}, *arguments)

    def connect_to_postgres(self) -> None:
        """By a C library, with Kafka allowed alone."""
        connect = "import psycopg, sys, time; kept = psycopg.connect(sys.argv[1]); time.sleep(1)"
        environment = {**os.environ, **self._guard(self.kafka)}
        url = self._decided.settings.database_url
        subprocess.run([sys.executable, "-c", connect, url], env=environment, check=True, timeout=60)

    def _guard(self, allowed: str) -> dict[str, str]:
        self._report.write_text("")
        return {"PYTHONPATH": str(GUARD), "GUARD_ALLOWED": allowed, "GUARD_REPORT": str(self._report)}

    def told(self) -> dict[str, set[str]]:
        """What the guard told of the last command, by kind."""
        found: dict[str, set[str]] = defaultdict(set)
        for line in self._report.read_text().splitlines():
            kind, _, name = line.partition(" ")
            found[kind].add(name)
        return found


@pytest.fixture
def decided(settings: Settings, tmp_path: Path) -> Decided:
    found = Decided(settings, tmp_path)
    found.apply()
    found.work([found.receive(1, INTERESTED)], "--mistake", "state")
    Pipeline(found.installation).receive(2)
    found.installation.project()
    return found


@pytest.fixture
def guarded(decided: Decided, tmp_path: Path) -> Guarded:
    return Guarded(decided, tmp_path / "report")


WINDOW = ("--provider", "ghl", "--from", START.isoformat(), "--to", "2100-01-01")
REPLAYS = (
    ("proj", "rebuild", "--all", "--execute"),
    ("replay", "webhooks", *WINDOW, "--depth", "normalise", "--execute"),
    ("replay", "webhooks", *WINDOW, "--depth", "decide", "--execute"),
)


def test_a_full_replay_connects_to_kafka_and_postgres_alone(guarded: Guarded) -> None:
    for arguments in REPLAYS:
        done = guarded.run(*arguments, AI_PROVIDER="openai", AI_BASE_URL=NOWHERE)
        assert done.exit_code == 0, done.output
        told = guarded.told()
        assert told["seen"] == {guarded.kafka, guarded.postgres}, arguments
        assert told["refused"] == set()
        assert not {name for name in told["loaded"] if name in SPENDING or name.partition(".")[0] in FORBIDDEN}
        assert "operations.runs.runs" in told["loaded"]


def test_the_guard_would_have_seen_one(guarded: Guarded) -> None:
    """A model that is asked, by Python's sockets; a database that isn't allowed, by a C library's."""
    spends = ("--step", "classify", "--ai-provider", "openai", "--allow-spend", "1000000", "--execute")
    asked = guarded.run("replay", "try", *WINDOW, *spends, AI_BASE_URL=NOWHERE, HEADRACE_AI_TIMEOUTS="{}")
    assert "127.0.0.1:9" in guarded.told()["refused"], asked.output
    assert "operations.replay.spending" in guarded.told()["loaded"]
    guarded.connect_to_postgres()
    assert guarded.told()["seen"] == {guarded.postgres}
