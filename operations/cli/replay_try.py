"""`headrace replay try`, `tries`, `compare` and `drop`: another prompt or model, beside what is live."""

import getpass
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import uuid4

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from headrace.providers.names import PROVIDERS
from operations.cli.moments import window as moments
from operations.cli.refusals import told_plainly
from operations.replay.trying.tried import TryReport, report

if TYPE_CHECKING:
    import psycopg

    from headrace.settings import Settings
    from operations.replay.trying.shadow import About

# Each verb imports what it works with: help, and the other verbs, should not wait for it.
# Options are a command's arguments.
# ruff: noqa: PLC0415, PLR0913, PLR0917

app = typer.Typer(no_args_is_help=True, add_completion=False)

TriedStep = Literal["classify", "follow_up_timing", "booking_decision", "draft", "decide_reply", "score"]
AiProvider = Literal["local", "openai"]
_Show = Annotated[int, typer.Option("--show", min=0, max=1000, help="Changed decisions to name, the surest first.")]
_Text = Annotated[bool, typer.Option("--text", help="Print what people wrote, too.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Name = Annotated[str, typer.Argument(help="The try's schema, such as try_1.")]


@app.command("try")
def try_(
    step: Annotated[TriedStep, typer.Option("--step", help="Whose decisions.")],
    provider: Annotated[str, typer.Option("--provider", help=f"Whose webhooks: one of {', '.join(PROVIDERS)}.")],
    from_: Annotated[str, typer.Option("--from", help="Received from then on: 2026-03-02, 2026-03-02T09:30, 3d ago.")],
    to: Annotated[str, typer.Option("--to", help="Received before; written like --from.")],
    workspace: Annotated[str | None, typer.Option("--workspace", help="Only of this workspace.")] = None,
    ai_provider: Annotated[AiProvider | None, typer.Option("--ai-provider", help="Who answers; as set up.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="The model to ask; as set up.")] = None,
    prompt: Annotated[
        str | None, typer.Option("--prompt", help="A file with the prompt's text, or a known one such as classify@1.")
    ] = None,
    allow_spend: Annotated[
        int | None, typer.Option("--allow-spend", min=0, metavar="MICRO_USD", help="Spend at most so much.")
    ] = None,
    at_once: Annotated[int, typer.Option("--at-once", min=1, max=100, help="Questions under way at a time.")] = 8,
    into: Annotated[str | None, typer.Option("--into", help="Go on with this try, under another budget.")] = None,
    show: _Show = 10,
    text: _Text = False,
    execute: Annotated[bool, typer.Option("--execute", help="Ask.")] = False,
    as_json: _Json = False,
) -> None:
    """Decide a window's messages by another prompt, provider or model, and compare with what was decided.

    Answers and decisions go into a schema of their own; nothing live is touched, and no topic is written. Without
    --execute nobody is asked. Exit 0: planned or done. Exit 2: it can't be done, or the budget is spent.
    """
    from headrace.settings import Settings
    from operations.runs.runs import begin

    if provider not in PROVIDERS:
        raise typer.BadParameter(f"{provider!r} is no provider; use one of {', '.join(PROVIDERS)}")
    start, end = moments(from_, to, datetime.now(UTC))
    settings = Settings()
    # What asks models is loaded only here.
    trying = import_module("operations.replay.trying.trying")
    with told_plainly():
        scope = trying.TryScope(
            step=step,
            provider=provider,
            start=start,
            end=end,
            workspace=workspace,
            ai_provider=ai_provider or settings.ai_provider,
            model=model or settings.ai_model,
            prompt=None if prompt is None else trying.prompt_text(step, prompt),
            prompt_name=prompt,
            allow_spend=allow_spend,
            at_once=at_once,
            into=into,
        )
        if not execute:
            _print_plan(trying.plan(settings, scope, _say), scope, as_json=as_json)
            return
        run_id = uuid4()
        with begin(
            settings.database_url,
            verb="replay try",
            subjects=[f"try:{into or run_id}"],
            scope=msgspec.to_builtins(scope),
            started_by=getpass.getuser(),
            run_id=run_id,
        ) as run:
            name = trying.carry_out(settings, run, scope)
    _compare(settings, name, show=show, text=text, as_json=as_json)


@app.command("tries")
def tries_(as_json: _Json = False) -> None:
    """List the tries there are."""
    from headrace.settings import Settings
    from operations.replay.trying.shadow import connected, tries

    with told_plainly(), connected(Settings().database_url) as connection:
        found = tries(connection)
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    table = Table("try", "step", "of", "asked", "made", title="Tries", title_justify="left")
    table.add_column("decisions", justify="right")
    for one in found:
        asked = _asked(one)
        of = f"{one.scope['provider']}, {one.scope['start'][:16]} to {one.scope['end'][:16]}"
        table.add_row(one.name, one.scope["step"], of, asked, f"{one.made_at:%Y-%m-%d %H:%M:%S}", f"{one.decisions:,}")
    Console().print(table)


@app.command()
def compare(name: _Name, show: _Show = 10, text: _Text = False, as_json: _Json = False) -> None:
    """Show again how a try's decisions compare with the recorded ones."""
    from headrace.settings import Settings

    with told_plainly():
        _compare(Settings(), name, show=show, text=text, as_json=as_json)


@app.command("drop")
def drop_(name: _Name, execute: Annotated[bool, typer.Option("--execute", help="Remove it.")] = False) -> None:
    """Remove a try's schema with all it holds."""
    from headrace.settings import Settings
    from operations.replay.trying.shadow import connected, drop, find_try

    with told_plainly(), connected(Settings().database_url) as connection:
        about = find_try(connection, name)
        typer.echo(f"{name}: {about.decisions:,} decisions of the step {about.scope['step']}, {_asked(about)}.")
        if not execute:
            typer.echo("Nothing was removed: add --execute.")
            return
        drop(connection, name)
        typer.echo(f"Removed {name}.")


def _compare(settings: "Settings", name: str, *, show: int, text: bool, as_json: bool) -> None:
    from operations.replay.trying.shadow import Shadow, connected, find_try

    with connected(settings.database_url) as connection:
        about = find_try(connection, name)
        shadow = Shadow(connection, name)
        found = report(shadow.decided(), *shadow.spent(), show)
        texts = _texts(connection, [change.message_id for change in found.changes]) if text else {}
    if as_json:
        typer.echo(msgspec.json.encode({"try": about, "report": found, "texts": texts}).decode())
    else:
        _print_report(about, found, texts)


def _texts(connection: "psycopg.Connection[Any]", message_ids: list[str]) -> dict[str, str]:
    from projections.versions import bind, live_schemas

    statement = b"SELECT message_id::text, text FROM {proj}.messages WHERE message_id = ANY(%s::uuid[])"
    found = connection.execute(bind(statement, live_schemas(connection)), [message_ids])
    return {row[0]: row[1] for row in found}


def _say(phase: str, count: int) -> None:
    typer.echo(f"{phase}: {count:,}", err=True)


def _print_plan(plan: Any, scope: Any, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode({"executed": False, "plan": plan}).decode())
        return
    most = "an unknown amount" if plan.most_micro_usd is None else f"at most {plan.most_micro_usd:,} micro-USD"
    typer.echo(f"{plan.jobs:,} jobs with the step {scope.step}; {plan.questions:,} of them ask a model: {most}.")
    for why, count in plan.undecided.items():
        typer.echo(f"{count:,} can't be decided: {why}.")
    allowed = "nothing" if scope.allow_spend is None else f"{scope.allow_spend:,} micro-USD"
    typer.echo(f"Allowed: {allowed}. No topic and no live row is written. Nobody was asked: add --execute.")


def _print_report(about: "About", found: TryReport, texts: dict[str, str]) -> None:
    rate = "nothing to agree on" if found.agreement is None else f"{found.agreement:.1%} agree"
    typer.echo(
        f"{about.name}: {about.scope['step']} by {_asked(about)}. {found.compared:,} decisions, {found.asked:,} of a "
        f"model: {rate}, {found.asked - found.agreed:,} changed. {found.calls:,} calls, {found.cost_micro_usd:,} "
        "micro-USD."
    )
    table = Table("changed", title_justify="left")
    table.add_column("decisions", justify="right")
    for pair, count in (found.changed | {f"no answer, {why}": n for why, n in found.failures.items()}).items():
        table.add_row(pair, f"{count:,}")
    if table.row_count:
        Console().print(table)
    for change in found.changes:
        sure = ", ".join(_sure(one) for one in (change.confidence_before, change.confidence_after))
        typer.echo(f"  {change.message_id}: {change.before} → {change.after} (sure: {sure})")
        if change.message_id in texts:
            typer.echo(f"    {texts[change.message_id]!r}")


def _sure(confidence: float | None) -> str:
    return "unknown" if confidence is None else f"{confidence:.2f}"


def _asked(about: "About") -> str:
    model = "the local provider" if about.scope["ai_provider"] == "local" else about.scope["model"]
    prompt = about.scope["prompt_name"]
    return f"{model} with {prompt}" if prompt else str(model)
