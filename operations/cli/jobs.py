"""`headrace jobs …`: see jobs, and act on all that match a filter. Plans by default; `--execute` acts."""

import getpass
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, get_args
from uuid import UUID

import msgspec
import typer
from rich.table import Table

from operations.cli.acting import Acting, print_json, say
from operations.cli.moments import duration
from operations.cli.options import Error, Json, Workspace, known_state, takes_groups
from operations.cli.printing import console, whole
from operations.cli.record_lines import moment_text
from operations.cli.refusals import writing_to_kafka

if TYPE_CHECKING:
    from operations.jobs.job_list import JobFilter, JobRow
    from operations.jobs.needs_person import WaitingReply
    from streams.jobs.commands import Verb

app = typer.Typer(no_args_is_help=True)

#: Jobs printed for people; JSON has them all, and a verb acts on all.
_SHOWN = 20
#: Printed behind what is open, and what died.
_DONE = ("succeeded", "cancelled")


@dataclass(frozen=True, kw_only=True)
class JobOptions:
    """Which jobs a verb is about: those that fit every option."""

    ids: Annotated[list[UUID] | None, typer.Argument(help="Only these jobs.", show_default=False)] = None
    type_: Annotated[
        str | None, typer.Option("--type", help="Only of this type, such as SMS_INBOUND_POST_PROCESS.")
    ] = None
    workspace: Workspace = None
    lead: Annotated[UUID | None, typer.Option("--lead", help="Only of this lead.")] = None
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Only in this state; may be given several times.")
    ] = None
    error: Error = None
    older_than: Annotated[
        str | None, typer.Option("--older-than", help="Only asked for so long ago: 90s, 15m, 2h, 3d.")
    ] = None

    def filter(self) -> "JobFilter":
        """The same as what the read model is asked for. Raises typer.BadParameter."""
        from operations.jobs.job_list import JobFilter, JobState

        return JobFilter(
            job_ids=tuple(map(str, self.ids or ())),
            type=self.type_,
            workspace=self.workspace,
            lead_id=None if self.lead is None else str(self.lead),
            states=tuple(known_state(name, get_args(JobState)) for name in self.state or ()),
            error=self.error,
            older_than=None if self.older_than is None else duration(self.older_than),
        )


@app.callback()
def jobs() -> None:
    """See jobs, and retry, cancel, pause or resume all that match."""


@app.command("list")
@takes_groups
def list_(options: JobOptions, as_json: Json = False) -> None:
    """List the jobs that match, oldest first."""
    matching = _matching(options.filter())
    if as_json:
        print_json(matching)
    else:
        _print_jobs(matching, "jobs")


@app.command()
def show(job_id: Annotated[UUID, typer.Argument(help="The job's id.")], as_json: Json = False) -> None:
    """Tell the whole story of a job: attempts, steps, what they concluded, calls to models, cost and webhook."""
    from headrace.settings import Settings
    from operations.cli.job_tree import story_tree
    from operations.jobs.job_list import job_story
    from operations.jobs.needs_person import waiting_replies

    url = Settings().database_url
    story = job_story(url, str(job_id))
    if story is None:
        say(f"There is no job {job_id} in Postgres. `headrace proj status` tells whether rows are behind.")
        raise typer.Exit(1)
    waiting = waiting_replies(url, job_id=str(job_id))
    if as_json:
        print_json(msgspec.structs.asdict(story) | {"needs_person": waiting[0] if waiting else None})
        return
    console().print(story_tree(story))
    for one in waiting:
        fields = f" ({', '.join(one.fields)})" if one.fields else ""
        say(f"Waits for a person since {moment_text(one.waiting_since_at)}: {one.reason}{fields}. {one.todo}")


@app.command("needs-person")
def needs_person(
    workspace: Workspace = None,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Only for this reason, such as other_language.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List replies that wait for a person and have no draft to look at, oldest first: why, and what to do."""
    from headrace.events.needs_person import TODO
    from headrace.settings import Settings
    from operations.jobs.needs_person import waiting_replies

    wanted = None if reason is None else known_state(reason, tuple(TODO))
    waiting = waiting_replies(Settings().database_url, workspace=workspace, reason=wanted)
    if as_json:
        print_json(waiting)
    else:
        _print_waiting(waiting)


@app.command()
@takes_groups
def retry(
    options: JobOptions,
    *,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Repeat finished steps, too; succeeded jobs as well.")
    ] = False,
    acting: Acting,
) -> None:
    """Run jobs again, now: dead and cancelled ones, and those that wait for their next attempt."""
    _act("retry", options, acting, from_start=from_start)


@app.command()
@takes_groups
def cancel(options: JobOptions, acting: Acting) -> None:
    """End open jobs, running ones too."""
    _act("cancel", options, acting)


@app.command()
@takes_groups
def pause(options: JobOptions, acting: Acting) -> None:
    """Hold open jobs back. An attempt that runs may end; no other begins."""
    _act("pause", options, acting)


@app.command()
@takes_groups
def resume(options: JobOptions, acting: Acting) -> None:
    """Let paused jobs go on."""
    _act("resume", options, acting)


def _matching(wanted: "JobFilter") -> "list[JobRow]":
    from headrace.settings import Settings
    from operations.jobs.job_list import find_jobs

    return find_jobs(Settings().database_url, wanted, datetime.now(UTC))


def _act(verb: "Verb", options: JobOptions, acting: Acting, *, from_start: bool = False) -> None:
    from operations.jobs.job_list import JobFilter
    from streams.jobs.commands import fits

    wanted = options.filter()
    if wanted == JobFilter():
        raise typer.BadParameter(
            f"say which jobs to {verb}: give ids or a filter, such as --state waiting for all of them"
        )
    matching = _matching(wanted)
    fitting = [job for job in matching if fits(verb, job, from_start=from_start)]
    if acting.execute and fitting:
        _publish(verb, fitting, from_start=from_start)
    if acting.as_json:
        print_json({"verb": verb, "executed": acting.execute, "matching": len(matching), "jobs": fitting})
        return
    _print_jobs(fitting, f"to {verb}")
    if len(matching) > len(fitting):
        typer.echo(f"{len(matching) - len(fitting):,} more match, but there is nothing to {verb} in their state.")
    if acting.execute:
        typer.echo(f"Asked to {verb} {len(fitting):,} job(s). `headrace jobs list` shows what becomes of them.")
    elif fitting:
        typer.echo(f"Nothing was done. Add --execute to {verb} {len(fitting):,} job(s).")


def _publish(verb: "Verb", fitting: "list[JobRow]", *, from_start: bool) -> None:
    import asyncio

    from headrace.settings import Settings
    from streams.jobs.commands import command, publish

    settings, by, now = Settings(), getpass.getuser(), datetime.now(UTC)
    events = [command(verb, job, by, now, from_start=from_start) for job in fitting]
    with writing_to_kafka(settings):
        asyncio.run(publish(settings, events))


def _print_waiting(waiting: "list[WaitingReply]") -> None:
    typer.echo(f"{len(waiting):,} replies wait for a person and have no draft")
    if not waiting:
        return
    table = Table("since", "workspace", "reason", "message", "job", "what to do")
    for one in waiting[:_SHOWN]:
        why = " ".join((one.reason, *one.fields))
        table.add_row(moment_text(one.waiting_since_at), one.workspace, why, one.message_id, one.job_id, one.todo)
    console().print(table)
    if len(waiting) > _SHOWN:
        typer.echo(f"… and {len(waiting) - _SHOWN:,} more: --json lists all.")


def _print_jobs(jobs: "list[JobRow]", title: str) -> None:
    counts = Counter((job.workspace, job.type, job.state) for job in jobs)
    summary = Table("workspace", "type", "state", title=f"{len(jobs):,} {title}", title_justify="left")
    summary.add_column("jobs", justify="right")
    for (workspace, type_, state), count in sorted(counts.items()):
        summary.add_row(workspace, type_, state, f"{count:,}")
    console().print(summary)
    if not jobs:
        return
    table = Table(whole("job"), "type", "state", "attempts", "asked for", "due", "failed at", "reason")
    # What is open first: that is what somebody looks for among thousands.
    for job in sorted(jobs, key=lambda job: (job.state in _DONE, job.state == "died"))[:_SHOWN]:
        asked, due = moment_text(job.requested_at), moment_text(job.due_at)
        table.add_row(job.job_id, job.type, job.state, str(job.attempts), asked, due, job.step, job.reason)
    console().print(table)
    if len(jobs) > _SHOWN:
        typer.echo(f"… and {len(jobs) - _SHOWN:,} more: --json lists all.")
