"""A whole local stack for tests that break it, driven by the commands a person uses."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from headrace.settings import Settings
from operations.dev.ports import free_ports

#: A program that is not ready again by then will not be.
RESTART_SECONDS = 90.0
WORKSPACE = Path(__file__).with_name("acme.yaml")


class Stack:
    """A running stack, driven through `headrace dev`."""

    #: The CLI that belongs to these tests.
    command = Path(sys.executable).with_name("headrace")

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        kafka, controller, postgres, ingest = free_ports(4)
        self.home = home
        self.ingest_url = f"http://127.0.0.1:{ingest}"
        own_services = dict.fromkeys(("KAFKA_BOOTSTRAP", "DATABASE_URL"), "")
        self.environment = (
            os.environ
            | own_services
            | {
                "HEADRACE_HOME": str(home),
                "HEADRACE_KAFKA_PORT": str(kafka),
                "HEADRACE_KAFKA_CONTROLLER_PORT": str(controller),
                "HEADRACE_POSTGRES_PORT": str(postgres),
                "HEADRACE_INGEST_PORT": str(ingest),
                "HEADRACE_SANDBOX_PORT": "0",
                "HEADRACE_PARTITIONS": "4",
                **environment,
            }
        )

    def status_of(self, *arguments: str) -> int:
        """Run a command of the CLI that need not end well."""
        return self._run(arguments).returncode

    def headrace(self, *arguments: str, check: bool = True) -> str:
        """Run a command of the CLI and return what it prints."""
        done = self._run(arguments)
        assert not check or done.returncode == 0, f"headrace {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def _run(self, arguments: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        environment = self.environment | self._addresses()
        return subprocess.run(
            [self.command, *arguments], env=environment, capture_output=True, text=True, timeout=180, check=False
        )

    def started(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command of the CLI, on its way; what it prints comes through pipes."""
        environment = self.environment | self._addresses()
        return subprocess.Popen(
            [self.command, *arguments], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def settings(self) -> Settings:
        """For tests that are themselves a program of the stack."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (self.environment | self._addresses()).items():
                patch.setenv(name, value)
            return Settings()

    def up(self) -> None:
        """Start everything and give it a workspace."""
        self.headrace("dev", "up", "--detach")
        self.headrace("workspace", "apply", str(WORKSPACE))

    @contextmanager
    def in_the_foreground(self) -> Iterator[None]:
        """Started as by a person who looks on: what does not come up is tried again and again, and the rest stays."""
        supervisor = subprocess.Popen(
            [self.command, "dev", "up"],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield
        finally:
            self.down()
            supervisor.wait(timeout=30)

    def down(self) -> None:
        """Stop everything."""
        self.headrace("dev", "down")

    def kill(self, name: str) -> None:
        """kill -9 one of the stack's programs, and wait until its supervisor has it ready again."""
        before = self.child(name)["pid"]
        os.kill(before, signal.SIGKILL)
        give_up = time.monotonic() + RESTART_SECONDS
        while (child := self.child(name))["pid"] in (before, None) or not child["ready"]:
            assert time.monotonic() < give_up, f"{name} was not started again: {child}"
            time.sleep(0.05)

    def child(self, name: str) -> dict[str, Any]:
        """What the supervisor says of one of its programs."""
        return next(child for child in self._children() if child["name"] == name)

    def restarts(self) -> dict[str, int]:
        """How often each program was started again."""
        return {child["name"]: child["restarts"] for child in self._children()}

    def worker_environment(self) -> dict[str, str]:
        """The environment of a worker that somebody starts beside the stack's own."""
        return self.environment | self._addresses() | {"HEADRACE_LOG_LEVEL": "INFO"}

    def _children(self) -> list[dict[str, Any]]:
        children: list[dict[str, Any]] = json.loads((self.home / "state.json").read_text())["children"]
        return children

    @contextmanager
    def hung(self, name: str) -> Iterator[None]:
        """One of the stack's services stands still within the block, with all connections open."""
        processes = _with_descendants(self.child(name)["pid"])
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)

    @property
    def database_url(self) -> str:
        """Where the rows are."""
        return self._addresses()["DATABASE_URL"]

    def _addresses(self) -> dict[str, str]:
        file = self.home / "env"
        if not file.exists():
            return {}
        pairs = (line.removeprefix("export ").split("=", 1) for line in file.read_text().splitlines())
        return {name: value.strip("'") for name, value in pairs}


def _with_descendants(pid: int) -> list[int]:
    """A process and all that it, or they, have started."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, rest = stat.read_text().split(" (", 1)
        except OSError:
            continue
        children.setdefault(int(rest.rsplit(") ", 1)[1].split()[1]), []).append(int(number))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found
