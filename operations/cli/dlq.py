"""`headrace dlq …`: dead letters: see them, send them through again, or say that nothing is to be done about them."""

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from operations.cli.acting import Acting, executed, print_json, say
from operations.cli.dlq_options import LetterOptions
from operations.cli.options import Json, takes_groups
from operations.letters.letter import UNFINISHED, filter_scope

if TYPE_CHECKING:
    pass

app = typer.Typer(no_args_is_help=True, add_completion=False)
_SEE = " `headrace dlq list --quarantine` shows them."


@app.callback()
def dlq() -> None:
    """Dead letters: records that a stage or a projection could not process. They are kept, whatever is done."""


@app.command("list")
@takes_groups
def list_(options: LetterOptions, as_json: Json = False) -> None:
    """List dead letters that are not settled, or those in the given states. Times are those of the last failure."""
    from headrace.settings import Settings
    from operations.cli.dlq_lines import print_letters
    from operations.letters.letter_list import find_letters

    wanted = options.filter()
    if wanted.states is None and not wanted.ids:
        wanted = msgspec.structs.replace(wanted, states=UNFINISHED)
    settings = Settings()
    letters = find_letters(settings, wanted)
    if as_json:
        print_json(letters)
    else:
        print_letters(letters)
    if not (wanted.quarantine or wanted.ids or wanted.stage):
        quarantined = find_letters(settings, msgspec.structs.replace(wanted, quarantine=True, limit=None))
        # Beside the JSON, which is a list of the letters that were asked for.
        say(f"In quarantine, of the same filter: {len(quarantined):,}.{_SEE if quarantined else ''}")


@app.command()
def show(
    letter: Annotated[str, typer.Argument(help="The letter's id, as `headrace dlq list` prints it.")],
    text: Annotated[bool, typer.Option("--text", help="Show message texts and bodies. Never shows secrets.")] = False,
    as_json: Json = False,
) -> None:
    """Tell all about one letter: where it stood, why it failed, what was done about it and can be, its lineage."""
    from headrace.settings import Settings
    from operations.cli.dlq_lines import letter_lines
    from operations.letters.story import letter_story

    story = letter_story(Settings(), letter, texts=text, by=getpass.getuser(), now=datetime.now(UTC))
    if story is None:
        say(
            f"There is no dead letter {letter}. `headrace dlq list` shows those there are, `headrace proj status` "
            "whether rows are behind."
        )
        raise typer.Exit(1)
    if as_json:
        print_json(story)
    else:
        typer.echo("\n".join(letter_lines(story)))


@app.command()
@takes_groups
def redrive(
    options: LetterOptions,
    *,
    rate: Annotated[float, typer.Option("--rate", min=0.1, max=5000, help="At most so many a second.")] = 50.0,
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for what becomes of them.")] = 0.0,
    acting: Acting,
) -> None:
    """Send letters through again under their own identity: webhooks, facts, jobs, and rows that were refused.

    Exit 0: planned, or done and nothing failed again. Exit 1: something failed again. Exit 2: it can't be done.
    """
    from headrace.settings import Settings
    from operations.cli.dlq_lines import print_plan
    from operations.letters import redrive as redriving

    wanted, settings = options.filter_for("redrive"), Settings()
    if acting.execute:
        redriving.refuse_unfinished(settings)
    scope, report = redriving.redrive_scope(wanted, rate, wait), None
    with acting.run(settings, redriving.VERB, redriving.SUBJECTS, scope) as run:
        # Looked at under the lock: nobody else sends the same letters meanwhile.
        letters = redriving.fitting_letters(settings, wanted)
        plan = redriving.plan_redrive(settings, letters, rate, getpass.getuser(), datetime.now(UTC))
        if run is not None:
            report = redriving.run_redrive(settings, run, letters, say)
    if acting.as_json:
        done = {} if report is None else {"counts": report.counts(), "outcomes": report.outcomes}
        print_json({**executed(run), "plan": plan, **done})
    else:
        print_plan(plan, report, run)
    if report is not None and any(outcome.state == "failed again" or outcome.further_on for outcome in report.outcomes):
        raise typer.Exit(1)


@app.command()
@takes_groups
def discard(
    reason: Annotated[str, typer.Option("--reason", help="Why nothing is to be done about them.")],
    options: LetterOptions,
    acting: Acting,
) -> None:
    """Mark letters as discarded, with who decided it and why. Nothing is deleted; a redrive by name takes it back."""
    from headrace.settings import Settings
    from operations.cli.dlq_lines import print_discarded
    from operations.letters.discard import VERB, discardable, run_discard
    from operations.letters.redrive import SUBJECTS

    wanted = options.filter_for("discard")
    if not reason.strip():
        raise typer.BadParameter("--reason must say something: whoever comes later will want to know")
    settings, scope = Settings(), {"filter": filter_scope(wanted), "reason": reason}
    with acting.run(settings, VERB, SUBJECTS, scope) as run:
        letters = discardable(settings, wanted)
        if run is not None:
            run_discard(settings, run, letters, reason)
    if acting.as_json:
        print_json({"executed": acting.execute, "letters": letters})
    else:
        print_discarded(letters, execute=acting.execute)
