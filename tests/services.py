"""Kafka and Postgres of their own for a test session: real ones, started with an empty directory and thrown away."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from operations.dev.home import Home
from operations.dev.kafka import kafka, kafka_answers
from operations.dev.ports import free_ports
from operations.dev.postgres import local_url, postgres, postgres_answers, wipe
from operations.dev.program import Program, start, stop
from tests.lifeline import kill_group, lifeline

_START_TIMEOUT = 60.0


@contextmanager
def temporary_home() -> Iterator[Home]:
    """Where services keep their files, while the block runs."""
    # Not pytest's own directory: that is closed to the user Postgres runs as when the tests run as root.
    home = Home(Path(tempfile.mkdtemp(prefix="headrace-tests-")))
    home.root.chmod(0o711)
    home.create()
    yield home
    wipe(home.postgres)
    shutil.rmtree(home.root)


@contextmanager
def running_kafka(home: Home) -> Iterator[str]:
    """The address of a broker, while the block runs."""
    port, controller_port = free_ports(2)
    bootstrap = f"127.0.0.1:{port}"
    with _running(kafka(home.kafka, port, controller_port, os.environ), home, lambda: kafka_answers(bootstrap)):
        yield bootstrap


@contextmanager
def running_postgres(home: Home) -> Iterator[str]:
    """The URL of a database of a server, while the block runs."""
    (port,) = free_ports(1)
    program = postgres(home.postgres, home.postgres_password, port, os.environ, durable=False)
    url = local_url(port, home.postgres_password, "postgres")
    with _running(program, home, lambda: postgres_answers(url)):
        yield url


@contextmanager
def _running(program: Program, home: Home, answers: Callable[[], bool]) -> Iterator[None]:
    log = home.log(program.name)
    with log.open("ab") as output:
        process = start(program, output)
    with lifeline(kill_group(process.pid)):
        try:
            _wait_until(answers, process, program, log)
            yield
        finally:
            stop(process, program.stop_signal)


def _wait_until(answers: Callable[[], bool], process: "subprocess.Popen[bytes]", program: Program, log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"{program.name} did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)
