"""A line every two seconds, with a speed that says how it goes now, and none of what an earlier process did."""

import pytest

from operations.runs.progress_lines import ProgressLines, duration, progress_line


def test_a_line_comes_every_two_seconds_with_speed_and_time_left() -> None:
    lines: list[str] = []
    clock = [100.0]
    progress = ProgressLines("leads", 10_000, lines.append, already=2_000, now=lambda: clock[0])
    told = []
    for second, done in ((101, 3_000), (102, 4_000), (103, 5_000), (104, 6_000)):
        clock[0] = second
        told.append(progress.done(done))
    assert told == [False, True, False, True]
    assert lines == [
        "leads: 4,000 of 10,000 events, 1,000/s, 6 s left",
        "leads: 6,000 of 10,000 events, 1,000/s, 4 s left",
    ]


def test_the_speed_is_that_of_the_last_half_minute() -> None:
    lines: list[str] = []
    clock = [0.0]
    progress = ProgressLines("jobs", 1_000_000, lines.append, now=lambda: clock[0])
    done = 0
    for second in range(2, 102, 2):
        clock[0] = second
        done += 20_000 if second <= 50 else 200
        progress.done(done)
    assert lines[-1] == progress_line("jobs", done, 1_000_000, 100)


@pytest.mark.parametrize(
    ("done", "per_second", "line"),
    [
        (0, 0, "jobs: 0 of 10 events, 0/s"),
        (10, 5, "jobs: 10 of 10 events, 5/s"),
        (5, 1, "jobs: 5 of 10 events, 1/s, 5 s left"),
    ],
)
def test_no_time_is_named_that_nobody_knows(done: int, per_second: float, line: str) -> None:
    assert progress_line("jobs", done, 10, per_second) == line


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (9000, "2.5 h")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
