"""Which runs can be gone on with after they stopped, and what does it: imported for the run that is named, alone."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from headrace.settings import Settings
    from operations.runs.progress_lines import Say
    from operations.runs.runs import ActiveRun, Run


class Resumable(Protocol):
    """A module whose runs can be gone on with."""

    def resume_run(self, settings: "Settings", run: "ActiveRun", say: "Say", /) -> None:
        """Does what the run has not done yet."""

    def abandon_run(self, settings: "Settings", run: "Run", /) -> None:
        """Removes what a run without a process left behind, for it was cancelled."""


def _rebuild() -> Resumable:
    from operations.versions import rebuild_run

    return rebuild_run


def _swap() -> Resumable:
    from operations.versions import swap

    return swap


def _repair() -> Resumable:
    from operations.versions import repair_window

    return repair_window


def _replay() -> Resumable:
    from operations.replay.webhooks import resuming

    return resuming


def _projecting() -> Resumable:
    from operations.replay.webhooks import projecting

    return projecting


def _try() -> Resumable:
    from operations.replay.trying import resuming

    return resuming


def _redrive() -> Resumable:
    from operations.letters import redrive

    return redrive


def _split() -> Resumable:
    from operations.leads import splitting

    return splitting


#: By the verb that began the run. A verb that is not here can't be resumed: its work is over with its process, and
#: there is nothing to clean up.
RESUMABLE: dict[str, Callable[[], Resumable]] = {
    "proj rebuild": _rebuild,
    "proj promote": _swap,
    "proj rollback": _swap,
    "proj drop": _swap,
    "proj repair": _repair,
    "replay webhooks": _replay,
    "replay webhooks --depth project": _projecting,
    "replay try": _try,
    "dlq redrive": _redrive,
    "leads split": _split,
}
