"""A rebuild while 200 events a second come and the real worker writes: promoted under readers, equal, and back."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from bench.replies import EVENTS_OF_A_REPLY
from headrace.settings import Settings
from projections.versions import live_version
from tests.headrace_command import Finished, headrace
from tests.integration.operations.filled import fill
from tests.integration.operations.held import command, environment
from tests.integration.operations.installation import Installation

PER_SECOND = 200
NAMES = ("leads", "jobs", "enrichments")
PATIENCE = 120.0


class Traffic(threading.Thread):
    """Replies with all that they lead to, as they are due, until it is stopped."""

    def __init__(self, installation: Installation, first: int) -> None:
        super().__init__(daemon=True)
        self._installation = installation
        self._stopping = threading.Event()
        self._first = first
        self.written = 0

    def run(self) -> None:
        began = time.monotonic()
        while not self._stopping.wait(0.2):
            due = int((time.monotonic() - began) * PER_SECOND / EVENTS_OF_A_REPLY)
            fill(self._installation, range(self._first + self.written, self._first + due))
            self.written = due

    def stop(self) -> None:
        self._stopping.set()
        self.join()


class Reader(threading.Thread):
    """An analyst's page that is looked at all the time."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self._url = settings.database_url
        self._stopping = threading.Event()
        self.counts: list[int] = []
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            with psycopg.connect(self._url, autocommit=True) as connection:
                while not self._stopping.wait(0.005):
                    found = connection.execute("SELECT count(*) FROM analytics.messages").fetchone()
                    self.counts.append(int(found[0]) if found else -1)
        except psycopg.Error as error:
            self.error = error

    def stop(self) -> None:
        self._stopping.set()
        self.join()


@contextmanager
def reading(settings: Settings) -> Iterator[Reader]:
    """A reader who sees no error, and never fewer rows than before but for what the new version still lacks."""
    reader = Reader(settings)
    reader.start()
    try:
        yield reader
    finally:
        reader.stop()
    assert reader.error is None
    assert len(reader.counts) > 10
    assert min(reader.counts) > 0


@pytest.mark.timeout(420)
def test_rebuilt_under_traffic_promoted_equal_and_rolled_back(
    installation: Installation, topics_created: tuple[str, ...]
) -> None:
    assert topics_created
    settings = installation.settings
    fill(installation, range(50))
    with command(settings, "run", "projections") as worker:
        until_live_has(settings, 50)
        traffic = Traffic(installation, first=50)
        traffic.start()
        try:
            run(settings, "proj", "rebuild", *NAMES, "--workers", "2", "--execute")
            change_over(settings, "promote")
            assert live(settings) == dict.fromkeys(NAMES, 2)
            run(settings, "proj", "verify", "--all", "--wait", "1")
            change_over(settings, "rollback")
            assert live(settings) == dict.fromkeys(NAMES, 1)
        finally:
            traffic.stop()
        assert traffic.written > PER_SECOND / EVENTS_OF_A_REPLY
        until_live_has(settings, 50 + traffic.written)
        verdict = json.loads(run(settings, "proj", "verify", "--all", "--wait", "30", "--json").stdout)
        assert worker.poll() is None
    assert {one["projection"]: one["outcome"] for one in verdict["projections"]} == dict.fromkeys(
        sorted(NAMES), "equal"
    )
    assert all(one["same_offsets"] for one in verdict["projections"])
    for table in (table for one in verdict["projections"] for table in one["tables"]):
        assert table["version"] == table["against"]


def run(settings: Settings, *arguments: str, status: int = 0) -> Finished:
    done = headrace(environment(settings), *arguments)
    assert done.exit_code == status, done.output
    return done


def change_over(settings: Settings, verb: str) -> None:
    """All three at once, under a reader, as soon as the versions have caught up."""
    deadline = time.monotonic() + PATIENCE
    with reading(settings):
        while True:
            done = headrace(environment(settings), "proj", verb, *NAMES, "--execute")
            if done.exit_code == 0:
                return
            assert "step back in time" in done.stderr, done.output
            assert time.monotonic() < deadline, done.output


def live(settings: Settings) -> dict[str, int]:
    with psycopg.connect(settings.database_url) as connection:
        return {name: live_version(connection, name) for name in NAMES}


def until_live_has(settings: Settings, replies: int) -> None:
    """Wait until the live version has all jobs of so many replies."""
    deadline = time.monotonic() + PATIENCE
    query: Any = "SELECT count(*) FROM analytics.jobs WHERE state = 'succeeded'"
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        while connection.execute(query).fetchone() != (2 * replies,):
            assert time.monotonic() < deadline, "the rows did not come"
            time.sleep(0.1)
