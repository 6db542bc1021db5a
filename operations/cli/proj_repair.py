"""`headrace proj repair`: the rows of the keys that a window touched, made anew in place."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from operations.cli.acting import Acting, announce, executed, say
from operations.cli.moments import From, To, window
from operations.cli.options import takes_groups
from operations.cli.proj_options import NamesOrAll, named_or_all

if TYPE_CHECKING:
    from headrace.settings import Settings
    from operations.versions.repair import MakeWants, RepairPlan
    from operations.versions.repair_stage import Replaced


@takes_groups
def repair(
    names: NamesOrAll = None,
    from_: From = None,
    to: To = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Only this key: a lead's id, or a dedupe key for webhook_receipts.")
    ] = None,
    workspace: Annotated[
        str | None, typer.Option("--workspace", help="Only keys that records of this workspace touched.")
    ] = None,
    *,
    acting: Acting,
) -> None:
    """Make anew, in place, the rows of all keys that were touched by records appended in a window.

    A window only chooses keys: all events of these keys are folded again. Without --from and --to it is the whole log,
    for which a --key must be named.
    """
    from headrace.settings import Settings
    from operations.versions.repair_window import VERB, filter_of, plan_window, scope_of

    start, end = window(from_, to, datetime.now(UTC))
    if key is None and (start is None or end is None):
        raise typer.BadParameter("--from and --to are both needed, unless there is a --key")
    settings, wanted = Settings(), filter_of(key, workspace)
    plan = plan_window(settings, named_or_all(names), start, end, wanted, strict=bool(names))
    carry_out(settings, VERB, plan, scope_of(plan, wanted, start, end), lambda: wanted.matches, acting)


def carry_out(
    settings: "Settings",
    verb: str,
    plan: "RepairPlan",
    scope: Mapping[str, Any],
    make_wants: "MakeWants",
    acting: Acting,
    **about: str,
) -> None:
    """Tell the plan, do it if that is wanted, and say what was done. `about` is told in JSON, too.

    Raises RunRefused, RepairStopped.
    """
    from operations.versions.repair import run_repair

    acting.tell(*_plan_lines(plan))
    rows, scope = None, {**scope, "plan": msgspec.to_builtins(plan)}
    with acting.run(settings, verb, plan.subjects, scope, is_needed=bool(plan.projections)) as run:
        if run is not None:
            announce(run)
            rows = run_repair(settings, run, make_wants, say)
    acting.report({**about, **executed(run), "plan": plan, "rows": rows or {}}, *_outcome_lines(plan, rows))


def _plan_lines(plan: "RepairPlan") -> Iterator[str]:
    for part in plan.projections:
        yield (
            f"{part.projection} version {part.version}: {part.keys:,} keys, touched by {part.touched_by:,} records; "
            f"{part.events:,} events to read, of {part.partitions} of {part.of_partitions} partitions."
        )
    for name, reason in plan.left_out.items():
        yield f"{name} is left out. {reason}"
    if plan.projections:
        yield (
            f"In all {plan.keys:,} keys, {plan.events:,} events, about {plan.bytes / 2**20:,.1f} MiB to read, about "
            f"{plan.minutes} minutes, at most {plan.disk_bytes / 2**20:,.1f} MiB of disk meanwhile, AI cost 0."
        )


def _outcome_lines(plan: "RepairPlan", rows: "Mapping[str, Replaced] | None") -> list[str]:
    if rows is not None:
        return [
            f"{name}: {done.inserted:,} rows put in, {done.replaced:,} replaced, {done.removed:,} removed."
            for name, done in rows.items()
        ]
    if not plan.projections:
        return ["No key was touched: there is nothing to repair."]
    return ["Nothing was done. Add --execute to repair."]
