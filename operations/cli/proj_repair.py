"""`headrace proj repair`: the rows of the keys that a window touched, made anew in place."""

import getpass
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import msgspec
import typer

from operations.cli.moments import From, To, window
from operations.cli.refusals import told_plainly
from projections.registry import ALL_PROJECTIONS

if TYPE_CHECKING:
    from headrace.settings import Settings
    from operations.versions.repair import MakeWants, RepairPlan
    from operations.versions.repair_stage import Replaced

# Each verb imports what it works with: help, and the other verbs, should not wait for it.
# ruff: noqa: PLC0415

_Names = Annotated[
    list[str] | None, typer.Argument(help="The projections, such as leads; all without any.", show_default=False)
]
_Key = Annotated[
    str | None, typer.Option("--key", help="Only this key: a lead's id, or a dedupe key for webhook_receipts.")
]
_Workspace = Annotated[
    str | None, typer.Option("--workspace", help="Only keys that records of this workspace touched.")
]
_Execute = Annotated[bool, typer.Option("--execute", help="Act. Without it, only the plan is printed.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def repair(
    names: _Names = None,
    from_: From = None,
    to: To = None,
    key: _Key = None,
    workspace: _Workspace = None,
    execute: _Execute = False,
    as_json: _Json = False,
) -> None:
    """Make anew, in place, the rows of all keys that were touched by records appended in a window.

    A window only chooses keys: all events of these keys are folded again. Without --from and --to it is the whole log,
    for which a --key must be named.
    """
    from headrace.settings import Settings
    from operations.versions.rebuild import find_projection
    from operations.versions.repair_window import VERB, filter_of, plan_window, scope_of

    start, end = window(from_, to, datetime.now(UTC))
    if key is None and (start is None or end is None):
        raise typer.BadParameter("--from and --to are both needed, unless there is a --key")
    settings, wanted = Settings(), filter_of(key, workspace)
    with told_plainly():
        chosen = [find_projection(name) for name in names or ()] or list(ALL_PROJECTIONS)
        plan = plan_window(settings, chosen, start, end, wanted, strict=bool(names))
        if not as_json:
            tell_plan(plan)
        scope = scope_of(plan, wanted, start, end)
        carry_out(settings, VERB, plan, scope, lambda: wanted.matches, Asked(execute=execute, as_json=as_json))


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants to come of a plan."""

    execute: bool
    as_json: bool
    #: Of a replay of webhooks.
    depth: str | None = None


def carry_out(
    settings: "Settings",
    verb: str,
    plan: "RepairPlan",
    scope: Mapping[str, Any],
    make_wants: "MakeWants",
    asked: Asked,
) -> None:
    """Do what was planned if that is wanted, and say what was done. Raises RunRefused, RepairStopped."""
    from operations.runs.runs import begin
    from operations.versions.repair import run_repair

    run_id, done = uuid4(), None
    if asked.execute and plan.projections:
        with begin(
            settings.database_url,
            verb=verb,
            subjects=plan.subjects,
            scope={**scope, "plan": msgspec.to_builtins(plan)},
            started_by=getpass.getuser(),
            run_id=run_id,
        ) as run:
            typer.echo(f"Run {run_id}: `headrace runs show {run_id}` tells how far it is.", err=True)
            done = run_repair(settings, run, make_wants, lambda line: typer.echo(line, err=True))
    if asked.as_json:
        outcome = {"executed": done is not None, "run_id": run_id if done else None, "plan": plan, "rows": done or {}}
        typer.echo(msgspec.json.encode(outcome if asked.depth is None else {"depth": asked.depth, **outcome}).decode())
    elif done is not None:
        _tell_done(done)
    elif not plan.projections:
        typer.echo("No key was touched: there is nothing to repair.")
    else:
        typer.echo("Nothing was done. Add --execute to repair.")


def tell_plan(plan: "RepairPlan") -> None:
    """The plan for people."""
    for one in plan.projections:
        typer.echo(
            f"{one.projection} version {one.version}: {one.keys:,} keys, touched by {one.touched_by:,} records; "
            f"{one.events:,} events to read, of {one.partitions} of {one.of_partitions} partitions."
        )
    for name, reason in plan.left_out.items():
        typer.echo(f"{name} is left out. {reason}")
    if plan.projections:
        typer.echo(
            f"In all {plan.keys:,} keys, {plan.events:,} events, about {plan.bytes / 2**20:,.1f} MiB to read, about "
            f"{plan.minutes} minutes, at most {plan.disk_bytes / 2**20:,.1f} MiB of disk meanwhile, AI cost 0."
        )


def _tell_done(done: "Mapping[str, Replaced]") -> None:
    for name, rows in done.items():
        typer.echo(f"{name}: {rows.inserted:,} rows put in, {rows.replaced:,} replaced, {rows.removed:,} removed.")
