"""Carries out a run that decides again, also one that stopped: what it has written reads as recorded by now."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from headrace.settings import Settings
from operations.replay.decide.plan import DecidePlan, DecideWork, look
from operations.replay.decide.records import Redecisions
from operations.replay.decide.refusal import DecideRefused
from operations.replay.decide.writing import BuyerOf, write
from operations.replay.webhooks.window import Window
from operations.runs.runs import ActiveRun

#: What can't be decided is told by so many examples.
_SHOWN = 5


def carry_out(settings: Settings, run: ActiveRun, window: Window, show: int) -> DecideWork:
    """Look at the window, and write what differs. The run's scope holds what it may do; its result is what came of it.

    Raises DecideRefused, BudgetSpent, SpendingRefused, KafkaUnreachable, RunCancelled.
    """
    scope = run.run.scope
    work = look(settings, window, scope["settings"], show, lambda phase, n: run.progress(phase, records=n))
    check(work.plan, scope)
    redecisions = Redecisions(settings, str(run.run.run_id), run.run.started_by, run.run.started_at)
    run.finish(**write(settings, work, redecisions, run.progress, _buyer_of(settings, run, scope["allow_spend"])))
    return work


def check(plan: DecidePlan, scope: Mapping[str, Any]) -> None:
    """Raises DecideRefused when jobs can't be decided that the run does not leave out."""
    answers = sum(plan.missing_answers.values())
    allowed = answers if scope["allow_spend"] is not None else 0
    if scope["leave_out"] or plan.lacking <= allowed:
        return
    ways = ["allow models to be asked with --allow-spend MICRO_USD"] if answers > allowed else []
    ways += ["decide by today's settings with --settings now"] if plan.missing_settings else []
    way = " or ".join([*ways, "leave those messages as they are with --leave-out"])
    raise DecideRefused(f"{told_lacking(plan)} Nothing was written. You can {way}.")


def told_lacking(plan: DecidePlan) -> str:
    """Which jobs can't be decided, and the first of them by name."""
    kinds = [
        *(f"{count:,} for want of a recorded answer to {step}" for step, count in plan.missing_answers.items()),
        *(
            f"{count:,} because nobody knows the settings of workspace {name} as they were then"
            for name, count in plan.missing_settings.items()
        ),
        *(f"{count:,} because {why}" for why, count in plan.failed.items()),
    ]
    first = [f"{one.step} of message {one.message_id}" for one in plan.undecided[:_SHOWN]]
    return f"{plan.lacking:,} jobs can't be decided again: {'; '.join(kinds)}. The first: {', '.join(first)}."


def _buyer_of(settings: Settings, run: ActiveRun, limit: int | None) -> BuyerOf | None:
    """None for a run that may spend nothing: what asks models isn't even loaded for it."""
    if limit is None:
        return None
    from operations.replay.decide.buying import buyer_of  # noqa: PLC0415

    return partial(buyer_of, settings, run.run, limit)


def resume_run(settings: Settings, run: ActiveRun, window: Window, say: Callable[[str], None]) -> None:
    """Go on with a run that stopped."""
    work = carry_out(settings, run, window, _SHOWN)
    say(f"{work.plan.would_change:,} jobs were still to be decided again.")
