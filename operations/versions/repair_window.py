"""Repairs of what was appended in a window of time: how they are planned, kept in the ledger and resumed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.offsets import OffsetRange, Partition
from headrace.settings import Settings
from operations.records.record_filter import RecordFilter
from operations.runs.progress_lines import Say
from operations.runs.runs import ActiveRun
from operations.versions.repair import RepairPlan, abandon_repair, plan_repair, run_repair
from projections.projection import Projection

VERB = "proj repair"


def filter_of(key: str | None, workspace: str | None) -> RecordFilter:
    """Which records of the window choose their keys."""
    return RecordFilter(key=key, workspace=workspace)


def plan_window(
    settings: Settings,
    projections: Iterable[Projection],
    start: datetime | None,
    end: datetime | None,
    wanted: RecordFilter,
    *,
    strict: bool,
) -> RepairPlan:
    """What a repair of these projections would do. `start` and `end` are aware; None is the log's own.

    Raises RepairRefused, TooManyKeys, KafkaUnreachable, TopicsMissing.
    """
    log = LogOffsets(settings)
    windows: dict[str, dict[Partition, OffsetRange]] = {
        one.name: wanted.ranges(log.window([settings.topic(one.topic)], start, end)) for one in projections
    }
    return plan_repair(settings, windows, wanted.matches, strict=strict)


def scope_of(plan: RepairPlan, wanted: RecordFilter, start: datetime | None, end: datetime | None) -> dict[str, Any]:
    """All that a resumed repair needs beside its plan, and what people want to know of it."""
    return {
        "projections": [one.projection for one in plan.projections],
        "from": None if start is None else start.isoformat(),
        "to": None if end is None else end.isoformat(),
        "key": wanted.key,
        "workspace": wanted.workspace,
    }


def resume_run(settings: Settings, run: ActiveRun, say: Say) -> None:
    """Go on with a repair. Raises RepairStopped, RunCancelled, KafkaUnreachable."""
    wanted = filter_of(run.run.scope["key"], run.run.scope["workspace"])
    run_repair(settings, run, lambda: wanted.matches, say)


abandon_run = abandon_repair
