"""Runs the `headrace` command in a process of its own, without the half second of imports that each would begin with.

A server that has imported them forks a process for each command. Not within the test's process: an environment changed
there under the feet of native threads (librdkafka's, say) can crash it, because setenv is not safe between threads.
"""

import ast
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from operations.cli.main import COMMANDS, main

_TIMEOUT = 120.0
_CLI = Path(__file__).parents[1] / "operations" / "cli"
#: What they run are whole processes of another kind.
_APART = ("run.py", "dev.py", "demo.py")


def _imports() -> list[str]:
    """The commands' modules, and what their verbs import when they are called."""
    files = [ast.parse(file.read_text()) for file in sorted(_CLI.glob("*.py")) if file.name not in _APART]
    nodes = [node for file in files for node in ast.walk(file) if isinstance(node, ast.ImportFrom)]
    commands = (f"operations.cli.{name}" for name in COMMANDS)
    return [*commands, *dict.fromkeys(node.module for node in nodes if node.module)]


_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload(_imports())


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """What it printed, errors last."""
        return self.stdout + self.stderr


def headrace(environment: Mapping[str, str], *arguments: str) -> Finished:
    """Run a command to its end."""
    with tempfile.TemporaryDirectory(prefix="headrace-command-") as directory:
        stdout, stderr = Path(directory, "stdout"), Path(directory, "stderr")
        variables = {**os.environ, "COLUMNS": "300", **environment}
        process = _fork.Process(target=_run, args=(arguments, variables, stdout, stderr))
        process.start()
        process.join(_TIMEOUT)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"headrace {' '.join(arguments)}: not done after {_TIMEOUT:.0f} s")
        return Finished(process.exitcode, stdout.read_text(), stderr.read_text())


def headrace_script(environment: Mapping[str, str], *arguments: str) -> Finished:
    """The same by the console script, for tests of what a command imports or of how its interpreter is set up."""
    done = subprocess.run(
        [Path(sys.executable).with_name("headrace"), *arguments],
        env={**os.environ, "COLUMNS": "300", **environment},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def _run(arguments: Sequence[str], environment: Mapping[str, str], stdout: Path, stderr: Path) -> None:
    """The new process: the same as the console script, its output in files."""
    for number, path in ((1, stdout), (2, stderr)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["headrace", *arguments]
    main()
