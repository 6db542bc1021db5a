"""Stages that are late, and what somebody should look at, as lines for people."""

from collections.abc import Iterable

from headrace.stages import StageAge, late
from operations.runs.progress_lines import duration


def stage_line(age: StageAge) -> str:
    """`LATE: 12 webhooks without a verdict, the oldest for 5 min 3 s (goal: 1 min 0 s): is … running?`."""
    goal = "" if age.goal_seconds is None else f" (goal: {duration(age.goal_seconds)})"
    since = "" if age.age_seconds is None else f", the oldest for {duration(age.age_seconds)}{goal}"
    return f"{'LATE: ' if age.is_late else ''}{age.unfinished:,} {age.holds}{since}: {age.next_step}"


def stage_lines(ages: Iterable[StageAge]) -> list[str]:
    """The late ones, a line each."""
    return [stage_line(age) for age in late(ages)]
