"""Goes on with a try that stopped, and removes the schema of one that nobody wants."""

from collections.abc import Callable

import msgspec

from headrace.settings import Settings
from operations.replay.trying.shadow import connected, drop, tries
from operations.replay.trying.trying import TryScope, carry_out
from operations.runs.runs import ActiveRun, Run

VERB = "replay try"


def resume_run(settings: Settings, run: ActiveRun, say: Callable[[str], None]) -> None:
    """What was answered is in the schema, and is not paid for again."""
    name = carry_out(settings, run, msgspec.convert(run.run.scope, TryScope))
    say(f"`headrace replay compare {name}` shows what came of it.")


def abandon_run(settings: Settings, run: Run) -> None:
    """Remove its schema."""
    with connected(settings.database_url) as connection:
        for one in tries(connection):
            if one.run_id == run.run_id:
                drop(connection, one.name)
