"""The local stack as people use it: the real command, the real processes, services of its own."""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from operations.dev.home import Home
from operations.dev.ports import free_ports
from operations.dev.processes import PROCESSES, SANDBOX, SERVICES
from operations.dev.supervisor import console_script


class Stack:
    """Calls `headrace dev …` with a home and ports of its own."""

    def __init__(self, home: Path) -> None:
        self.home = Home(home)
        given = {name: value for name, value in os.environ.items() if name not in ("KAFKA_BOOTSTRAP", "DATABASE_URL")}
        names = ("KAFKA_PORT", "KAFKA_CONTROLLER_PORT", "POSTGRES_PORT", "INGEST_PORT", "SANDBOX_PORT")
        ports = {f"HEADRACE_{name}": str(port) for name, port in zip(names, free_ports(5), strict=True)}
        self.environment = given | ports | {"HEADRACE_HOME": str(home), "HEADRACE_PARTITIONS": "1"}

    def dev(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(console_script()), "dev", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=170)

    def variable(self, name: str) -> str:
        """What a shell finds in the file that points other programs at the stack."""
        script = f'. {shlex.quote(str(self.home.environment))}; printf %s "${name}"'
        return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path / "home")
    yield stack
    for verb in ("down", "reset"):
        ended = stack.dev(verb)
        assert ended.returncode == 0, ended.stderr


@pytest.mark.timeout(400)
def test_up_status_down_and_reset(stack: Stack) -> None:
    started = stack.dev("up", "--detach")
    assert started.returncode == 0, started.stderr

    status = stack.dev("status", "--json")
    assert status.returncode == 0
    children = {child["name"]: child for child in json.loads(status.stdout)["children"]}
    assert set(children) == {*(process.name for process in PROCESSES), *SERVICES, SANDBOX}
    assert all(child["ready"] for child in children.values())

    url = stack.variable("DATABASE_URL")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (n int)")

    assert stack.dev("up").returncode == 2
    refused = stack.dev("reset")
    assert refused.returncode == 2
    assert "stop it first" in refused.stderr
    assert "worker.ready" in stack.dev("logs", "pipeline").stdout

    assert stack.dev("down").returncode == 0
    assert not any(psutil.pid_exists(child["pid"]) for child in children.values())
    assert not stack.home.environment.exists()
    assert stack.dev("status").returncode == 1

    assert stack.dev("up", "--detach").returncode == 0
    assert stack.variable("DATABASE_URL") == url
    with psycopg.connect(url) as connection:
        connection.execute("SELECT n FROM kept")
    assert stack.dev("down").returncode == 0

    assert stack.dev("reset").returncode == 0
    assert not stack.home.postgres.exists()
    assert not stack.home.kafka.exists()
