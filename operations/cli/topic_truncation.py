"""`headrace topics truncated`: logs that lost records a consumer group has read, and the way on."""

import json
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from operations.cli.options import Json

if TYPE_CHECKING:
    from headrace.kafka.truncation import Truncation

_Execute = Annotated[bool, typer.Option("--execute", help="Act. Without it, only what was found is printed.")]


def truncated(execute: _Execute = False, as_json: Json = False) -> None:
    """Name the logs that end, or begin anew, below what a consumer group has read of them.

    That happens when a broker loses its last writes: power loss, an unclean election, a restored disk. Workers then
    stop, because new records stand at offsets they have done. What was cut off is gone from Kafka; what the group made
    of it is not. With --execute each group is set back to the cut, so that every record after it is processed. Stop
    the group's workers first. Exit 0: nothing is cut, or all was set back. Exit 1: logs were cut. Exit 2: Kafka can't
    be asked, or the workers still run.

    headrace topics truncated --execute && headrace audit --full
    """
    from headrace.kafka.truncation import GROUPS, accept, truncations
    from headrace.settings import Settings

    settings = Settings()
    groups = [f"{settings.topic_prefix}{group}" for group in GROUPS]
    cuts = truncations(settings, groups)
    if execute:
        accept(settings, cuts)
    if as_json:
        typer.echo(json.dumps({"executed": execute, "truncated": [msgspec.structs.asdict(cut) for cut in cuts]}))
    else:
        typer.echo("\n".join(_lines(cuts, executed=execute)))
    if cuts and not execute:
        raise typer.Exit(1)


def _lines(cuts: "list[Truncation]", *, executed: bool) -> list[str]:
    if not cuts:
        return ["No log ends below what has been read of it."]
    lines = [
        f"{cut.topic}[{cut.partition}]: offsets {cut.cut} to {cut.position - 1}, which {cut.group} has done, are gone; "
        f"{cut.end - cut.cut} new records stand from {cut.cut} on"
        for cut in cuts
    ]
    if executed:
        return [*lines, "Set back. Start the workers again, then ask `headrace audit --full` what is missing."]
    return [*lines, "Nothing was changed. --execute sets the groups back to where their logs were cut."]
