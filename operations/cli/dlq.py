"""`headrace dlq …`: dead letters: see them, send them through again, or say that nothing is to be done about them."""

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, get_args
from uuid import uuid4

import msgspec
import typer

from operations.cli.moments import From, To, window
from operations.cli.refusals import told_plainly
from operations.letters.letter import UNFINISHED, Letter, LetterFilter, State, filter_scope

if TYPE_CHECKING:
    from operations.letters.redrive import RedriveReport

# Each verb imports what it works with: help, and the other verbs, should not wait for it.
# Options are a command's arguments, and every verb takes the whole filter.
# ruff: noqa: PLC0415, PLR0913, PLR0917

app = typer.Typer(no_args_is_help=True, add_completion=False)

_Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="LETTER", help="Only these, such as webhooks.ghl:3:1207:dedupe.", show_default=False),
]
_Stage = Annotated[
    str | None, typer.Option("--stage", help="Only what it gave up on: dedupe, resolve, execute, project:leads …")
]
_Topic = Annotated[str | None, typer.Option("--topic", help="Only of this topic, such as webhooks.ghl.")]
_Error = Annotated[str | None, typer.Option("--error", help="Only where error class or reason contain this.")]
_Provider = Annotated[
    str | None, typer.Option("--provider", help="Only webhooks of this provider, and what they led to.")
]
_Workspace = Annotated[str | None, typer.Option("--workspace", help="Only of this workspace.")]
_Receipt = Annotated[str | None, typer.Option("--receipt", help="Only what this webhook led to.")]
_State = Annotated[
    list[str] | None,
    typer.Option("--state", help=f"Only in this state, may be given several times: {', '.join(get_args(State))}."),
]
_Quarantine = Annotated[
    bool, typer.Option("--quarantine", help="Webhooks that ingest could not assign, instead of dead letters.")
]
_Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many.", show_default=False)]
_Execute = Annotated[bool, typer.Option("--execute", help="Act. Without it, only the plan is printed.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def dlq() -> None:
    """Dead letters: records that a stage or a projection could not process. They are kept, whatever is done."""


@app.command("list")
def list_(
    ids: _Ids = None,
    stage: _Stage = None,
    topic: _Topic = None,
    error: _Error = None,
    provider: _Provider = None,
    workspace: _Workspace = None,
    receipt: _Receipt = None,
    from_: From = None,
    to: To = None,
    state: _State = None,
    quarantine: _Quarantine = False,
    limit: _Limit = None,
    as_json: _Json = False,
) -> None:
    """List dead letters that are not settled, or those in the given states. Times are those of the last failure."""
    from headrace.settings import Settings
    from operations.cli.dlq_lines import print_letters
    from operations.letters.letter_list import find_letters

    wanted = _filter(ids, stage, topic, error, provider, workspace, receipt, from_, to, state, quarantine, limit)
    if wanted.states is None and not wanted.ids:
        wanted = msgspec.structs.replace(wanted, states=UNFINISHED)
    with told_plainly():
        found = find_letters(Settings(), wanted)
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        print_letters(found)


@app.command()
def show(
    letter: Annotated[str, typer.Argument(help="The letter's id, as `headrace dlq list` prints it.")],
    text: Annotated[bool, typer.Option("--text", help="Show message texts and bodies. Never shows secrets.")] = False,
    as_json: _Json = False,
) -> None:
    """Tell all about one letter: where it stood, why it failed, what was done about it and can be, its lineage."""
    from headrace.settings import Settings
    from operations.cli.dlq_lines import letter_lines
    from operations.letters.story import letter_story

    with told_plainly():
        story = letter_story(Settings(), letter, texts=text, by=getpass.getuser(), now=datetime.now(UTC))
    if story is None:
        typer.echo(
            f"There is no dead letter {letter}. `headrace dlq list` shows those there are, `headrace proj status` "
            "whether rows are behind.",
            err=True,
        )
        raise typer.Exit(1)
    typer.echo(msgspec.json.encode(story).decode() if as_json else "\n".join(letter_lines(story)))


@app.command()
def redrive(
    ids: _Ids = None,
    stage: _Stage = None,
    topic: _Topic = None,
    error: _Error = None,
    provider: _Provider = None,
    workspace: _Workspace = None,
    receipt: _Receipt = None,
    from_: From = None,
    to: To = None,
    state: _State = None,
    quarantine: _Quarantine = False,
    limit: _Limit = None,
    rate: Annotated[float, typer.Option("--rate", min=0.1, max=5000, help="At most so many a second.")] = 50.0,
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for what becomes of them.")] = 0.0,
    execute: _Execute = False,
    as_json: _Json = False,
) -> None:
    """Send letters through again under their own identity: webhooks, facts, jobs, and rows that were refused.

    Exit 0: planned, or done and nothing failed again. Exit 1: something failed again. Exit 2: it can't be done.
    """
    from headrace.settings import Settings
    from operations.cli.dlq_lines import print_plan
    from operations.letters.redrive import (
        SUBJECTS,
        VERB,
        fitting_letters,
        plan_redrive,
        redrive_scope,
        refuse_unfinished,
        run_redrive,
    )
    from operations.runs.runs import begin

    wanted = _filter(ids, stage, topic, error, provider, workspace, receipt, from_, to, state, quarantine, limit)
    _check_named(wanted, "redrive")
    settings, by = Settings(), getpass.getuser()
    with told_plainly():
        if not execute:
            plan = plan_redrive(settings, fitting_letters(settings, wanted), rate, by, datetime.now(UTC))
            print_plan(plan, None, as_json=as_json)
            return
        refuse_unfinished(settings)
        with begin(
            settings.database_url,
            verb=VERB,
            subjects=SUBJECTS,
            scope=redrive_scope(wanted, rate, wait),
            started_by=by,
            run_id=uuid4(),
        ) as run:
            # Looked at under the lock: nobody else sends the same letters meanwhile.
            letters = fitting_letters(settings, wanted)
            plan = plan_redrive(settings, letters, rate, by, datetime.now(UTC))
            report = run_redrive(settings, run, letters, lambda line: typer.echo(line, err=True))
    print_plan(plan, report, as_json=as_json, run_id=str(run.run.run_id))
    _exit(report)


@app.command()
def discard(
    reason: Annotated[str, typer.Option("--reason", help="Why nothing is to be done about them.")],
    ids: _Ids = None,
    stage: _Stage = None,
    topic: _Topic = None,
    error: _Error = None,
    provider: _Provider = None,
    workspace: _Workspace = None,
    receipt: _Receipt = None,
    from_: From = None,
    to: To = None,
    state: _State = None,
    quarantine: _Quarantine = False,
    limit: _Limit = None,
    execute: _Execute = False,
    as_json: _Json = False,
) -> None:
    """Mark letters as discarded, with who decided it and why. Nothing is deleted; a redrive by name takes it back."""
    from headrace.settings import Settings
    from operations.letters.discard import VERB as DISCARD
    from operations.letters.discard import discardable, run_discard
    from operations.letters.redrive import SUBJECTS
    from operations.runs.runs import begin

    wanted = _filter(ids, stage, topic, error, provider, workspace, receipt, from_, to, state, quarantine, limit)
    _check_named(wanted, "discard")
    if not reason.strip():
        raise typer.BadParameter("--reason must say something: whoever comes later will want to know")
    settings, by = Settings(), getpass.getuser()
    with told_plainly():
        letters = discardable(settings, wanted)
        if execute:
            with begin(
                settings.database_url,
                verb=DISCARD,
                subjects=SUBJECTS,
                scope={"filter": filter_scope(wanted), "reason": reason},
                started_by=by,
                run_id=uuid4(),
            ) as run:
                letters = discardable(settings, wanted)
                run_discard(settings, run, letters, reason)
    _tell_discarded(letters, execute=execute, as_json=as_json)


def _tell_discarded(letters: list[Letter], *, execute: bool, as_json: bool) -> None:
    from operations.cli.dlq_lines import print_letters

    if as_json:
        typer.echo(msgspec.json.encode({"executed": execute, "letters": letters}).decode())
        return
    print_letters(letters)
    if execute:
        typer.echo(f"Discarded {len(letters):,} letter(s).")
    elif letters:
        typer.echo(f"Nothing was done. Add --execute to discard {len(letters):,} letter(s).")


def _exit(report: "RedriveReport") -> None:
    if any(one.state == "failed again" or one.further_on for one in report.outcomes):
        raise typer.Exit(1)


def _check_named(wanted: LetterFilter, verb: str) -> None:
    if wanted == LetterFilter() or wanted == LetterFilter(limit=wanted.limit):
        raise typer.BadParameter(
            f"say which letters to {verb}: give ids or a filter, such as --state open for all that were never touched"
        )


def _filter(
    ids: list[str] | None,
    stage: str | None,
    topic: str | None,
    error: str | None,
    provider: str | None,
    workspace: str | None,
    receipt: str | None,
    from_: str | None,
    to: str | None,
    state: list[str] | None,
    quarantine: bool,
    limit: int | None,
) -> LetterFilter:
    since, until = window(from_, to, datetime.now(UTC))
    named = tuple(one.strip() for one in ids or ())
    if quarantine and any(not one.endswith(":quarantine") for one in named):
        raise typer.BadParameter("with --quarantine only letters that end with :quarantine can be named")
    return LetterFilter(
        ids=named,
        stage=stage,
        topic=topic,
        error=error,
        provider=provider,
        workspace=workspace,
        receipt_id=None if receipt is None else receipt.strip().lower(),
        since=since,
        until=until,
        states=None if not state else tuple(_known_state(one) for one in state),
        quarantine=quarantine or (bool(named) and all(one.endswith(":quarantine") for one in named)),
        limit=limit,
    )


def _known_state(name: str) -> State:
    if name not in get_args(State):
        raise typer.BadParameter(f"{name!r} is no state; use one of {', '.join(get_args(State))}")
    return name  # type: ignore[return-value]
