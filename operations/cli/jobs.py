"""`headrace jobs …`: see jobs, and act on all that match a filter. Plans by default; `--execute` acts."""

import getpass
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, get_args
from uuid import UUID

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from operations.cli.refusals import told_plainly

if TYPE_CHECKING:
    from operations.jobs.job_list import JobFilter, JobRow, JobState
    from streams.jobs.commands import Verb

# Each verb imports what it works with: help, and the other verbs, should not wait for it.
# Options are a command's arguments, and every verb takes the whole filter.
# ruff: noqa: PLC0415, PLR0913, PLR0917

app = typer.Typer(no_args_is_help=True)

#: Jobs printed for people; JSON has them all, and a verb acts on all.
_SHOWN = 20
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

_Ids = Annotated[list[UUID] | None, typer.Argument(help="Only these jobs.", show_default=False)]
_Type = Annotated[str | None, typer.Option("--type", help="Only of this type, such as SMS_INBOUND_POST_PROCESS.")]
_Workspace = Annotated[str | None, typer.Option("--workspace", help="Only of this workspace.")]
_Lead = Annotated[UUID | None, typer.Option("--lead", help="Only of this lead.")]
_State = Annotated[list[str] | None, typer.Option("--state", help="Only in this state; may be given several times.")]
_Error = Annotated[str | None, typer.Option("--error", help="Only where error class or reason contain this.")]
_Older = Annotated[str | None, typer.Option("--older-than", help="Only asked for so long ago: 90s, 15m, 2h, 3d.")]
_Execute = Annotated[bool, typer.Option("--execute", help="Act. Without it, only the plan is printed.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_FromStart = Annotated[bool, typer.Option("--from-start", help="Repeat finished steps, too; succeeded jobs as well.")]


@app.callback()
def jobs() -> None:
    """See jobs, and retry, cancel, pause or resume all that match."""


@app.command("list")
def list_(
    ids: _Ids = None,
    type_: _Type = None,
    workspace: _Workspace = None,
    lead: _Lead = None,
    state: _State = None,
    error: _Error = None,
    older_than: _Older = None,
    as_json: _Json = False,
) -> None:
    """List the jobs that match, oldest first."""
    wanted = _filter(ids, type_, workspace, lead, state, error, older_than)
    found = _found(wanted)
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        _print_jobs(found, "jobs")


@app.command()
def show(job_id: Annotated[UUID, typer.Argument(help="The job's id.")], as_json: _Json = False) -> None:
    """Tell the whole story of a job: attempts, steps, what they concluded, calls to models, cost and webhook."""
    from headrace.settings import Settings
    from operations.cli.job_tree import story_tree
    from operations.jobs.job_list import job_story

    with told_plainly():
        story = job_story(Settings().database_url, str(job_id))
    if story is None:
        typer.echo(
            f"There is no job {job_id} in Postgres. `headrace proj status` tells whether rows are behind.", err=True
        )
        raise typer.Exit(1)
    if as_json:
        typer.echo(msgspec.json.encode(story).decode())
    else:
        Console().print(story_tree(story))


@app.command()
def retry(
    ids: _Ids = None,
    type_: _Type = None,
    workspace: _Workspace = None,
    lead: _Lead = None,
    state: _State = None,
    error: _Error = None,
    older_than: _Older = None,
    from_start: _FromStart = False,
    execute: _Execute = False,
    as_json: _Json = False,
) -> None:
    """Run jobs again, now: dead and cancelled ones, and those that wait for their next attempt."""
    wanted = _filter(ids, type_, workspace, lead, state, error, older_than)
    _act("retry", wanted, execute=execute, as_json=as_json, from_start=from_start)


@app.command()
def cancel(
    ids: _Ids = None,
    type_: _Type = None,
    workspace: _Workspace = None,
    lead: _Lead = None,
    state: _State = None,
    error: _Error = None,
    older_than: _Older = None,
    execute: _Execute = False,
    as_json: _Json = False,
) -> None:
    """End open jobs, running ones too."""
    wanted = _filter(ids, type_, workspace, lead, state, error, older_than)
    _act("cancel", wanted, execute=execute, as_json=as_json)


@app.command()
def pause(
    ids: _Ids = None,
    type_: _Type = None,
    workspace: _Workspace = None,
    lead: _Lead = None,
    state: _State = None,
    error: _Error = None,
    older_than: _Older = None,
    execute: _Execute = False,
    as_json: _Json = False,
) -> None:
    """Hold open jobs back. An attempt that runs may end; no other begins."""
    wanted = _filter(ids, type_, workspace, lead, state, error, older_than)
    _act("pause", wanted, execute=execute, as_json=as_json)


@app.command()
def resume(
    ids: _Ids = None,
    type_: _Type = None,
    workspace: _Workspace = None,
    lead: _Lead = None,
    state: _State = None,
    error: _Error = None,
    older_than: _Older = None,
    execute: _Execute = False,
    as_json: _Json = False,
) -> None:
    """Let paused jobs go on."""
    wanted = _filter(ids, type_, workspace, lead, state, error, older_than)
    _act("resume", wanted, execute=execute, as_json=as_json)


def _filter(
    ids: list[UUID] | None,
    type_: str | None,
    workspace: str | None,
    lead: UUID | None,
    state: list[str] | None,
    error: str | None,
    older_than: str | None,
) -> "JobFilter":
    from operations.jobs.job_list import JobFilter

    return JobFilter(
        job_ids=tuple(map(str, ids or ())),
        type=type_,
        workspace=workspace,
        lead_id=None if lead is None else str(lead),
        states=tuple(_state(name) for name in state or ()),
        error=error,
        older_than=None if older_than is None else _duration(older_than),
    )


def _state(name: str) -> "JobState":
    from operations.jobs.job_list import JobState

    if name not in get_args(JobState):
        raise typer.BadParameter(f"{name!r} is no state; use one of {', '.join(get_args(JobState))}")
    return name  # type: ignore[return-value]


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,9})([smhd])", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no duration; write 90s, 15m, 2h or 3d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _found(wanted: "JobFilter") -> "list[JobRow]":
    from headrace.settings import Settings
    from operations.jobs.job_list import find_jobs

    with told_plainly():
        return find_jobs(Settings().database_url, wanted, datetime.now(UTC))


def _act(verb: "Verb", wanted: "JobFilter", *, execute: bool, as_json: bool, from_start: bool = False) -> None:
    from operations.jobs.job_list import JobFilter
    from streams.jobs.commands import fits

    if wanted == JobFilter():
        raise typer.BadParameter(
            f"say which jobs to {verb}: give ids or a filter, such as --state waiting for all of them"
        )
    matching = _found(wanted)
    fitting = [job for job in matching if fits(verb, job, from_start=from_start)]
    if execute and fitting:
        _publish(verb, fitting, from_start=from_start)
    if as_json:
        outcome = {"verb": verb, "executed": execute, "matching": len(matching), "jobs": fitting}
        typer.echo(msgspec.json.encode(outcome).decode())
        return
    _print_jobs(fitting, f"to {verb}")
    if len(matching) > len(fitting):
        typer.echo(f"{len(matching) - len(fitting):,} more match, but there is nothing to {verb} in their state.")
    if not execute and fitting:
        typer.echo(f"Nothing was done. Add --execute to {verb} {len(fitting):,} job(s).")
    elif execute:
        typer.echo(f"Asked to {verb} {len(fitting):,} job(s). `headrace jobs list` shows what becomes of them.")


def _publish(verb: "Verb", fitting: "list[JobRow]", *, from_start: bool) -> None:
    import asyncio

    from headrace.kafka.clients import KafkaUnreachable
    from headrace.kafka.errors import KafkaError
    from headrace.settings import Settings
    from streams.jobs.commands import command, publish

    settings, by, now = Settings(), getpass.getuser(), datetime.now(UTC)
    events = [command(verb, job, by, now, from_start=from_start) for job in fitting]
    with told_plainly():
        try:
            asyncio.run(publish(settings, events))
        except (KafkaError, OSError) as error:
            raise KafkaUnreachable(settings, type(error).__name__) from error


def _print_jobs(found: "list[JobRow]", title: str) -> None:
    from operations.cli.job_tree import moment

    counts = Counter((job.workspace, job.type, job.state) for job in found)
    summary = Table("workspace", "type", "state", title=f"{len(found):,} {title}", title_justify="left")
    summary.add_column("jobs", justify="right")
    for (workspace, type_, state), count in sorted(counts.items()):
        summary.add_row(workspace, type_, state, f"{count:,}")
    Console().print(summary)
    if not found:
        return
    table = Table("job", "type", "state", "attempts", "asked for", "due", "failed at", "reason")
    for job in found[:_SHOWN]:
        due = moment(job.due_at)
        attempts = str(job.attempts)
        table.add_row(job.job_id, job.type, job.state, attempts, moment(job.requested_at), due, job.step, job.reason)
    Console().print(table)
    if len(found) > _SHOWN:
        typer.echo(f"… and {len(found) - _SHOWN:,} more: --json lists all.")
