"""`headrace replay webhooks --depth normalise`: raw bodies through today's adapters, and what that would change."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from headrace.providers.registry import ADAPTERS
from operations.cli.acting import Acting, executed, print_json, say
from operations.cli.refusals import writing_to_kafka
from operations.cli.replay_options import print_changes, veil_examples
from operations.replay.webhooks.normalise import NormalisePlan, look, write
from operations.replay.webhooks.resuming import VERB, scope_of

if TYPE_CHECKING:
    from headrace.settings import Settings
    from operations.replay.webhooks.window import Window
    from operations.runs.runs import ActiveRun

_HELD_BACK = {
    "vanished": "a message would vanish: what was answered can't be taken back",
    "renamed": "a message would get another id, and so be answered a second time",
}


def normalise(settings: "Settings", window: "Window", acting: Acting, show: int, *, text: bool) -> None:
    """Plan, or write the corrections. `show` is how many examples are printed, `text` whether with people's words."""
    adapter, subjects = ADAPTERS[window.provider], [f"webhooks:{window.provider}"]
    with acting.run(settings, VERB, subjects, scope_of(window)) as run:
        # Looked at under the lock: nobody else corrects the same webhooks meanwhile.
        if run is None:
            plan = look(settings, window, adapter, show, _say_count).plan
        else:
            work = look(settings, window, adapter, show, lambda phase, count: run.progress(phase, records=count))
            plan = work.plan
            with writing_to_kafka(settings):
                run.finish(**write(settings, work, str(run.run.run_id), run.progress))
    veil_examples(plan.messages, text=text)
    if acting.as_json:
        print_json({"depth": "normalise", **executed(run), "plan": plan})
    else:
        _print(plan, run)


def _say_count(phase: str, records: int) -> None:
    say(f"{phase}: {records:,} records read")


def _print(plan: NormalisePlan, run: "ActiveRun | None") -> None:
    typer.echo(
        f"{plan.webhooks:,} webhooks read again: {plan.same:,} the same, {plan.would_change:,} would change, "
        f"{plan.duplicates:,} duplicates, {plan.unsettled:,} not settled yet, {plan.superseded:,} superseded by later "
        "ones."
    )
    print_changes(plan.messages, "messages", "field")
    for line in (*_remarks(plan), *_outcome(plan, run)):
        typer.echo(line)


def _remarks(plan: NormalisePlan) -> Iterator[str]:
    if plan.new_messages or plan.new_evidence:
        yield f"New: {plan.new_messages:,} messages, {plan.new_evidence:,} suppressions or signals."
    for change, count in sorted(plan.verdicts.items()):
        yield f"Verdict {change}: {count:,}"
    for reason, count in plan.held_back.items():
        yield f"Held back, {count:,} webhooks: {_HELD_BACK[reason]}."
    for id_ in plan.vanished:
        yield f"  {id_} is not read any more"
    if plan.vanished_evidence:
        yield f"{plan.vanished_evidence:,} suppressions or signals are not read any more; they stay."
    if plan.about_lead:
        yield f"{plan.about_lead:,} messages describe their lead otherwise; a message never changes its lead."


def _outcome(plan: NormalisePlan, run: "ActiveRun | None") -> Iterator[str]:
    if run is not None:
        yield f"Wrote {plan.events:,} events in run {run.run.run_id}. No job is done again."
    elif plan.events:
        yield (
            f"To write: {plan.events:,} events, {plan.bytes:,} bytes. Expected AI cost of the corrections: 0; the "
            f"{plan.new_messages:,} new messages get their first jobs. Nothing was written: add --execute."
        )
