"""Dead letters, plans and outcomes as lines for people."""

from collections import Counter
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from operations.cli.printing import console
from operations.cli.record_lines import fields_text, lines_of, moment_text, plain
from operations.letters.letter import Letter, LetterStep

if TYPE_CHECKING:
    from operations.letters.plan import RedrivePlan
    from operations.letters.redrive import RedriveReport
    from operations.letters.story import LetterStory
    from operations.runs.runs import ActiveRun

#: Letters printed for people; JSON has them all, and a verb acts on all.
_SHOWN = 50


def print_letters(letters: list[Letter]) -> None:
    """Counts by what went wrong where, then the letters."""
    counts = Counter((letter.stage, letter.error_class, letter.state) for letter in letters)
    summary = Table("stage", "error", "state", title=f"{len(letters):,} dead letters", title_justify="left")
    summary.add_column("letters", justify="right")
    for (stage, error, state), count in sorted(counts.items()):
        summary.add_row(stage, plain(error), state, f"{count:,}")
    console().print(summary)
    for letter in letters[:_SHOWN]:
        # Its id alone on a line: whatever the terminal's width, it can be copied.
        typer.echo(plain(letter.id))
        typer.echo(f"    {_summary(letter)}")
    if len(letters) > _SHOWN:
        typer.echo(f"… and {len(letters) - _SHOWN:,} more: --json lists all.")


def _summary(letter: Letter) -> str:
    tries = "1 try" if letter.attempts == 1 else f"{letter.attempts:,} tries"
    about = [letter.state, *([letter.workspace] if letter.workspace else []), tries, moment_text(letter.last_failed_at)]
    why = ", ".join(part for part in (letter.error_class, letter.reason) if part)
    return plain(f"{', '.join(about)}: {why}")


def print_discarded(letters: list[Letter], *, execute: bool) -> None:
    """What was discarded, or would be."""
    print_letters(letters)
    if execute:
        typer.echo(f"Discarded {len(letters):,} letter(s).")
    elif letters:
        typer.echo(f"Nothing was done. Add --execute to discard {len(letters):,} letter(s).")


def print_plan(plan: "RedrivePlan", report: "RedriveReport | None", run: "ActiveRun | None") -> None:
    """The plan, and once it was carried out what came of it."""
    table = Table("stage", "error", "what is done", title=f"{plan.letters:,} dead letters", title_justify="left")
    table.add_column("letters", justify="right")
    for group in plan.groups:
        table.add_row(group.stage, plain(group.error_class), group.action, f"{group.letters:,}")
    console().print(table)
    for vain in plan.in_vain:
        typer.echo(f"In vain, {vain.letters:,}: {plain(vain.why)}. What to do: {vain.what_to_do}. ({vain.example})")
    for workspace, count in sorted(plan.assigned.items()):
        typer.echo(f"{count:,} quarantined webhooks go to {workspace}: nobody can check any more that they may.")
    if report is None or run is None:
        _print_what_to_do(plan)
    else:
        _print_report(report, run)


def _print_what_to_do(plan: "RedrivePlan") -> None:
    if not plan.events and not plan.reprojected:
        typer.echo("There is nothing to do.")
        return
    typer.echo(
        f"To do: {plan.events:,} records to send and as many events that tell of it, {plan.reprojected:,} records to "
        f"project again; {plan.bytes:,} bytes, {plan.minutes:g} minutes at this rate. "
        f"Expected AI cost: 0{_cost_of_jobs(plan)}. Nothing was done: add --execute."
    )


def _cost_of_jobs(plan: "RedrivePlan") -> str:
    if not plan.jobs:
        return ""
    return f", but for {plan.jobs:,} jobs: what they had not finished may ask a model, within their budgets"


def _print_report(report: "RedriveReport", run: "ActiveRun") -> None:
    counts = report.counts()
    for outcome in report.outcomes:
        if outcome.state != "redriven":
            typer.echo(outcome.told())
    typer.echo(
        f"Sent {counts['sent']:,}, projected {counts['reprojected']:,} again: {counts['fixed']:,} fixed, "
        f"{counts['failed_again']:,} failed again, {counts['under_way']:,} under way, in run {run.run.run_id}. "
        "`headrace dlq list` shows what is left; --wait waits for it."
    )


def letter_lines(story: "LetterStory") -> list[str]:
    """All about one letter."""
    letter = story.letter
    lines = [
        f"{letter.id}: {letter.state}",
        f"  failed   {letter.error_class}: {plain(letter.reason)}",
        f"           in {letter.stage}, {letter.attempts} tries, first {moment_text(letter.first_failed_at)}, "
        f"last {moment_text(letter.last_failed_at)}",
        f"  about    {_lineage(letter)}",
        f"  headers  {fields_text(story.headers)}",
    ]
    if letter.discard_reason:
        lines.append(f"  dropped  by {letter.changed_by}: {plain(letter.discard_reason)}")
    lines += [f"  {_step(step)}" for step in story.steps]
    if not story.steps and letter.generation and letter.changed_at is not None:
        lines.append(f"  {moment_text(letter.changed_at)}  projected again by {letter.changed_by}, run {letter.run_id}")
    lines += [f"  see also {place}" for place in story.related]
    lines.append(f"  {story.advice}")
    record = ["its record is not kept any more"] if story.record is None else lines_of(story.record)
    return [*lines, *(f"  {line}" for line in record)]


def _lineage(letter: Letter) -> str:
    known = {
        "workspace": letter.workspace,
        "provider": letter.provider,
        "receipt": letter.receipt_id,
        "job": letter.job_id,
    }
    return fields_text({name: value for name, value in known.items() if value}) or "nobody knows what"


def _step(step: LetterStep) -> str:
    who = f" by {step.by}, run {step.run_id}" if step.by else ""
    why = f": {' '.join(plain(part) for part in (step.error_class, step.reason) if part)}" if step.reason else ""
    where = f" at {step.record}" if step.record else ""
    return f"{moment_text(step.happened_at)}  {step.event} ({step.generation}){where}{who}{why}"
