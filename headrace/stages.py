"""The stages of a webhook's way, each with how long work may stand there: what status, audits and metrics judge by.

A worker that hangs says nothing, so nobody asks it: a stage is judged by the age of what it has not finished. Two ways
tell that. In the log it is the oldest record that its reader has not committed, by the broker's time; among the rows it
is a line of the view `analytics.oldest_unprocessed`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from headrace.events.topics import (
    ENRICHMENTS,
    INBOX,
    INBOX_BULK,
    JOBS,
    MESSAGES,
    REPLY_TOPICS,
    WEBHOOKS_BULK,
    WEBHOOKS_QUARANTINE,
    Topic,
)

#: Seconds for what a person waits for, and for what may come in floods.
REPLY_GOAL, _BULK_GOAL = 60.0, 900.0
_JOBS = "is `headrace run jobs` running, and what does its log say? `headrace jobs list` shows the jobs"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One stage. A name that ends in a colon stands for all that begin with it."""

    name: str
    #: What stands there, in the plural.
    holds: str
    #: Whether offsets tell its age, or rows.
    found_in: Literal["log", "rows"]
    #: Seconds the oldest may stand there; None where it waits for a person or for its time, which is never late.
    goal_seconds: float | None
    #: What to run or look at when it is late.
    next_step: str
    #: In the log: the worker whose positions tell what is finished.
    reader: str = ""
    #: In the log: what it reads.
    topics: tuple[Topic, ...] = ()


class StageAge(msgspec.Struct, frozen=True, kw_only=True):
    """How a stage stands at a moment."""

    stage: str
    #: What stands there, in the plural.
    holds: str
    #: How many of them.
    unfinished: int
    #: Since when the oldest could have been finished; None when there is none, or when nobody knows.
    oldest_at: datetime | None
    age_seconds: float | None
    goal_seconds: float | None
    is_late: bool
    #: What to run or look at when it is late.
    next_step: str


def _read(name: str, reader: str, topics: tuple[Topic, ...], holds: str, goal: float = REPLY_GOAL) -> Stage:
    next_step = f"is `headrace run {reader}` running, and what does its log say?"
    return Stage(
        name=name, holds=holds, found_in="log", goal_seconds=goal, next_step=next_step, reader=reader, topics=topics
    )


def _rows(name: str, holds: str, goal: float | None, next_step: str) -> Stage:
    return Stage(name=name, holds=holds, found_in="rows", goal_seconds=goal, next_step=next_step)


#: What consumer groups read, in the order of the way.
LOG_STAGES = (
    _read("webhooks:without_verdict", "pipeline", (*REPLY_TOPICS, WEBHOOKS_QUARANTINE), "webhooks without a verdict"),
    _read("webhooks.bulk:without_verdict", "bulk", (WEBHOOKS_BULK,), "sent and opened notices without one", _BULK_GOAL),
    _read("facts:without_lead", "pipeline", (INBOX,), "facts without a lead"),
    _read("facts.bulk:without_lead", "pipeline", (INBOX_BULK,), "facts of sent notices without a lead", _BULK_GOAL),
    _read("messages:unread", "jobs", (MESSAGES,), "messages and changes of leads that the jobs app has not read"),
    _read("jobs:unread", "jobs", (JOBS,), "events of jobs that the jobs app has not read"),
    _read("enrichments:unread", "jobs", (ENRICHMENTS,), "conclusions that the jobs app has not read"),
)
#: What rows tell.
ROW_STAGES = (
    _rows("messages:without_job", "messages without a job", REPLY_GOAL, "`headrace audit` names them"),
    _rows("jobs:waiting", "jobs that are due and not begun", 300.0, _JOBS),
    _rows("jobs:running", "jobs that are running", 900.0, _JOBS),
    _rows("jobs:dependency_down", "jobs that wait for a dependency", 900.0, "does the AI provider answer?"),
    _rows(
        "jobs:retrying", "jobs that failed and will be tried again", 28_800.0, "`headrace jobs list` tells the error"
    ),
    _rows(
        "jobs:over_budget",
        "jobs that wait for the AI budget",
        86_400.0,
        "raise `ai_budget_micro_usd_per_day`, or wait for the next day",
    ),
    _rows("jobs:paused", "jobs that a person paused", None, "`headrace jobs resume` lets them go on"),
    _rows("dead_letters:", "dead letters that nobody has settled", None, "`headrace dlq list` shows them"),
    _rows("quarantine", "webhooks in quarantine", None, "`headrace dlq list --quarantine` shows them"),
)


def projection_stage(projection: str, topic: Topic) -> Stage:
    """The stage that makes rows of a topic: Postgres has its positions."""
    return _read(f"project:{projection}", "projections", (topic,), f"records of {topic.name} that are no rows yet")


def row_stage(name: str) -> Stage | None:
    """The stage of a line of the view; None for one that rows don't judge."""
    return next((stage for stage in ROW_STAGES if name == stage.name or _is_family(stage, name)), None)


def _is_family(stage: Stage, name: str) -> bool:
    return stage.name.endswith(":") and name.startswith(stage.name)


def stage_age(stage: Stage, unfinished: int, oldest_at: datetime | None, now: datetime, name: str = "") -> StageAge:
    """How the stage stands. `name`: of the member of a family."""
    age = None if oldest_at is None else max(0.0, (now - oldest_at).total_seconds())
    return StageAge(
        stage=name or stage.name,
        holds=stage.holds,
        unfinished=unfinished,
        oldest_at=oldest_at,
        age_seconds=None if age is None else round(age, 1),
        goal_seconds=stage.goal_seconds,
        is_late=stage.goal_seconds is not None and age is not None and age > stage.goal_seconds,
        next_step=stage.next_step,
    )


def late(ages: Iterable[StageAge]) -> list[StageAge]:
    """Those that stand there for longer than their goal."""
    return [age for age in ages if age.is_late]
