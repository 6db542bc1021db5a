"""`headrace replay …`: webhooks read again through today's code. Plans by default; `--execute` writes."""

from enum import StrEnum
from typing import Annotated

import typer

from headrace.events.providers import PROVIDERS
from operations.cli import replay_try
from operations.cli.acting import Acting
from operations.cli.options import Json, takes_groups
from operations.cli.replay_decide import DecideOptions
from operations.cli.replay_options import Received, Text

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.add_typer(replay_try.app)


class Depth(StrEnum):
    """How far back a replay begins."""

    PROJECT = "project"
    NORMALISE = "normalise"
    DECIDE = "decide"


@app.callback()
def replay() -> None:
    """Process what was received again, by today's code. Nothing is sent, and no model is asked unless you allow it."""


@app.command()
@takes_groups
def webhooks(  # noqa: PLR0913
    provider: Annotated[str, typer.Option("--provider", help=f"One of {', '.join(PROVIDERS)}.")],
    received: Received,
    *,
    depth: Annotated[
        Depth,
        typer.Option(
            "--depth",
            help="project: rows again from the log as it is. normalise: raw bodies through today's adapters. decide: "
            "jobs again, from recorded answers.",
        ),
    ] = Depth.NORMALISE,
    show: Annotated[int, typer.Option("--show", min=0, max=1000, help="Examples to print.")] = 5,
    text: Text = False,
    execute: Annotated[bool, typer.Option("--execute", help="Write the corrections.")] = False,
    options: DecideOptions,
    as_json: Json = False,
) -> None:
    """Process what was received in a window again by today's code, and show what would change and how.

    With --execute the corrected events are written: rows and conversations follow, nothing is sent, and no worker does
    a job again. Doing it twice changes nothing the second time. Exit 0: planned or done. Exit 2: it can't be done.
    """
    from headrace.settings import Settings

    window, acting = received.window(provider), Acting(execute=execute, as_json=as_json)
    if depth is not Depth.DECIDE and options != DecideOptions():
        raise typer.BadParameter("--allow-spend, --settings and --leave-out belong to --depth decide")
    match depth:
        case Depth.PROJECT:
            from operations.cli.replay_project import project

            project(Settings(), window, acting)
        case Depth.NORMALISE:
            from operations.cli.replay_normalise import normalise

            normalise(Settings(), window, acting, show, text=text)
        case Depth.DECIDE:
            from operations.cli.replay_decide import decide

            decide(Settings(), window, options, acting, show, text=text)
