"""Runs the `headrace` command as a person does, in a process of its own.

Not within the test's process: an environment changed there under the feet of native threads (librdkafka's, say) can
crash it, because setenv is not safe between threads.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


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
    done = subprocess.run(
        [Path(sys.executable).with_name("headrace"), *arguments],
        env={**os.environ, "COLUMNS": "300", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)
