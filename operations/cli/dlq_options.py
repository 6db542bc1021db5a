"""Which dead letters a verb of `headrace dlq` is about."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, get_args

import typer

from headrace.events.dead_letters import PROJECT, QUARANTINE
from operations.cli.moments import From, To, window
from operations.cli.options import Error, Workspace, known_state
from operations.letters.letter import STAGES, LetterFilter, State

_QUARANTINED = f":{QUARANTINE}"


@dataclass(frozen=True, kw_only=True)
class LetterOptions:
    """Letters that fit every option."""

    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="LETTER", help="Only these, such as webhooks.ghl:3:1207:dedupe.", show_default=False),
    ] = None
    stage: Annotated[
        str | None, typer.Option("--stage", help="Only what it gave up on: dedupe, resolve, execute, project:leads …")
    ] = None
    topic: Annotated[str | None, typer.Option("--topic", help="Only of this topic, such as webhooks.ghl.")] = None
    error: Error = None
    provider: Annotated[
        str | None, typer.Option("--provider", help="Only webhooks of this provider, and what they led to.")
    ] = None
    workspace: Workspace = None
    receipt: Annotated[str | None, typer.Option("--receipt", help="Only what this webhook led to.")] = None
    from_: From = None
    to: To = None
    state: Annotated[
        list[str] | None,
        typer.Option("--state", help=f"Only in this state, may be given several times: {', '.join(get_args(State))}."),
    ] = None
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Webhooks that ingest could not assign, instead of dead letters.")
    ] = False
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many.", show_default=False)] = None

    def filter(self) -> LetterFilter:
        """The same as what the read model is asked for. Raises typer.BadParameter."""
        since, until = window(self.from_, self.to, datetime.now(UTC))
        ids = tuple(id_.strip() for id_ in self.ids or ())
        quarantined = [id_ for id_ in ids if id_.endswith(_QUARANTINED)]
        if self.quarantine and len(quarantined) < len(ids):
            raise typer.BadParameter("with --quarantine only letters that end with :quarantine can be named")
        return LetterFilter(
            ids=ids,
            stage=None if self.stage is None else known_stage(self.stage.strip()),
            topic=self.topic,
            error=self.error,
            provider=self.provider,
            workspace=self.workspace,
            receipt_id=None if self.receipt is None else self.receipt.strip().lower(),
            since=since,
            until=until,
            states=tuple(known_state(name, get_args(State)) for name in self.state or ()) or None,
            quarantine=self.quarantine or (bool(ids) and len(quarantined) == len(ids)),
            limit=self.limit,
        )

    def filter_for(self, verb: str) -> LetterFilter:
        """The filter of a verb that changes letters: they have to be told. Raises typer.BadParameter."""
        wanted = self.filter()
        if wanted == LetterFilter(limit=wanted.limit):
            raise typer.BadParameter(
                f"say which letters to {verb}: give ids or a filter, such as --state open for all that were never "
                "touched"
            )
        return wanted


def known_stage(name: str) -> str:
    """The stage of that name. Raises typer.BadParameter when there is none: nothing would ever fit."""
    from projections.registry import ALL_PROJECTIONS

    known = (*STAGES, *(f"{PROJECT}{projection.name}" for projection in ALL_PROJECTIONS))
    if name == QUARANTINE:
        raise typer.BadParameter("quarantine is no stage: use --quarantine")
    if name not in known:
        raise typer.BadParameter(f"{name!r} is no stage; use one of {', '.join(known)}")
    return name
