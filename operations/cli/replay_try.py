"""`headrace replay try`, `tries`, `compare` and `drop`: another prompt or model, beside what is live."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import uuid4

import msgspec
import typer
from rich.table import Table

from headrace.events.providers import PROVIDERS
from operations.cli.acting import begin_run, print_json, say_count
from operations.cli.options import Json, takes_groups
from operations.cli.printing import console
from operations.cli.replay_options import Received, Text

if TYPE_CHECKING:
    import psycopg

    from headrace.settings import Settings
    from operations.replay.trying.shadow import About
    from operations.replay.trying.tried import TryReport
    from operations.replay.trying.trying import TryPlan, TryScope
    from operations.replay.webhooks.window import Window

app = typer.Typer(no_args_is_help=True, add_completion=False)

TriedStep = Literal["classify", "follow_up_timing", "booking_decision", "draft", "decide_reply", "score"]
AiProvider = Literal["local", "openai"]
_Show = Annotated[int, typer.Option("--show", min=0, max=1000, help="Changed decisions to name, the surest first.")]
_Name = Annotated[str, typer.Argument(help="The try's schema, such as try_1.")]


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Who is asked what, and for how much."""

    ai_provider: Annotated[AiProvider | None, typer.Option("--ai-provider", help="Who answers; as set up.")] = None
    model: Annotated[str | None, typer.Option("--model", help="The model to ask; as set up.")] = None
    prompt: Annotated[
        str | None, typer.Option("--prompt", help="A file with the prompt's text, or a known one such as classify@1.")
    ] = None
    allow_spend: Annotated[
        int | None, typer.Option("--allow-spend", min=0, metavar="MICRO_USD", help="Spend at most so much.")
    ] = None
    at_once: Annotated[int, typer.Option("--at-once", min=1, max=100, help="Questions under way at a time.")] = 8
    into: Annotated[str | None, typer.Option("--into", help="Go on with this try, under another budget.")] = None

    def scope(self, settings: "Settings", step: TriedStep, window: "Window") -> "TryScope":
        """All that the try is told. Raises TryRefused."""
        from operations.replay.trying.trying import TryScope, prompt_text

        return TryScope(
            step=step,
            provider=window.provider,
            start=window.start,
            end=window.end,
            workspace=window.workspace,
            ai_provider=self.ai_provider or settings.ai_provider,
            model=self.model or settings.ai_model,
            prompt=None if self.prompt is None else prompt_text(step, self.prompt),
            prompt_name=self.prompt,
            allow_spend=self.allow_spend,
            at_once=self.at_once,
            into=self.into,
        )


@app.command("try")
@takes_groups
def try_(  # noqa: PLR0913
    step: Annotated[TriedStep, typer.Option("--step", help="Whose decisions.")],
    provider: Annotated[str, typer.Option("--provider", help=f"Whose webhooks: one of {', '.join(PROVIDERS)}.")],
    received: Received,
    asking: Asking,
    *,
    show: _Show = 10,
    text: Text = False,
    execute: Annotated[bool, typer.Option("--execute", help="Ask.")] = False,
    as_json: Json = False,
) -> None:
    """Decide a window's messages by another prompt, provider or model, and compare with what was decided.

    Answers and decisions go into a schema of their own; nothing live is touched, and no topic is written. Without
    --execute nobody is asked. Exit 0: planned or done. Exit 2: it can't be done, or the budget is spent.
    """
    from headrace.settings import Settings
    from operations.replay.trying.trying import carry_out, plan

    window, settings, run_id = received.window(provider), Settings(), uuid4()
    scope = asking.scope(settings, step, window)
    if not execute:
        _print_plan(plan(settings, scope, say_count), scope, as_json=as_json)
        return
    subjects = [f"try:{asking.into or run_id}"]
    with begin_run(settings, "replay try", subjects, msgspec.to_builtins(scope), run_id) as run:
        name = carry_out(settings, run, scope)
    _compare(settings, name, show=show, text=text, as_json=as_json)


@app.command("tries")
def tries_(as_json: Json = False) -> None:
    """List the tries there are."""
    from headrace.settings import Settings
    from operations.replay.trying.shadow import connected, tries

    with connected(Settings().database_url) as connection:
        kept = tries(connection)
    if as_json:
        print_json(kept)
        return
    table = Table("try", "step", "of", "asked", "made", title="Tries", title_justify="left")
    table.add_column("decisions", justify="right")
    for about in kept:
        scope, made = about.scope, f"{about.made_at:%Y-%m-%d %H:%M:%S}"
        of = f"{scope['provider']}, {scope['start'][:16]} to {scope['end'][:16]}"
        table.add_row(about.name, scope["step"], of, _asked(about), made, f"{about.decisions:,}")
    console().print(table)


@app.command()
def compare(name: _Name, show: _Show = 10, text: Text = False, as_json: Json = False) -> None:
    """Show again how a try's decisions compare with the recorded ones."""
    from headrace.settings import Settings

    _compare(Settings(), name, show=show, text=text, as_json=as_json)


@app.command("drop")
def drop_(name: _Name, execute: Annotated[bool, typer.Option("--execute", help="Remove it.")] = False) -> None:
    """Remove a try's schema with all it holds."""
    from headrace.settings import Settings
    from operations.replay.trying.shadow import connected, drop, find_try

    with connected(Settings().database_url) as connection:
        about = find_try(connection, name)
        typer.echo(f"{name}: {about.decisions:,} decisions of the step {about.scope['step']}, {_asked(about)}.")
        if not execute:
            typer.echo("Nothing was removed: add --execute.")
            return
        drop(connection, name)
        typer.echo(f"Removed {name}.")


def _compare(settings: "Settings", name: str, *, show: int, text: bool, as_json: bool) -> None:
    from operations.replay.trying.shadow import Shadow, connected, find_try
    from operations.replay.trying.tried import report

    with connected(settings.database_url) as connection:
        about, shadow = find_try(connection, name), Shadow(connection, name)
        comparison = report(shadow.decided(), *shadow.spent(), show)
        texts = _texts(connection, [change.message_id for change in comparison.changes]) if text else {}
    if as_json:
        print_json({"try": about, "report": comparison, "texts": texts})
    else:
        _print_report(about, comparison, texts)


def _texts(connection: "psycopg.Connection[Any]", message_ids: list[str]) -> dict[str, str]:
    from projections.versions import bind, live_schemas

    statement = b"SELECT message_id::text, text FROM {proj}.messages WHERE message_id = ANY(%s::uuid[])"
    return dict(connection.execute(bind(statement, live_schemas(connection)), [message_ids]).fetchall())


def _print_plan(plan: "TryPlan", scope: "TryScope", *, as_json: bool) -> None:
    if as_json:
        print_json({"executed": False, "plan": plan})
        return
    most = "an unknown amount" if plan.most_micro_usd is None else f"at most {plan.most_micro_usd:,} micro-USD"
    typer.echo(f"{plan.jobs:,} jobs with the step {scope.step}; {plan.questions:,} of them ask a model: {most}.")
    for why, count in plan.undecided.items():
        typer.echo(f"{count:,} can't be decided: {why}.")
    allowed = "nothing" if scope.allow_spend is None else f"{scope.allow_spend:,} micro-USD"
    typer.echo(f"Allowed: {allowed}. No topic and no live row is written. Nobody was asked: add --execute.")


def _print_report(about: "About", report: "TryReport", texts: dict[str, str]) -> None:
    rate = "nothing to agree on" if report.agreement is None else f"{report.agreement:.1%} agree"
    typer.echo(
        f"{about.name}: {about.scope['step']} by {_asked(about)}. {report.compared:,} decisions, {report.asked:,} of a "
        f"model: {rate}, {report.asked - report.agreed:,} changed. {report.calls:,} calls, {report.cost_micro_usd:,} "
        "micro-USD."
    )
    table = Table("changed", title_justify="left")
    table.add_column("decisions", justify="right")
    for pair, count in (report.changed | {f"no answer, {why}": n for why, n in report.failures.items()}).items():
        table.add_row(pair, f"{count:,}")
    if table.row_count:
        console().print(table)
    for change in report.changes:
        sure = ", ".join(_sure(confidence) for confidence in (change.confidence_before, change.confidence_after))
        typer.echo(f"  {change.message_id}: {change.before} → {change.after} (sure: {sure})")
        if change.message_id in texts:
            typer.echo(f"    {texts[change.message_id]!r}")


def _sure(confidence: float | None) -> str:
    return "unknown" if confidence is None else f"{confidence:.2f}"


def _asked(about: "About") -> str:
    model = "the local provider" if about.scope["ai_provider"] == "local" else about.scope["model"]
    prompt = about.scope["prompt_name"]
    return f"{model} with {prompt}" if prompt else str(model)
