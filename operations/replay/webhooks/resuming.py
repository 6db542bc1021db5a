"""Goes on with a replay that stopped: what it has written reads as right by now, so only the rest is left."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from operations.replay.decide import resuming as decide
from operations.replay.webhooks.normalise import look, write
from operations.replay.webhooks.window import Window
from operations.runs.runs import ActiveRun, Run

VERB = "replay webhooks"


def scope_of(window: Window, depth: str = "normalise", **options: Any) -> dict[str, Any]:
    """The window as the ledger keeps it, and what else a depth was told."""
    return {
        "provider": window.provider,
        "from": window.start.isoformat(),
        "to": window.end.isoformat(),
        "workspace": window.workspace,
        "depth": depth,
        **options,
    }


def window_of(scope: dict[str, Any]) -> Window:
    """The inverse."""
    return Window(
        provider=scope["provider"],
        start=datetime.fromisoformat(scope["from"]),
        end=datetime.fromisoformat(scope["to"]),
        workspace=scope["workspace"],
    )


def resume_run(settings: Settings, run: ActiveRun, say: Callable[[str], None]) -> None:
    """Look at the whole window again and write what still differs. Raises KafkaUnreachable, RunCancelled."""
    window = window_of(run.run.scope)
    if run.run.scope["depth"] == "decide":
        decide.resume_run(settings, run, window, say)
        return
    work = look(settings, window, ADAPTERS[window.provider], 0, lambda phase, n: run.progress(phase, records=n))
    say(f"{work.plan.would_change:,} webhooks are still to be corrected.")
    run.finish(**write(settings, work, str(run.run.run_id), run.progress))


def abandon_run(_settings: Settings, _run: Run) -> None:
    """Nothing is left behind: each correction is whole, or was not written."""
