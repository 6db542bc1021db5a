"""A program's time runs from its first message to the end of its last, and is written once."""

from pathlib import Path

import pytest

from bench.stopwatch import Result, Stopwatch, Task, argument, result, task


def test_it_counts_from_the_first_message_to_the_end_of_the_last(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    clock, cpu = iter([10.0, 14.0]), iter([1.0, 3.5])
    watch = Stopwatch(5, path, now=lambda: next(clock), cpu=lambda: next(cpu))
    for _ in range(2):
        watch.begin()
        watch.done(2)
    assert not path.exists()
    watch.begin()
    watch.done(2)
    watch.done(1)
    assert result(path) == Result(seconds=4.0, cpu_seconds=2.5)


def test_a_task_reaches_its_program_as_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Task(bootstrap="b:1", source="in", target="out", messages=3, run="r", directory="/d", result="/r")
    monkeypatch.setattr("sys.argv", ["program", argument(given)])
    assert task() == given
