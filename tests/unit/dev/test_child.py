"""The pause before a restart, and what an exit is called."""

import errno
import threading

import pytest

from operations.dev.child import Child, backoff, exit_description
from operations.dev.program import Program


def test_backoff_doubles_up_to_its_limit() -> None:
    assert [backoff(failures) for failures in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(
    ("code", "words"), [(0, "exited with status 0"), (3, "exited with status 3"), (-9, "was ended by SIGKILL")]
)
def test_exit_description(code: int, words: str) -> None:
    assert exit_description(code) == words


def test_a_line_that_cannot_be_passed_on_is_a_failure_like_any_other() -> None:
    full, ended = OSError(errno.ENOSPC, "No space left on device"), threading.Event()
    lines: list[str] = []

    def on_line(line: str) -> None:
        lines.append(line)
        if len(lines) == 1:
            raise full
        ended.set()

    program = Program(name="talker", argv=("/bin/sh", "-c", "echo line; exec sleep 60"), environment={})
    child = Child(program, on_line, on_change=lambda _change: None)
    child.start()
    try:
        assert ended.wait(30), "it is started again"
        assert (child.restarts, child.last_exit) == (1, "could not be kept running (No space left on device)")
    finally:
        child.stop()
