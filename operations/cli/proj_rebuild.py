"""`headrace proj rebuild`: projections' tables anew from the log, as versions beside the live ones."""

import getpass
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import msgspec
import typer

from operations.cli.moments import moment
from operations.cli.refusals import told_plainly
from operations.runs.progress_lines import duration
from projections.registry import ALL_PROJECTIONS

if TYPE_CHECKING:
    from headrace.settings import Settings
    from operations.versions.rebuild import RebuildPlan, Until

# Each verb imports what it works with: help, and the other verbs, should not wait for it.
# ruff: noqa: PLC0415

_Names = Annotated[list[str] | None, typer.Argument(help="The projections, such as leads.", show_default=False)]
_All = Annotated[bool, typer.Option("--all", help="Every projection.")]
_Until = Annotated[
    str | None,
    typer.Option(
        "--until",
        help="Only what the broker had before this: 2026-03-02T09:30, 2h ago as 2h, or the end of each partition of "
        "one projection: 0=1200,1=900. The version then stays as of that moment.",
    ),
]
_Workers = Annotated[int, typer.Option("--workers", min=1, max=64, help="Processes that read, shared by partition.")]
_Execute = Annotated[bool, typer.Option("--execute", help="Act. Without it, only the plan is printed.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_OFFSETS = re.compile(r"\d+=\d+(,\d+=\d+)*")


def rebuild(
    names: _Names = None,
    all_: _All = False,
    until: _Until = None,
    workers: _Workers = 1,
    execute: _Execute = False,
    as_json: _Json = False,
) -> None:
    """Build projections anew from the log, beside the live tables. `promote` then makes the views read them."""
    from headrace.settings import Settings
    from operations.versions.rebuild import RebuildRefused, find_projection, plan_rebuild

    wanted = chosen(names, all_=all_)
    settings, end = Settings(), _end(until)
    with told_plainly():
        if isinstance(end, dict) and len(wanted) > 1:
            raise RebuildRefused("Offsets belong to one topic: name one projection, or give --until a moment.")
        plans = [plan_rebuild(settings, find_projection(name), workers, end) for name in wanted]
        if not as_json:
            _tell(plans, workers)
        run_id = _execute(settings, plans, workers) if execute else None
    if as_json:
        report = {"executed": execute, "run_id": run_id, "workers": workers, "plans": plans}
        typer.echo(msgspec.json.encode(report).decode())
    elif not execute:
        typer.echo("Nothing was done. Add --execute to build.")


def chosen(names: list[str] | None, *, all_: bool) -> list[str]:
    """The projections a command is about, each once. Raises typer.BadParameter."""
    if bool(names) == all_:
        raise typer.BadParameter("name the projections, or say --all")
    return [one.name for one in ALL_PROJECTIONS] if all_ else list(dict.fromkeys(names or ()))


def _execute(settings: "Settings", plans: "list[RebuildPlan]", workers: int) -> UUID:
    from operations.runs.runs import begin
    from operations.versions.rebuild import VERB
    from operations.versions.rebuild_run import run_rebuild

    with begin(
        settings.database_url,
        verb=VERB,
        subjects=[f"projection:{plan.projection}" for plan in plans],
        scope={"plans": msgspec.to_builtins(plans), "workers": workers},
        started_by=getpass.getuser(),
        run_id=uuid4(),
    ) as run:
        typer.echo(f"Run {run.run.run_id}: `headrace runs show {run.run.run_id}` tells how far it is.", err=True)
        run_rebuild(settings, run, lambda line: typer.echo(line, err=True))
    for plan in plans:
        typer.echo(f"{plan.projection} version {plan.version} is complete up to {_as_of(plan)}.", err=True)
    return run.run.run_id


def _end(until: str | None) -> "Until | None":
    if until is None:
        return None
    if _OFFSETS.fullmatch(until):
        pairs = (pair.partition("=") for pair in until.split(","))
        return {int(partition): int(end) for partition, _, end in pairs}
    return moment(until, datetime.now(UTC))


def _as_of(plan: "RebuildPlan") -> str:
    return f"{plan.until}, and stays so" if plan.until else "the end of the log as it was"


def _tell(plans: "list[RebuildPlan]", workers: int) -> None:
    for plan in plans:
        typer.echo(
            f"{plan.projection} version {plan.version}, beside version {plan.live_version}: {plan.events:,} events "
            f"({_mib(plan.log_bytes)}), about {plan.keys:,} keys, about {duration(plan.minutes * 60)} with "
            f"{workers} worker(s), about {_mib(plan.disk_bytes)} of disk while it builds, AI cost 0."
        )
        for topic, partition, start, end in plan.ranges:
            typer.echo(f"  {topic}[{partition}]: offsets {start:,} to {end:,}")
        if plan.until:
            typer.echo(f"  It will be as of {plan.until}, and nobody will keep it up to date.")


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
