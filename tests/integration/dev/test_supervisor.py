"""A supervisor with real processes, whose programs are small scripts: it restarts, stops in order, leaves nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from operations.dev import stack
from operations.dev.ports import free_ports
from operations.dev.settings import DevSettings
from operations.dev.state import StackState

_PROGRAM = """#!/bin/sh
echo "$1 $2" >>"$HEADRACE_HOME/calls"
case "$2" in
    steady) echo worker.ready; exec sleep 1000 ;;
    crashing)
        if [ "$(grep -c crashing "$HEADRACE_HOME/calls")" -lt 3 ]; then echo oh no; exit 7; fi
        echo worker.ready; exec sleep 1000 ;;
    stubborn) trap '' TERM INT; echo worker.ready; while :; do sleep 1; done ;;
    fine) echo prepared ;;
    broken) echo it is broken; exit 4 ;;
    hopeless) echo no way; exit 5 ;;
esac
"""
_DRIVER = """
import os, sys
from pathlib import Path
from operations.dev.cannot_start import CannotStart
from operations.dev.processes import Process
from operations.dev.settings import DevSettings
from operations.dev.supervisor import Supervisor
executable, preparation, *names = sys.argv[1:]
processes = tuple(Process(name, "log") for name in names)
try:
    Supervisor(DevSettings(), os.environ, processes, {"prepare": ("db", preparation)}, Path(executable)).run()
except CannotStart as error:
    sys.exit(str(error))
"""

Supervise = Callable[..., "subprocess.Popen[str]"]
Command = Callable[..., list[str]]


@pytest.fixture
def settings(tmp_path: Path) -> DevSettings:
    (port,) = free_ports(1)
    return DevSettings(
        home=tmp_path / "home", kafka_bootstrap="kafka:1", database_url="x://db", ingest_port=port, sandbox_port=0
    )


@pytest.fixture
def environment(settings: DevSettings) -> dict[str, str]:
    return os.environ | {
        "HEADRACE_HOME": str(settings.home),
        "HEADRACE_INGEST_PORT": str(settings.ingest_port),
        "HEADRACE_SANDBOX_PORT": "0",
        "KAFKA_BOOTSTRAP": "kafka:1",
        "DATABASE_URL": "x://db",
    }


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """The command of a supervisor over the scripted programs: the preparation, then the processes."""
    executable = tmp_path / "program"
    executable.write_text(_PROGRAM)
    executable.chmod(0o755)
    return lambda *names: [sys.executable, "-c", _DRIVER, str(executable), *names]


@pytest.fixture
def supervise(settings: DevSettings, environment: dict[str, str], command: Command) -> Iterator[Supervise]:
    """Starts such a supervisor in the foreground of another process."""
    started = []

    def start(*names: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            command(*names), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with process:
            process.kill()
    stack.stop(settings)


def _until(settings: DevSettings, accept: Callable[[StackState], bool]) -> StackState:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        state = stack.status(settings)
        if state is not None and accept(state):
            return state
        time.sleep(0.05)
    pytest.fail(f"the stack is not as expected: {stack.status(settings)}")


def _pids(state: StackState) -> list[int]:
    pids = [child.pid for child in state.children if child.pid is not None]
    assert len(pids) == len(state.children)
    return pids


def test_a_crashed_child_is_started_again_and_said_so(settings: DevSettings, supervise: Supervise) -> None:
    supervisor = supervise("fine", "steady", "crashing")
    state = _until(settings, stack.is_healthy)
    crashing = next(child for child in state.children if child.name == "crashing")
    assert (crashing.restarts, crashing.last_exit) == (2, "exited with status 7")

    supervisor.terminate()
    output, _ = supervisor.communicate(timeout=60)
    assert "crashing | oh no" in output
    assert "crashing exited with status 7; starting it again in 0.5 s" in output
    assert "crashing exited with status 7; starting it again in 1 s" in output
    assert settings.files.log("crashing").read_text().splitlines() == ["oh no", "oh no", "worker.ready"]


def test_preparations_come_first(settings: DevSettings, supervise: Supervise) -> None:
    supervise("fine", "steady")
    _until(settings, stack.is_healthy)
    assert (settings.home / "calls").read_text().splitlines() == ["db fine", "run steady"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_everything(settings: DevSettings, supervise: Supervise, number: signal.Signals) -> None:
    supervisor = supervise("fine", "steady")
    pids = _pids(_until(settings, stack.is_healthy))
    assert settings.files.environment.exists()
    supervisor.send_signal(number)
    supervisor.communicate(timeout=60)
    assert supervisor.returncode == 0
    assert not any(map(psutil.pid_exists, pids))
    assert not settings.files.environment.exists()
    assert stack.status(settings) is None


def test_a_second_signal_stops_by_force(settings: DevSettings, supervise: Supervise) -> None:
    supervisor = supervise("fine", "stubborn")
    pids = _pids(_until(settings, stack.is_healthy))
    supervisor.send_signal(signal.SIGINT)
    state = _until(settings, lambda state: state.phase == "stopping")
    assert _pids(state) == pids
    supervisor.send_signal(signal.SIGINT)
    # Less than the time a program gets when nobody insists.
    supervisor.communicate(timeout=20)
    assert not any(map(psutil.pid_exists, pids))


def test_a_failed_preparation_ends_the_start_with_its_last_lines(settings: DevSettings, supervise: Supervise) -> None:
    supervisor = supervise("broken", "steady")
    output, _ = supervisor.communicate(timeout=60)
    assert supervisor.returncode == 1
    assert output.endswith("`headrace db broken` exited with status 4; its last lines:\nit is broken\n")
    assert (settings.home / "calls").read_text().splitlines() == ["db broken"]


def test_a_second_supervisor_is_refused(settings: DevSettings, supervise: Supervise) -> None:
    supervise("fine", "steady")
    _until(settings, stack.is_healthy)
    second = supervise("fine", "steady")
    output, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"A stack already runs in {settings.home}" in output
    assert stack.is_healthy(stack.status(settings))


def test_what_a_killed_supervisor_leaves_is_stopped(settings: DevSettings, supervise: Supervise) -> None:
    supervisor = supervise("fine", "steady")
    pids = _pids(_until(settings, stack.is_healthy))
    supervisor.kill()
    supervisor.communicate()
    assert stack.status(settings) is None
    assert all(map(psutil.pid_exists, pids))
    assert stack.stop(settings)
    assert not any(map(_runs, pids))
    assert not stack.stop(settings)


def test_a_start_in_the_background_returns_when_all_is_well(
    settings: DevSettings, environment: dict[str, str], command: Command
) -> None:
    phases = list(stack.start_in_background(settings, environment, command("fine", "steady", "crashing")))
    try:
        assert phases[-1] == "up"
        assert stack.is_healthy(stack.status(settings))
    finally:
        assert stack.stop(settings)
    assert stack.status(settings) is None


def test_a_start_in_the_background_names_what_keeps_failing(
    settings: DevSettings, environment: dict[str, str], command: Command
) -> None:
    with pytest.raises(stack.NotHealthy) as failure:
        list(stack.start_in_background(settings, environment, command("fine", "steady", "hopeless")))
    assert str(failure.value).startswith(
        "hopeless exited with status 5, 3 times in a row; its last lines:\nno way\nno way\nno way"
    )
    assert stack.status(settings) is None


def test_a_start_in_the_background_tells_why_the_supervisor_gave_up(
    settings: DevSettings, environment: dict[str, str], command: Command
) -> None:
    with pytest.raises(stack.NotHealthy, match=r"(?s)`headrace db broken` exited with status 4.*it is broken"):
        list(stack.start_in_background(settings, environment, command("broken", "steady")))


def _runs(pid: int) -> bool:
    # An orphan may wait for its adoptive parent to notice that it ended.
    return psutil.pid_exists(pid) and bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
