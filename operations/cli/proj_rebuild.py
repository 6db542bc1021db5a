"""`headrace proj rebuild`: projections' tables anew from the log, as versions beside the live ones."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from operations.cli.acting import Acting, announce, executed, say
from operations.cli.moments import moment
from operations.cli.options import takes_groups
from operations.cli.proj_options import Names, distinct_names
from operations.runs.progress_lines import duration

if TYPE_CHECKING:
    from operations.versions.rebuild import RebuildPlan, Until

_OFFSETS = re.compile(r"\d+=\d+(,\d+=\d+)*")


@takes_groups
def rebuild(
    names: Names = None,
    all_: Annotated[bool, typer.Option("--all", help="Every projection.")] = False,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            help="Only what the broker had before this: 2026-03-02T09:30, 2h ago as 2h, or the end of each partition "
            "of one projection: 0=1200,1=900. The version then stays as of that moment.",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Processes that read, shared by partition.")
    ] = 1,
    *,
    acting: Acting,
) -> None:
    """Build projections anew from the log, beside the live tables. `promote` then makes the views read them."""
    from headrace.settings import Settings
    from operations.versions.rebuild import VERB, RebuildRefused, find_projection, plan_rebuild

    chosen, settings, end = distinct_names(names, all_=all_), Settings(), _end(until)
    if isinstance(end, dict) and len(chosen) > 1:
        raise RebuildRefused("Offsets belong to one topic: name one projection, or give --until a moment.")
    plans = [plan_rebuild(settings, find_projection(name), workers, end) for name in chosen]
    acting.tell(*_plan_lines(plans, workers))
    subjects = [f"projection:{plan.projection}" for plan in plans]
    scope = {"plans": msgspec.to_builtins(plans), "workers": workers}
    with acting.run(settings, VERB, subjects, scope) as run:
        if run is not None:
            from operations.versions.rebuild_run import run_rebuild

            announce(run)
            run_rebuild(settings, run, say)
    for plan in plans if run is not None else ():
        say(f"{plan.projection} version {plan.version} is complete up to {_as_of(plan)}.")
    acting.report({**executed(run), "workers": workers, "plans": plans})
    if run is None:
        acting.tell("Nothing was done. Add --execute to build.")


def _end(until: str | None) -> "Until | None":
    if until is None:
        return None
    if _OFFSETS.fullmatch(until):
        pairs = (pair.partition("=") for pair in until.split(","))
        return {int(partition): int(end) for partition, _, end in pairs}
    return moment(until, datetime.now(UTC))


def _as_of(plan: "RebuildPlan") -> str:
    return f"{plan.until}, and stays so" if plan.until else "the end of the log as it was"


def _plan_lines(plans: "list[RebuildPlan]", workers: int) -> Iterator[str]:
    for plan in plans:
        yield (
            f"{plan.projection} version {plan.version}, beside version {plan.live_version}: {plan.events:,} events "
            f"({_mib(plan.log_bytes)}), about {plan.keys:,} keys, about {duration(plan.minutes * 60)} with "
            f"{workers} worker(s), about {_mib(plan.disk_bytes)} of disk while it builds, AI cost 0."
        )
        for topic, partition, start, end in plan.ranges:
            yield f"  {topic}[{partition}]: offsets {start:,} to {end:,}"
        if plan.until:
            yield f"  It will be as of {plan.until}, and nobody will keep it up to date."


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
