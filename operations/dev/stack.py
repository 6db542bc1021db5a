"""What a person can do with the local stack from outside of it: start it in the background, stop, watch and wipe it."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from headrace.settings import Settings
from headrace.stages import StageAge
from operations.dev.cannot_start import CannotStart
from operations.dev.environment import database_url
from operations.dev.home import PROJECT, Home
from operations.dev.output import STREAM
from operations.dev.postgres import wipe
from operations.dev.settings import DevSettings
from operations.dev.state import ChildState, Phase, StackState, read_state, stop_leftovers, supervisor_pid
from operations.dev.supervisor import HOPELESS_FAILURES, console_script
from operations.stages.stage_ages import stage_ages

#: Seconds the processes get to become ready; everything before that has limits of its own.
_READY_TIMEOUT = 120.0
#: Longer than all stop time-outs of a stack in a row.
_STOP_TIMEOUT = 90.0
_TICK = 0.2


class NotHealthy(CannotStart):
    """The stack was started in the background, but did not become healthy, and was stopped again."""


def start_in_background(
    settings: DevSettings, environment: Mapping[str, str], supervisor_command: Sequence[str] | None = None
) -> Iterator[Phase]:
    """Starts a supervisor that outlives this process, and yields each phase it enters, the last one being `up`.

    `supervisor_command` is `headrace dev up` unless a test gives another. Raises CannotStart, with the failing
    program's last lines, after everything was stopped again.
    """
    home = settings.files
    home.create()
    if supervisor_pid(home) is not None:
        raise CannotStart(f"A stack already runs in {home.root}: see `headrace dev status`.")
    errors = home.log("supervisor")
    with errors.open("wb") as output:
        supervisor = subprocess.Popen(
            supervisor_command or (str(console_script()), "dev", "up"),
            env=dict(environment),
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield from _follow_start(home, supervisor, errors)
    except BaseException:
        # Also when the person who waits presses Ctrl-C: half a stack in the background helps nobody.
        supervisor.terminate()
        supervisor.wait()
        raise
    # It goes on without us, on purpose: the interpreter need not warn of it.
    supervisor.returncode = 0


def stop(settings: DevSettings) -> bool:
    """Stops the stack and waits for it; its data stays. Whether anything was running. Raises CannotStart."""
    home = settings.files
    pid = supervisor_pid(home)
    if pid is None:
        return bool(stop_leftovers(home))
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_TIMEOUT
    while supervisor_pid(home) is not None:
        if time.monotonic() > deadline:
            raise CannotStart(
                f"The stack has not stopped within {_STOP_TIMEOUT:.0f} s: its supervisor is process {pid}."
            )
        time.sleep(_TICK)
    return True


def status(settings: DevSettings) -> StackState | None:
    """The stack as its supervisor last described it; None when it is down."""
    home = settings.files
    return read_state(home) if supervisor_pid(home) is not None else None


def stages(settings: DevSettings, state: StackState) -> list[StageAge]:
    """How the stages of a stack that is up stand. Raises KafkaUnreachable, TopicsMissing or psycopg.Error."""
    installation = Settings(
        kafka_bootstrap=state.kafka_bootstrap,
        database_url=database_url(settings),
        topic_prefix=state.topic_prefix,
    )
    return stage_ages(installation, datetime.now(UTC))


def is_healthy(state: StackState | None) -> bool:
    """Whether everything runs, as far as its supervisor can see: see `stages`, too."""
    return state is not None and state.phase == "up" and all(child.ready for child in state.children)


def reset(settings: DevSettings) -> None:
    """Removes all data of the stack. Raises CannotStart while it is up."""
    home = settings.files
    if supervisor_pid(home) is not None:
        raise CannotStart("The stack is up, and its data in use: stop it first with `headrace dev down`.")
    stop_leftovers(home)
    wipe(home.postgres)
    # One by one, never the whole directory: HEADRACE_HOME may hold other things.
    for directory in (home.kafka, home.tables, home.logs):
        shutil.rmtree(directory, ignore_errors=not directory.exists())
    for file in (home.postgres_password, home.secrets_key, home.lock):
        file.unlink(missing_ok=True)


def log_file(settings: DevSettings, process: str | None) -> Path:
    """The log of one program, or of the whole stream. Raises CannotStart when there is none."""
    path = settings.files.log(process or STREAM)
    if not path.exists():
        known = sorted(file.stem for file in settings.files.logs.glob("*.log"))
        names = f"there is one of {', '.join(known)}" if known else "the stack was never started"
        raise CannotStart(f"There is no log of {process or 'the stack'}: {names}.")
    return path


def follow(file: IO[str]) -> Iterator[str]:
    """The file's lines, waiting for new ones for ever."""
    while True:
        if line := file.readline():
            yield line
        else:
            time.sleep(_TICK)


def _follow_start(home: Home, supervisor: "subprocess.Popen[bytes]", errors: Path) -> Iterator[Phase]:
    phase: Phase | None = None
    deadline = float("inf")
    while phase != "up":
        if supervisor.poll() is not None:
            raise NotHealthy(errors.read_text(errors="replace").strip() or "The supervisor was ended by somebody.")
        state = read_state(home)
        if state is not None and state.supervisor == supervisor.pid:
            if state.phase != phase:
                phase = state.phase
                deadline = time.monotonic() + _READY_TIMEOUT if phase == "starting" else float("inf")
                yield phase
            _refuse_hopeless(home, state, time.monotonic() > deadline)
        time.sleep(_TICK)


def _refuse_hopeless(home: Home, state: StackState, too_late: bool) -> None:
    failing = next((child for child in state.children if child.failures >= HOPELESS_FAILURES), None)
    if failing is None and too_late:
        failing = next((child for child in state.children if not child.ready), None)
    if failing is not None:
        lines = "\n".join(home.log(failing.name).read_text(errors="replace").splitlines()[-20:])
        raise NotHealthy(f"{failing.name} {_trouble(failing)}; its last lines:\n{lines}")


def _trouble(child: ChildState) -> str:
    if child.last_exit is None:
        return f"was not ready after {_READY_TIMEOUT:.0f} s"
    return f"{child.last_exit}, {child.failures} times in a row"
