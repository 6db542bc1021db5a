"""`headrace dev demo`: shows what Headrace does with the sample webhooks, and whether it is right."""

import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from operations.cli.acting import print_json, say

if TYPE_CHECKING:
    from operations.dev.demo import DemoResult, ProviderCount

_ARROWS = {"inbound": "→", "outbound": "←"}
#: Columns of text in the narrowest terminal, and what the others want beside it.
_LEAST_TEXT = 20
_BESIDE_TEXT = 80
_PHASES = {
    "preparing": "starting Kafka and Postgres (the first time, Kafka is downloaded)",
    "migrating": "migrating the database, creating topics",
    "starting": "starting the processes",
    "up": "everything is up",
}


def demo(as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False) -> None:
    """Start a whole installation, post sample webhooks of all providers twice, show the rows, stop everything.

    The exit code is 0 only if every count is right.
    """
    # As in `operations.cli.dev`: a production image has none of what the stack needs.
    from operations.dev.demo import Demo

    began = time.monotonic()
    running = Demo()
    for step in running.steps():
        say(f"{time.monotonic() - began:5.1f} s  {_PHASES.get(step, step)}")
    result = running.result
    if as_json:
        print_json(result)
    else:
        _print(result)
    if not result.is_right:
        raise typer.Exit(1)


def _print(result: "DemoResult") -> None:
    console = Console()
    console.print(_summary(result.providers))
    console.print(_messages(result, console.width))
    console.print(_drafts(result))
    console.print(_jobs(result), highlight=False)
    for count in result.providers:
        for what in count.wrong:
            console.print(f"[bold red]wrong[/]  {count.provider}: {what}", highlight=False)
    if result.is_right:
        console.print(
            "Every count is right: each webhook has one verdict, each message one row, each reply its jobs.",
            style="green",
        )


def _summary(providers: "tuple[ProviderCount, ...]") -> Table:
    table = _table("What became of the webhooks")
    table.add_column("provider", no_wrap=True)
    for name in ("sent", "fresh", "ignored", "duplicate", "messages", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(name, justify="right")
    for count in providers:
        verdicts = [str(count.verdicts.get(name, 0)) for name in ("fresh", "ignored", "duplicate")]
        times = [f"{value:.1f}" for value in (count.p50_ms, count.p95_ms, count.p99_ms)]
        table.add_row(count.provider, str(count.sent), *verdicts, str(count.messages), *times)
    return table


def _messages(result: "DemoResult", width: int) -> Table:
    """In a narrow terminal the words around the text take two lines, and the text stays."""
    table = _table("The messages")
    for name in ("provider", ""):
        table.add_column(name, no_wrap=True)
    table.add_column("lead", overflow="fold")
    table.add_column("text", no_wrap=True, overflow="ellipsis", width=max(_LEAST_TEXT, width - _BESIDE_TEXT))
    table.add_column("label", min_width=len("Information"))
    table.add_column("answer")
    table.add_column("score", no_wrap=True, justify="right")
    for row in result.messages:
        score = "" if row.score is None else str(row.score)
        arrow = _ARROWS[row.direction]
        answer = (row.decision or "").replace("_", " ")
        table.add_row(row.provider, arrow, row.lead, row.text, row.label or "", answer, score)
    return table


def _drafts(result: "DemoResult") -> Table:
    table = _table("The drafts")
    table.add_column("to", overflow="fold")
    table.add_column("draft")
    for row in result.messages:
        if row.draft is not None:
            table.add_row(row.lead, row.draft)
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))


def _jobs(result: "DemoResult") -> str:
    jobs = result.jobs
    states = ", ".join(f"{count} {state}" for state, count in sorted(jobs.states.items())) or "none"
    cost = "unknown" if jobs.cost_micro_usd is None else f"{jobs.cost_micro_usd / 1_000_000:.4f} USD"
    wrong = "" if jobs.is_right else f" [bold red]wrong[/]: {jobs.expected} should have succeeded"
    return f"Jobs: {states}; at most {jobs.most_attempts} attempts. AI calls: {jobs.ai_calls}, cost {cost}.{wrong}"
