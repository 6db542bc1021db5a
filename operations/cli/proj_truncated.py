"""`headrace proj truncated`: which rows stand for records that Kafka lost, and the way back to what it has."""

import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import msgspec
import typer

from operations.cli.refusals import told_plainly
from projections.registry import ALL_PROJECTIONS

if TYPE_CHECKING:
    from headrace.settings import Settings
    from operations.versions.truncated_rows import TruncatedRows

# Each verb imports what it works with: help, and the other verbs, should not wait for it.
# ruff: noqa: PLC0415

#: Keys of a table that are printed; JSON has more.
_SHOWN = 3

_Names = Annotated[
    list[str] | None, typer.Argument(help="The projections, such as leads; all without any.", show_default=False)
]
_Execute = Annotated[bool, typer.Option("--execute", help="Act. Without it, only the plan is printed.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def truncated(names: _Names = None, execute: _Execute = False, as_json: _Json = False) -> None:
    """Name the rows of records that Kafka acknowledged and lost; with --execute remove them, and read the log again.

    For the versions that are written. Nothing that the log still has is lost by it.
    """
    from headrace.settings import Settings
    from operations.versions.rebuild import find_projection
    from operations.versions.truncated_rows import plan_truncated

    settings = Settings()
    with told_plainly():
        chosen = [find_projection(name) for name in names or ()] or list(ALL_PROJECTIONS)
        plan = plan_truncated(settings, chosen)
        if not as_json:
            _tell(plan)
        if execute and plan:
            _carry_out(settings, plan)
    if as_json:
        typer.echo(msgspec.json.encode({"executed": execute and bool(plan), "truncated": plan}).decode())
    elif not plan:
        typer.echo("No row is ahead of the log: there is nothing to repair.")
    elif execute:
        typer.echo("Done. Start `headrace run projections`; `headrace proj status` tells how far it is.")
    else:
        typer.echo("Nothing was done. Add --execute to repair.")


def _carry_out(settings: "Settings", plan: "Sequence[TruncatedRows]") -> None:
    from operations.runs.runs import begin
    from operations.versions.truncated_rows import VERB, repair_truncated

    with begin(
        settings.database_url,
        verb=VERB,
        subjects=[f"projection:{name}" for name in sorted({lost.projection for lost in plan})],
        scope={"plan": msgspec.to_builtins(plan)},
        started_by=getpass.getuser(),
        run_id=uuid4(),
    ) as run:
        repair_truncated(settings, plan)
        run.finish(rows=sum(sum(lost.rows.values()) for lost in plan))


def _tell(plan: "Sequence[TruncatedRows]") -> None:
    for lost in plan:
        rows = ", ".join(f"{count:,} of {table}" for table, count in lost.rows.items()) or "none"
        typer.echo(
            f"{lost.projection} version {lost.version}, {lost.topic}[{lost.partition}]: Kafka lost what it had from "
            f"offset {lost.first_lost:,} on, and it is projected up to {lost.position:,}. To be removed: {rows}, "
            f"{lost.dead_letters:,} dead letters. To be read again: {lost.log_end - lost.log_start:,} records."
        )
        for table, keys in lost.named.items():
            for key in keys[:_SHOWN]:
                typer.echo(f"  {table}: " + ", ".join(f"{column} {value}" for column, value in key.items()))
            if lost.rows[table] > _SHOWN:
                typer.echo(f"  {table}: and {lost.rows[table] - _SHOWN:,} more; --json names up to 100")
