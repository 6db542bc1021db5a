"""Runs the whole stack in the foreground: services, preparations, processes; and stops all in the opposite order."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from types import FrameType

import httpx

from operations.dev.cannot_start import CannotStart
from operations.dev.child import Child, exit_description
from operations.dev.disk import require_space
from operations.dev.environment import (
    database_url,
    process_environment,
    secrets_key,
    shell_file,
    with_own_metrics_port,
    write_private,
)
from operations.dev.home import PROJECT
from operations.dev.kafka import kafka, kafka_answers
from operations.dev.output import Output
from operations.dev.ports import require_free
from operations.dev.postgres import DATABASE, ensure_database, local_url, postgres, postgres_answers
from operations.dev.processes import PREPARATIONS, PROCESSES, READY_LINE, SANDBOX, SERVICES, Process
from operations.dev.program import Program, kill, start
from operations.dev.samples import WORKSPACE_FILE
from operations.dev.settings import DevSettings
from operations.dev.state import ChildState, Phase, StackState, hold_lock, process_began, stop_leftovers, write_state

_SERVICE_TIMEOUT = 60.0
#: A service that ends this often before it answers will not answer at all.
HOPELESS_FAILURES = 3
_TICK = 0.2


class StopRequested(Exception):
    """Somebody asked the stack to stop while it was starting."""


class Supervisor:
    """One stack. `processes` and `preparations` are arguments so that tests can run other programs."""

    def __init__(
        self,
        settings: DevSettings,
        environment: Mapping[str, str],
        processes: tuple[Process, ...] = PROCESSES,
        preparations: Mapping[str, tuple[str, ...]] = PREPARATIONS,
        executable: Path | None = None,
    ) -> None:
        self._settings = settings
        self._environment = environment
        self._processes = processes
        self._preparations = preparations
        self._executable = executable or console_script()
        self._home = settings.files
        self._phase: Phase = "preparing"
        self._services: list[Child] = []
        self._children: tuple[Child, ...] = ()
        self._running_once: list[subprocess.Popen[bytes]] = []
        self._stop_requests = 0
        self._state_lock = threading.Lock()
        self._written: StackState | None = None
        self._output: Output

    def run(self) -> None:
        """Returns after the stack was asked to stop and has stopped. Raises CannotStart."""
        self._home.create()
        with hold_lock(self._home), closing(Output(self._home, self._names())) as self._output:
            if leftovers := stop_leftovers(self._home):
                self._output.note(f"stopped what an earlier supervisor left running: {', '.join(leftovers)}")
            require_space(self._home.root)
            require_free(self._settings.ports)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, self._on_signal)
            try:
                self._start()
                self._watch()
            except StopRequested:
                self._output.note("stopped before everything was started")
            finally:
                self._stop()

    def _names(self) -> tuple[str, ...]:
        return (*(process.name for process in self._processes), *self._preparations, *SERVICES, SANDBOX)

    def _start(self) -> None:
        self._enter("preparing", "getting Kafka and Postgres ready")
        self._start_services()
        url, key = database_url(self._settings), secrets_key(self._settings)
        environment = process_environment(self._settings, url, key, self._environment)
        self._enter("migrating", "migrating the database and creating topics")
        self._prepare(environment)
        write_private(self._home.environment, shell_file(self._settings, url, key, self._environment))
        self._enter("starting", "starting the processes")
        self._start_processes(environment)

    def _watch(self) -> None:
        while not self._stop_requests:
            ready = [child.probe() for child in self._all_children()]
            self._write_state()
            if self._phase == "starting" and all(ready):
                self._enter("up", f"Headrace is up: webhooks go to {self._settings.ingest_url}/webhooks/…")
                self._output.note(f"`. {self._home.environment}` points other programs at it; Ctrl-C stops it")
            time.sleep(_TICK)

    def _start_services(self) -> None:
        settings, home = self._settings, self._home
        if settings.kafka_bootstrap is None:
            port, controller_port = settings.kafka_port, settings.kafka_controller_port
            program = kafka(home.kafka, port, controller_port, self._environment)
            self._start_service(program, partial(kafka_answers, settings.bootstrap))
        if settings.database_url is None:
            port = settings.postgres_port
            program = postgres(home.postgres, home.postgres_password, port, self._environment)
            server = local_url(port, home.postgres_password, "postgres")
            self._start_service(program, partial(postgres_answers, server))
        for child in self._services:
            self._wait_for(child)
        if settings.database_url is None:
            ensure_database(server, DATABASE)

    def _start_service(self, program: Program, check: Callable[[], bool]) -> None:
        self._go_on()
        # Their lines matter only when something is wrong: they stay out of the stream.
        on_line = partial(self._output.line, program.name, shown=False)
        child = Child(program, on_line, self._changed, check=check)
        self._services.append(child)
        child.start()

    def _wait_for(self, child: Child) -> None:
        name = child.program.name
        deadline = time.monotonic() + _SERVICE_TIMEOUT
        while not child.probe():
            self._go_on()
            if child.failures >= HOPELESS_FAILURES or time.monotonic() > deadline:
                why = child.last_exit or f"did not answer within {_SERVICE_TIMEOUT:.0f} s"
                raise CannotStart(f"{name} {why}; its last lines:\n{self._last_lines(name)}")
            time.sleep(_TICK)

    def _prepare(self, environment: Mapping[str, str]) -> None:
        self._go_on()
        started = {}
        for name, command in self._preparations.items():
            started[name] = start(self._program(name, command, environment), subprocess.PIPE)
            self._running_once.append(started[name])
        codes = {name: self._finish(name, process) for name, process in started.items()}
        self._running_once.clear()
        self._go_on()
        for name, code in codes.items():
            if code:
                command_line = " ".join(("headrace", *self._preparations[name]))
                lines = self._last_lines(name)
                raise CannotStart(f"`{command_line}` {exit_description(code)}; its last lines:\n{lines}")

    def _finish(self, name: str, process: "subprocess.Popen[bytes]") -> int:
        assert process.stdout is not None  # noqa: S101 - for the type checker: it was started with a pipe
        with process.stdout as lines:
            for line in lines:
                self._output.line(name, line.decode(errors="replace").rstrip())
        return process.wait()

    def _start_processes(self, environment: Mapping[str, str]) -> None:
        processes = tuple(self._child(process, environment) for process in self._processes)
        self._children = (*processes, self._sandbox(environment)) if self._settings.sandbox_port else processes
        for child in self._children:
            self._go_on()
            child.start()

    def _child(self, process: Process, environment: Mapping[str, str]) -> Child:
        environment = with_own_metrics_port(environment, self._processes.index(process))
        program = self._program(process.name, process.command, environment)
        on_line = partial(self._output.line, process.name)
        if process.readiness == "log":
            return Child(program, on_line, self._changed, ready_line=READY_LINE)
        return Child(program, on_line, self._changed, check=partial(ingest_is_ready, self._settings.ingest_url))

    def _sandbox(self, environment: Mapping[str, str]) -> Child:
        """It knows the workspace of the samples; others are told to it over HTTP."""
        settings = self._settings
        argv = (
            *(sys.executable, "-m", "operations.dev.sandbox.server", "--port", str(settings.sandbox_port)),
            *("--ingest", settings.ingest_url, "--workspace", str(WORKSPACE_FILE)),
        )
        program = Program(name=SANDBOX, argv=argv, environment=environment, working_directory=PROJECT)
        check = partial(sandbox_is_ready, settings.sandbox_url)
        return Child(program, partial(self._output.line, SANDBOX), self._changed, check=check)

    def _program(self, name: str, command: tuple[str, ...], environment: Mapping[str, str]) -> Program:
        return Program(
            name=name,
            argv=(str(self._executable), *command),
            environment=environment,
            working_directory=PROJECT,
        )

    def _stop(self) -> None:
        self._enter("stopping", "stopping")
        for group in (self._children, self._services):
            if group:
                with ThreadPoolExecutor(len(group)) as pool:
                    list(pool.map(Child.stop, group))
        self._home.environment.unlink(missing_ok=True)
        self._home.state.unlink(missing_ok=True)
        self._output.note("everything has stopped; the data is kept")

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_requests += 1
        for process in self._running_once:
            process.terminate()
        if self._stop_requests > 1:
            for process in self._running_once:
                kill(process)
            for child in self._all_children():
                child.kill()

    def _all_children(self) -> tuple[Child, ...]:
        return (*self._children, *self._services)

    def _go_on(self) -> None:
        if self._stop_requests:
            raise StopRequested

    def _enter(self, phase: Phase, note: str) -> None:
        self._phase = phase
        self._output.note(note)
        self._write_state()

    def _changed(self, note: str) -> None:
        self._output.note(note)
        self._write_state()

    def _write_state(self) -> None:
        with self._state_lock:
            state = self._state()
            if state != self._written:
                write_state(self._home, state)
                self._written = state

    def _state(self) -> StackState:
        return StackState(
            supervisor=os.getpid(),
            phase=self._phase,
            kafka_bootstrap=self._settings.bootstrap,
            ingest_url=self._settings.ingest_url,
            children=tuple(map(_child_state, self._all_children())),
            topic_prefix=self._environment.get("HEADRACE_TOPIC_PREFIX", ""),
        )

    def _last_lines(self, name: str) -> str:
        return "\n".join(self._home.log(name).read_text(errors="replace").splitlines()[-20:])


def console_script() -> Path:
    """The `headrace` command of this interpreter's environment. Raises CannotStart when it is not installed there."""
    script = Path(sys.executable).with_name("headrace")
    if not script.exists():
        found = shutil.which("headrace")
        if found is None:
            raise CannotStart("The `headrace` command is not installed: run `make setup`.")
        script = Path(found)
    return script


def ingest_is_ready(url: str) -> bool:
    """Whether ingest says that it takes webhooks."""
    return _answers(f"{url}/health/ready")


def sandbox_is_ready(url: str) -> bool:
    """Whether the stand-ins answer."""
    return _answers(f"{url}/control")


def _answers(url: str) -> bool:
    try:
        # A proxy of the environment must not stand between this machine and itself.
        return httpx.get(url, timeout=2.0, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _child_state(child: Child) -> ChildState:
    running = child.condition == "running" and child.process is not None
    pid = child.process.pid if running and child.process is not None else None
    return ChildState(
        name=child.program.name,
        condition=child.condition,
        pid=pid,
        began=process_began(pid) if pid is not None else None,
        ready=child.ready,
        restarts=child.restarts,
        failures=child.failures,
        last_exit=child.last_exit,
    )
