"""How a verb that changes something acts: it plans, and with --execute it is a run of the ledger; then it reports."""

import getpass
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import msgspec
import typer

from operations.cli.options import Execute, Json

if TYPE_CHECKING:
    from headrace.settings import Settings
    from operations.runs.runs import ActiveRun


@dataclass(frozen=True, kw_only=True)
class Acting:
    """Whether a verb acts or plans, and for whom it prints."""

    execute: Execute = False
    as_json: Json = False

    def run(
        self,
        settings: "Settings",
        verb: str,
        subjects: Sequence[str],
        scope: Mapping[str, Any],
        *,
        is_needed: bool = True,
    ) -> "AbstractContextManager[ActiveRun | None]":
        """The run as which the verb acts; None where it only plans, or has nothing to do. Raises RunRefused."""
        return begin_run(settings, verb, subjects, scope) if self.execute and is_needed else nullcontext()

    def tell(self, *lines: str) -> None:
        """For people: with --json the report says it."""
        if not self.as_json:
            for line in lines:
                typer.echo(line)

    def report(self, outcome: Any, *lines: str) -> None:
        """What came of it: as JSON, or as lines for people."""
        if self.as_json:
            print_json(outcome)
        self.tell(*lines)


def begin_run(
    settings: "Settings", verb: str, subjects: Sequence[str], scope: Mapping[str, Any], run_id: UUID | None = None
) -> "ActiveRun":
    """Enter a run of whoever calls the command. Raises RunRefused when another run works on one of the subjects."""
    from operations.runs.runs import begin

    return begin(
        settings.database_url,
        verb=verb,
        subjects=subjects,
        scope=scope,
        started_by=getpass.getuser(),
        run_id=run_id or uuid4(),
    )


def executed(run: "ActiveRun | None") -> dict[str, Any]:
    """How a report in JSON begins."""
    return {"executed": run is not None, "run_id": None if run is None else run.run.run_id}


def say_count(phase: str, count: int) -> None:
    """How far the planning is."""
    say(f"{phase}: {count:,}")


def announce(run: "ActiveRun") -> None:
    """Tells where others see how far a long run is."""
    say(f"Run {run.run.run_id}: `headrace runs show {run.run.run_id}` tells how far it is.")


def say(line: str) -> None:
    """A line for people beside what the verb prints."""
    typer.echo(line, err=True)


def print_json(value: Any) -> None:
    """One JSON document on a line of its own."""
    typer.echo(msgspec.json.encode(value).decode())
