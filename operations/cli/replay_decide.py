"""`headrace replay webhooks --depth decide`: what its options mean, and what it prints."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from operations.cli.acting import Acting, executed, print_json, say_count
from operations.cli.refusals import writing_to_kafka
from operations.cli.replay_options import print_changes, veil_examples
from operations.replay.decide.settings_of import SettingsOf

if TYPE_CHECKING:
    from headrace.settings import Settings
    from operations.replay.decide.buying import Pricing
    from operations.replay.decide.plan import DecidePlan, DecideWork
    from operations.replay.webhooks.window import Window
    from operations.runs.runs import ActiveRun


@dataclass(frozen=True, kw_only=True)
class DecideOptions:
    """What the depth is told beside the window."""

    allow_spend: Annotated[
        int | None,
        typer.Option(
            "--allow-spend",
            min=0,
            metavar="MICRO_USD",
            help="decide: ask models what nobody answered then, for at most so many millionths of a dollar.",
        ),
    ] = None
    settings: Annotated[
        SettingsOf, typer.Option("--settings", help="decide: the workspace's settings as of then, or of now.")
    ] = "then"
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="decide: leave messages alone for which something is missing.")
    ] = False


def decide(
    settings: "Settings", window: "Window", options: DecideOptions, acting: Acting, show: int, *, text: bool
) -> None:
    """Plan, or carry out. `show` is how many examples are printed, `text` whether with people's words.

    Exit 0: planned or done. Exit 1: done, but a model gave no answer. Exit 2: refused.
    """
    from operations.replay.decide.plan import look
    from operations.replay.decide.resuming import carry_out
    from operations.replay.webhooks.resuming import VERB, scope_of

    pricing, scope = None, scope_of(window, "decide", **asdict(options))
    with acting.run(settings, VERB, [f"webhooks:{window.provider}"], scope) as run:
        if run is None:
            work = look(settings, window, options.settings, show, say_count)
            pricing = _pricing(settings, work, options)
        else:
            with writing_to_kafka(settings):
                work = carry_out(settings, run, window, show)
    veil_examples(work.plan.conclusions, text=text)
    if acting.as_json:
        print_json(_outcome(work.plan, pricing, run))
    else:
        _print(work.plan, pricing, run)
    if run is not None and run.result["undecided"]:
        raise typer.Exit(1)


def _pricing(settings: "Settings", work: "DecideWork", options: DecideOptions) -> "Pricing | None":
    """What the missing answers may cost, for those who allow it."""
    if options.allow_spend is None or not work.plan.missing_answers:
        return None
    import asyncio

    from operations.replay.decide.buying import priced

    return asyncio.run(priced(settings, work))


def _outcome(plan: "DecidePlan", pricing: "Pricing | None", run: "ActiveRun | None") -> dict[str, object]:
    return {
        "depth": "decide",
        **executed(run),
        "plan": plan,
        "result": None if run is None else run.result,
        "questions": None if pricing is None else pricing.questions,
        "most_micro_usd": None if pricing is None else pricing.most_micro_usd,
    }


def _print(plan: "DecidePlan", pricing: "Pricing | None", run: "ActiveRun | None") -> None:
    typer.echo(
        f"{plan.messages:,} messages of {plan.leads:,} leads, {plan.jobs:,} finished jobs decided again: {plan.same:,} "
        f"the same, {plan.would_change:,} would change."
    )
    print_changes(plan.conclusions, "conclusions", "step and field")
    for remark in _remarks(plan):
        typer.echo(remark)
    if run is None:
        typer.echo(_next_step(plan, pricing))
    else:
        done = run.result
        typer.echo(f"Decided {done['jobs']:,} jobs again, {done['events']:,} events in run {run.run.run_id}.")


def _remarks(plan: "DecidePlan") -> Iterator[str]:
    from operations.replay.decide.resuming import told_lacking

    for reason, count in plan.left_alone.items():
        yield f"{count:,} jobs are left alone, for they are {reason}."
    for count, remark in (
        (plan.guessed, "of them rest on a guess: the log doesn't tell any more what a step of theirs saw then"),
        (plan.held, "replies or bookings would be released now; a person decides instead"),
        (plan.released, "replies were released before: nothing takes them back"),
        (plan.new_suppressions, "leads would be suppressed"),
        (plan.kept_suppressions, "suppressions would not be heard now; they stay"),
    ):
        if count:
            yield f"{count:,} {remark}."
    if plan.lacking:
        yield told_lacking(plan)


def _next_step(plan: "DecidePlan", pricing: "Pricing | None") -> str:
    cost = "Expected AI cost: 0."
    if pricing is not None:
        most = (
            "an unknown amount" if pricing.most_micro_usd is None else f"at most {pricing.most_micro_usd:,} micro-USD"
        )
        cost = f"To ask: {pricing.questions:,} questions, {most}, and what follows from the answers."
    return f"To write: {plan.events:,} events, {plan.bytes:,} bytes. {cost} Nothing was written: add --execute."
