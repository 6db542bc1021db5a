"""`headrace replay webhooks --depth decide`: what its options mean, and what it prints."""

import getpass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from operations.cli.refusals import told_plainly
from operations.replay.decide.settings_of import SettingsOf

if TYPE_CHECKING:
    from headrace.settings import Settings
    from operations.replay.decide.plan import DecidePlan, DecideWork
    from operations.replay.webhooks.window import Window
    from operations.runs.runs import ActiveRun

# Each verb imports what it works with: help, and the other verbs, should not wait for it.
# ruff: noqa: PLC0415

AllowSpend = Annotated[
    int | None,
    typer.Option(
        "--allow-spend",
        min=0,
        metavar="MICRO_USD",
        help="decide: ask models what nobody answered then, for at most so many millionths of a dollar.",
    ),
]
SettingsOption = Annotated[
    SettingsOf, typer.Option("--settings", help="decide: the workspace's settings as of then, or of now.")
]
LeaveOut = Annotated[
    bool, typer.Option("--leave-out", help="decide: leave messages alone for which something is missing.")
]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the depth was told beside the window."""

    allow_spend: int | None = None
    settings: SettingsOf = "then"
    leave_out: bool = False


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """How to print it."""

    #: Examples.
    show: int
    #: With what people wrote.
    text: bool
    as_json: bool


def decide(
    settings: "Settings", window: "Window", options: Options, shown: Shown, run_id: UUID, *, execute: bool
) -> None:
    """Plan, or carry out. Exit 0: planned or done. Exit 1: done, but a model gave no answer. Exit 2: refused."""
    from operations.replay.decide.plan import look
    from operations.replay.webhooks.resuming import VERB, scope_of
    from operations.runs.runs import begin

    with told_plainly():
        if not execute:
            work = look(settings, window, options.settings, shown.show, _say)
            _print(work.plan, _price(settings, work, options), shown, run=None)
            return
        with begin(
            settings.database_url,
            verb=VERB,
            subjects=[f"webhooks:{window.provider}"],
            scope=scope_of(window, "decide", **msgspec.to_builtins(options)),
            started_by=getpass.getuser(),
            run_id=run_id,
        ) as run:
            work = _carried_out(settings, run, window, shown.show)
    _print(work.plan, None, shown, run=run)
    if run.result["undecided"]:
        raise typer.Exit(1)


def _carried_out(settings: "Settings", run: "ActiveRun", window: "Window", show: int) -> "DecideWork":
    from aiokafka.errors import KafkaError

    from headrace.kafka.clients import KafkaUnreachable
    from operations.replay.decide.resuming import carry_out

    try:
        return carry_out(settings, run, window, show)
    except (KafkaError, OSError) as error:
        raise KafkaUnreachable(settings, type(error).__name__) from error


def _price(settings: "Settings", work: "DecideWork", options: Options) -> Any:
    """What the missing answers may cost, for those who allow it."""
    import asyncio

    if options.allow_spend is None or not work.plan.missing_answers:
        return None
    return asyncio.run(import_module("operations.replay.decide.buying").priced(settings, work))


def _say(phase: str, count: int) -> None:
    typer.echo(f"{phase}: {count:,}", err=True)


def _print(plan: "DecidePlan", price: Any, shown: Shown, *, run: "ActiveRun | None") -> None:
    from operations.records.shown_changes import shown_example

    plan.conclusions.examples = [shown_example(one, text=shown.text) for one in plan.conclusions.examples]
    if shown.as_json:
        outcome = {
            "depth": "decide",
            "executed": run is not None,
            "run_id": None if run is None else str(run.run.run_id),
            "plan": plan,
            "result": None if run is None else run.result,
            "questions": None if price is None else price.questions,
            "most_micro_usd": None if price is None else price.most_micro_usd,
        }
        typer.echo(msgspec.json.encode(outcome).decode())
        return
    typer.echo(
        f"{plan.messages:,} messages of {plan.leads:,} leads, {plan.jobs:,} finished jobs decided again: {plan.same:,} "
        f"the same, {plan.would_change:,} would change."
    )
    _print_changes(plan)
    _print_remarks(plan)
    if run is not None:
        typer.echo(
            f"Decided {run.result['jobs']:,} jobs again, {run.result['events']:,} events in run {run.run.run_id}."
        )
    else:
        _print_next_step(plan, price)


def _print_changes(plan: "DecidePlan") -> None:
    table = Table("step and field", title=f"{plan.conclusions.things:,} conclusions would change", title_justify="left")
    table.add_column("conclusions", justify="right")
    for field, count in sorted(plan.conclusions.fields.items()):
        table.add_row(field, f"{count:,}")
    if plan.conclusions.things:
        Console().print(table)
    for example in plan.conclusions.examples:
        typer.echo(f"  {example.id}")
        for change in example.changes:
            typer.echo(f"    {change.field}: {change.before!r} → {change.after!r}")


def _print_remarks(plan: "DecidePlan") -> None:
    from operations.replay.decide.resuming import told_lacking

    remarks = {
        "jobs are left alone, for they are {}": plan.left_alone,
        "replies or bookings would be released now; a person decides instead": plan.held,
        "replies were released before: nothing takes them back": plan.released,
        "leads would be suppressed": plan.new_suppressions,
        "suppressions would not be heard now; they stay": plan.kept_suppressions,
    }
    for remark, found in remarks.items():
        counts = found if isinstance(found, dict) else {"": found}
        for name, count in counts.items():
            if count:
                typer.echo(f"{count:,} {remark.format(name)}.")
    if plan.lacking:
        typer.echo(told_lacking(plan))


def _print_next_step(plan: "DecidePlan", price: Any) -> None:
    cost = "Expected AI cost: 0."
    if price is not None:
        most = "an unknown amount" if price.most_micro_usd is None else f"at most {price.most_micro_usd:,} micro-USD"
        cost = f"To ask: {price.questions:,} questions, {most}, and what follows from the answers."
    typer.echo(f"To write: {plan.events:,} events, {plan.bytes:,} bytes. {cost} Nothing was written: add --execute.")
