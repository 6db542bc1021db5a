"""A killed test session must not leave brokers behind."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.lifeline import lifeline


def test_what_a_killed_session_started_is_ended(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "ended")
    session = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(f"""
                import time
                from tests.lifeline import lifeline
                with lifeline("echo over > {pipe}"):
                    print("ready", flush=True)
                    time.sleep(60)
            """),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert session.stdout is not None
    assert session.stdout.readline() == "ready\n"
    os.kill(session.pid, signal.SIGKILL)
    assert pipe.read_text() == "over\n"
    session.wait()
    session.stdout.close()


def test_a_session_that_ends_by_itself_runs_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "ended"
    with lifeline(f"touch {trace}"):
        pass
    assert not trace.exists()
