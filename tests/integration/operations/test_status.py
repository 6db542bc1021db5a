"""`headrace proj status` on a real log: nobody follows, somebody does, and somebody only says so."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.headrace_command import headrace
from tests.integration.operations.installation import Installation

pytestmark = pytest.mark.usefixtures("topics_created")


@pytest.fixture
def environment(finished: Installation) -> dict[str, str]:
    settings = finished.settings
    return {
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "DATABASE_URL": settings.database_url,
        "HEADRACE_TOPIC_PREFIX": settings.topic_prefix,
        "COLUMNS": "300",
    }


def test_a_projection_that_is_followed_but_stands_still_is_told_as_such(
    finished: Installation, environment: dict[str, str]
) -> None:
    finished.project()
    fine = headrace(environment, "proj", "status", "--over", "0.3")
    assert (fine.exit_code, "up to date" in fine.output) == (0, True)
    finished.message(7)
    standing = headrace(environment, "proj", "status", "--over", "0.3", "--json")
    found = {one["projection"]: one for one in json.loads(standing.stdout)}
    assert standing.exit_code == 1
    assert found["leads"]["standing_seconds"] >= 0.3
    assert (found["leads"]["lag"], found["leads"]["is_stale"], found["leads"]["events_per_second"]) == (1, False, 0.0)
    assert found["webhook_receipts"]["standing_seconds"] is None
    assert "Not moving: leads, jobs." in headrace(environment, "proj", "status", "--over", "0.3").output


def test_watching_tells_a_line_at_a_time_with_the_speed_between(
    finished: Installation, environment: dict[str, str]
) -> None:
    watching = subprocess.Popen(
        [Path(sys.executable).with_name("headrace"), "proj", "status", "--watch", "--over", "0.2"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    try:
        lines = iter(watching.stdout.readline, "")
        assert "webhook_receipts 3 behind, STALE" in next(lines)
        finished.project()
        assert any("/s" in line and "webhook_receipts 0 behind" in line and "STALE" not in line for line in lines)
    finally:
        watching.send_signal(signal.SIGINT)
        watching.communicate()
    assert watching.returncode == 0
