"""`headrace dev …`: the local stack."""

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from headrace.stages import StageAge, late
from operations.cli.acting import print_json
from operations.cli.demo import demo
from operations.cli.exit_status import refuse
from operations.cli.options import JsonTable
from operations.cli.printing import console
from operations.cli.stage_lines import stage_lines

if TYPE_CHECKING:
    from operations.dev.settings import DevSettings
    from operations.dev.state import ChildState, StackState

# A production image has none of the packages that run the stack: each verb imports its own.
app = typer.Typer(no_args_is_help=True, add_completion=False)
app.command()(demo)

_PHASES = {
    "preparing": "getting Kafka and Postgres ready (the first time, Kafka is downloaded)",
    "migrating": "migrating the database and creating topics",
    "starting": "starting the processes",
    "up": "everything is up",
    "stopping": "stopping",
}


@app.callback()
def dev() -> None:
    """The local stack: Kafka, Postgres and every process, for trying things out and for tests."""
    # Early, where only the production packages are: neither the stack itself nor what it needs.
    if find_spec("operations.dev") is None or find_spec("honcho") is None:
        refuse("The local stack needs the development packages: run `make setup` in a checkout.")


@app.command()
def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Run in the background; return when healthy.")] = False,
) -> None:
    """Start Kafka, Postgres and every process, and keep them running. Ctrl-C stops all; a second one by force."""
    from operations.dev import stack
    from operations.dev.settings import DevSettings
    from operations.dev.supervisor import Supervisor

    settings = DevSettings()
    if not detach:
        Supervisor(settings, os.environ).run()
        return
    for phase in stack.start_in_background(settings, os.environ):
        typer.echo(_PHASES[phase])
    typer.echo(f"webhooks go to {settings.ingest_url}/webhooks/…; `. {settings.files.environment}` points others at it")


@app.command()
def down() -> None:
    """Stop the stack. Its data stays."""
    from operations.dev import stack
    from operations.dev.settings import DevSettings

    typer.echo("stopped; the data is kept" if stack.stop(DevSettings()) else "nothing was running")


@app.command()
def status(as_json: JsonTable = False) -> None:
    """Say what runs, and whether work stands still. Exit 0 when everything is ready and nothing is late, else 1.

    A process that hangs looks as it did before. Stages tell: how long the oldest webhook waits for its verdict, the
    oldest fact for its lead, and so on to the rows and jobs.
    """
    from operations.dev import stack
    from operations.dev.settings import DevSettings

    settings = DevSettings()
    state = stack.status(settings)
    if state is None:
        typer.echo('{"phase":"down"}' if as_json else "the stack is down: start it with `headrace dev up`")
        raise typer.Exit(1)
    stages, problem = _stages(settings, state)
    if as_json:
        print_json({**msgspec.to_builtins(state), "stages": stages, "problem": problem})
    else:
        _print_status(state)
        _print_stages(stages, problem)
    if problem is not None or late(stages) or not stack.is_healthy(state):
        raise typer.Exit(1)


@app.command()
def logs(
    process: Annotated[str | None, typer.Argument(help="One process, kafka or postgres; without it, all.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
) -> None:
    """Print what the processes have logged."""
    from operations.dev import stack
    from operations.dev.settings import DevSettings

    path = stack.log_file(DevSettings(), process)
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in stack.follow(file) if follow else file:
            typer.echo(line, nl=False)


@app.command()
def reset() -> None:
    """Wipe the data of Kafka, Postgres and the workers. Refuses while the stack is up."""
    from operations.dev import stack
    from operations.dev.settings import DevSettings

    settings = DevSettings()
    stack.reset(settings)
    typer.echo(f"the data in {settings.files.root} is gone")
    for variable, given in (("KAFKA_BOOTSTRAP", settings.kafka_bootstrap), ("DATABASE_URL", settings.database_url)):
        if given is not None:
            typer.echo(f"what {variable} points to was not touched")


def _print_status(state: "StackState") -> None:
    table = Table("process", "state", "pid", "restarts", "last exit")
    for child in state.children:
        pid = "" if child.pid is None else str(child.pid)
        table.add_row(child.name, _condition(child), pid, str(child.restarts), child.last_exit or "")
    printed = console()
    printed.print(table)
    printed.print(f"{state.phase}; Kafka {state.kafka_bootstrap}, ingest {state.ingest_url}", highlight=False)


def _stages(settings: "DevSettings", state: "StackState") -> "tuple[list[StageAge], str | None]":
    """The stages of a stack that is up, or why they can't be asked."""
    from operations.cli.refusals import sentence_of
    from operations.dev import stack

    if state.phase != "up":
        return [], None
    try:
        return stack.stages(settings, state), None
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None:
            raise
        return [], sentence


def _print_stages(stages: "list[StageAge]", problem: str | None) -> None:
    for line in stage_lines(stages):
        typer.echo(line)
    if problem is not None:
        typer.echo(f"Whether work stands still can't be told: {problem}")
    elif stages and not late(stages):
        typer.echo(f"nothing is late; under way: {sum(age.unfinished for age in stages if age.goal_seconds):,}")


def _condition(child: "ChildState") -> str:
    if child.condition == "running":
        return "ready" if child.ready else "starting"
    return "will be restarted" if child.condition == "waiting" else child.condition
