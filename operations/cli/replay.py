"""`headrace replay …`: webhooks read again through today's code. Plans by default; `--execute` writes."""

import getpass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from headrace.providers.names import PROVIDERS
from operations.cli import replay_decide, replay_try
from operations.cli.moments import window as moments
from operations.cli.refusals import told_plainly

if TYPE_CHECKING:
    from headrace.settings import Settings
    from operations.replay.webhooks.normalise import NormalisePlan, NormaliseWork

# Each verb imports what it works with: help, and the other verbs, should not wait for it.
# Options are a command's arguments.
# ruff: noqa: PLC0415, PLR0913, PLR0917

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.add_typer(replay_try.app)


class Depth(StrEnum):
    """How far back a replay begins."""

    PROJECT = "project"
    NORMALISE = "normalise"
    DECIDE = "decide"


_HELD_BACK = {
    "vanished": "a message would vanish: what was answered can't be taken back",
    "renamed": "a message would get another id, and so be answered a second time",
}


@app.callback()
def replay() -> None:
    """Process what was received again, by today's code. Nothing is sent, and no model is asked unless you allow it."""


@app.command()
def webhooks(
    provider: Annotated[str, typer.Option("--provider", help=f"One of {', '.join(PROVIDERS)}.")],
    from_: Annotated[str, typer.Option("--from", help="Received from then on: 2026-03-02, 2026-03-02T09:30, 3d ago.")],
    to: Annotated[str, typer.Option("--to", help="Received before; written like --from.")],
    workspace: Annotated[str | None, typer.Option("--workspace", help="Only of this workspace.")] = None,
    depth: Annotated[
        Depth,
        typer.Option(
            "--depth",
            help="project: rows again from the log as it is. normalise: raw bodies through today's adapters. decide: "
            "jobs again, from recorded answers.",
        ),
    ] = Depth.NORMALISE,
    show: Annotated[int, typer.Option("--show", min=0, max=1000, help="Examples to print.")] = 5,
    text: Annotated[bool, typer.Option("--text", help="Print what people wrote, too.")] = False,
    execute: Annotated[bool, typer.Option("--execute", help="Write the corrections.")] = False,
    allow_spend: replay_decide.AllowSpend = None,
    settings_of: replay_decide.SettingsOption = "then",
    leave_out: replay_decide.LeaveOut = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Process what was received in a window again by today's code, and show what would change and how.

    With --execute the corrected events are written: rows and conversations follow, nothing is sent, and no worker does
    a job again. Doing it twice changes nothing the second time. Exit 0: planned or done. Exit 2: it can't be done.
    """
    from headrace.providers.registry import ADAPTERS
    from headrace.settings import Settings
    from operations.cli import replay_project
    from operations.replay.webhooks.normalise import look
    from operations.replay.webhooks.resuming import VERB, scope_of
    from operations.replay.webhooks.window import Window
    from operations.runs.runs import begin

    if provider not in PROVIDERS:
        raise typer.BadParameter(f"{provider!r} is no provider; use one of {', '.join(PROVIDERS)}")
    start, end = moments(from_, to, datetime.now(UTC))
    if start is None or end is None:
        raise typer.BadParameter("--from and --to are both needed")
    options = replay_decide.Options(allow_spend=allow_spend, settings=settings_of, leave_out=leave_out)
    if depth is not Depth.DECIDE and options != replay_decide.Options():
        raise typer.BadParameter("--allow-spend, --settings and --leave-out belong to --depth decide")
    window = Window(provider=provider, start=start, end=end, workspace=workspace)
    settings, run_id = Settings(), uuid4()
    if depth is Depth.PROJECT:
        replay_project.project(settings, window, execute=execute, as_json=as_json)
        return
    if depth is Depth.DECIDE:
        shown = replay_decide.Shown(show=show, text=text, as_json=as_json)
        replay_decide.decide(settings, window, options, shown, run_id, execute=execute)
        return
    with told_plainly():
        if not execute:
            work = look(settings, window, ADAPTERS[provider], show, _say)
            _print(work.plan, depth, text=text, as_json=as_json, run_id=None)
            return
        with begin(
            settings.database_url,
            verb=VERB,
            subjects=[f"webhooks:{provider}"],
            scope=scope_of(window),
            started_by=getpass.getuser(),
            run_id=run_id,
        ) as run:
            # Looked at under the lock: nobody else corrects the same webhooks meanwhile.
            work = look(settings, window, ADAPTERS[provider], show, lambda phase, n: run.progress(phase, records=n))
            run.finish(**_write(settings, work, str(run_id), run.progress))
    _print(work.plan, depth, text=text, as_json=as_json, run_id=str(run_id))


def _write(settings: "Settings", work: "NormaliseWork", run_id: str, progress: object) -> dict[str, int]:
    from aiokafka.errors import KafkaError

    from headrace.kafka.clients import KafkaUnreachable
    from operations.replay.webhooks.normalise import write

    try:
        return write(settings, work, run_id, progress)  # type: ignore[arg-type]
    except (KafkaError, OSError) as error:
        raise KafkaUnreachable(settings, type(error).__name__) from error


def _say(phase: str, records: int) -> None:
    typer.echo(f"{phase}: {records:,} records read", err=True)


def _print(plan: "NormalisePlan", depth: Depth, *, text: bool, as_json: bool, run_id: str | None) -> None:
    from operations.records.shown_changes import shown_example

    plan.messages.examples = [shown_example(one, text=text) for one in plan.messages.examples]
    if as_json:
        outcome = {"depth": depth.value, "executed": run_id is not None, "run_id": run_id, "plan": plan}
        typer.echo(msgspec.json.encode(outcome).decode())
        return
    typer.echo(
        f"{plan.webhooks:,} webhooks read again: {plan.same:,} the same, {plan.would_change:,} would change, "
        f"{plan.duplicates:,} duplicates, {plan.unsettled:,} not settled yet, {plan.superseded:,} superseded by later "
        "ones."
    )
    _print_changes(plan)
    for reason, count in plan.held_back.items():
        typer.echo(f"Held back, {count:,} webhooks: {_HELD_BACK[reason]}.")
    for id_ in plan.vanished:
        typer.echo(f"  {id_} is not read any more")
    if plan.vanished_evidence:
        typer.echo(f"{plan.vanished_evidence:,} suppressions or signals are not read any more; they stay.")
    if plan.about_lead:
        typer.echo(f"{plan.about_lead:,} messages describe their lead otherwise; a message never changes its lead.")
    if run_id is not None:
        typer.echo(f"Wrote {plan.events:,} events in run {run_id}. No job is done again.")
    elif plan.events:
        typer.echo(
            f"To write: {plan.events:,} events, {plan.bytes:,} bytes. Expected AI cost of the corrections: 0; the "
            f"{plan.new_messages:,} new messages get their first jobs. Nothing was written: add --execute."
        )


def _print_changes(plan: "NormalisePlan") -> None:
    table = Table("field", title=f"{plan.messages.things:,} messages would change", title_justify="left")
    table.add_column("messages", justify="right")
    for field, count in sorted(plan.messages.fields.items()):
        table.add_row(field, f"{count:,}")
    if plan.messages.things:
        Console().print(table)
    for example in plan.messages.examples:
        typer.echo(f"  {example.id}")
        for change in example.changes:
            typer.echo(f"    {change.field}: {change.before!r} → {change.after!r}")
    if plan.new_messages or plan.new_evidence:
        typer.echo(f"New: {plan.new_messages:,} messages, {plan.new_evidence:,} suppressions or signals.")
    for change_, count in sorted(plan.verdicts.items()):
        typer.echo(f"Verdict {change_}: {count:,}")
