"""`headrace runs …`: what engineers set in motion, how far it is, and how to go on with it or stop it."""

import getpass
from typing import TYPE_CHECKING, Annotated, get_args
from uuid import UUID

import typer
from rich.table import Table

from operations.cli.acting import print_json, say
from operations.cli.options import Execute, Json, known_state
from operations.cli.printing import console, whole
from operations.cli.resumable import RESUMABLE
from operations.runs.run_state import RunState

if TYPE_CHECKING:
    from operations.runs.runs import Run

app = typer.Typer(no_args_is_help=True, add_completion=False)

_Id = Annotated[UUID, typer.Argument(help="The run's id.")]
_State = Annotated[str | None, typer.Option("--state", help=f"Only in this state: {', '.join(get_args(RunState))}.")]
_Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="The newest so many.")]


@app.callback()
def runs() -> None:
    """What engineers set in motion: rebuilds, repairs, redrives, replays."""


@app.command("list")
def list_(state: _State = None, limit: _Limit = 50, as_json: Json = False) -> None:
    """List the newest runs."""
    from headrace.settings import Settings
    from operations.runs.runs import find_runs

    wanted = None if state is None else known_state(state, get_args(RunState))
    newest = find_runs(Settings().database_url, state=wanted, limit=limit)
    if as_json:
        print_json(newest)
    else:
        _print_runs(newest)


@app.command()
def show(run_id: _Id, as_json: Json = False) -> None:
    """Tell all about one run: what it was told to do, how far it is, how it ended."""
    from headrace.settings import Settings
    from operations.runs.runs import show_run

    run = show_run(Settings().database_url, run_id)
    if as_json:
        print_json(run)
    else:
        typer.echo(_story(run))


@app.command("resume")
def resume_(run_id: _Id, execute: Execute = False) -> None:
    """Go on with an interrupted or failed run, from what it has done already. It was planned when it began.

    A run whose work others have done since is ended instead.
    """
    from headrace.settings import Settings
    from operations.runs.runs import RunRefused, resumable, resume, show_run

    settings = Settings()
    run = resumable(show_run(settings.database_url, run_id))
    if run.verb not in RESUMABLE:
        raise RunRefused(f"{run.told()}: a `{run.verb}` can't be resumed; run the command again.")
    typer.echo(_story(run))
    if not execute:
        typer.echo("Nothing was done. Add --execute to go on with it.")
        return
    with resume(settings.database_url, run_id) as active:
        RESUMABLE[run.verb]().resume_run(settings, active, say)


@app.command()
def cancel(run_id: _Id, execute: Execute = False) -> None:
    """Stop a run, and remove what it has not finished. What is live stays untouched."""
    from headrace.settings import Settings
    from operations.runs.runs import cancellable, mark_cancelled, request_cancel, show_run

    settings, by = Settings(), getpass.getuser()
    run = cancellable(show_run(settings.database_url, run_id))
    typer.echo(_story(run))
    if not execute:
        typer.echo("Nothing was done. Add --execute to cancel it.")
        return
    if request_cancel(settings.database_url, run_id, by).state == "running":
        typer.echo(f"Asked process {run.pid} on {run.host} to stop. `headrace runs show {run_id}` tells when it has.")
        return
    if run.verb in RESUMABLE:
        RESUMABLE[run.verb]().abandon_run(settings, run)
    mark_cancelled(settings.database_url, run_id, by)
    typer.echo("Cancelled; its process was gone already.")


def _print_runs(runs: "list[Run]") -> None:
    table = Table(
        whole("run"), "verb", "on", "by", "state", "phase", "started", "ended", title="Runs", title_justify="left"
    )
    for run in runs:
        ended = "" if run.ended_at is None else f"{run.ended_at:%Y-%m-%d %H:%M:%S}"
        on, started = " ".join(run.subjects), f"{run.started_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(run.run_id), run.verb, on, run.started_by, run.state, run.phase, started, ended)
    console().print(table)


def _story(run: "Run") -> str:
    lines = [
        f"{run.told()} on {run.host} (process {run.pid})",
        f"  state    {run.state}{', asked to stop by ' + run.cancel_requested_by if run.cancel_requested_by else ''}",
        f"  phase    {run.phase}, {_pairs(run.counts) or 'nothing counted'}, at {run.heartbeat_at:%Y-%m-%d %H:%M:%S}",
        f"  scope    {_pairs(run.scope)}",
    ]
    if run.resumes:
        lines.append(f"  resumed  {run.resumes} time(s)")
    if run.ended_at is not None:
        lines.append(f"  ended    {run.ended_at:%Y-%m-%d %H:%M:%S}{': ' + run.error if run.error else ''}")
    if run.result:
        lines.append(f"  result   {_pairs(run.result)}")
    if run.is_resumable and run.verb in RESUMABLE:
        lines.append(f"  Go on with it: headrace runs resume {run.run_id} --execute")
    return "\n".join(lines)


def _pairs(values: dict[str, object]) -> str:
    return ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}" for name, value in values.items()
    )
