"""What was refused, counted by kind: whoever wonders where his webhooks are finds a line, and a flood costs no more.

A stranger chooses how often he asks and what he writes, so that kinds, lines and looks into bodies are bounded by
window. No body, no secret and no path is kept, but for what a sender names as the account.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import structlog

from headrace.events.receipts import WebhooksRefused
from ingest.problems import Problem

log = structlog.get_logger()

#: Kinds that are told apart in one window; what is beyond counts without account and why.
MOST_KINDS = 100
#: Lines in one window, and windows before a kind is told again.
MOST_LINES = 5
QUIET_WINDOWS = 6
#: Bodies of unproven senders that are read in one window to learn whom they name, and the largest of them, bytes.
MOST_LOOKS = 5
LARGEST_LOOK = 16_384
_LONGEST_ACCOUNT = 80


class RefusedBecause(NamedTuple):
    """What is known of a refused request beside the answer."""

    #: Whom the sender named, such as `location_id=L1`.
    account: str = ""
    why: str = ""


UNEXPLAINED = RefusedBecause()


class _Kind(NamedTuple):
    route: str
    status: int
    reason: str
    account: str
    why: str


class RefusalRecorder:
    """Collects windows, as `LatencyRecorder` does."""

    def __init__(self, started_at: datetime) -> None:
        self._counts: Counter[_Kind] = Counter()
        self._window_start = started_at
        self._lines = self._looks = self._window = 0
        #: The window in which each kind was last told.
        self._told: dict[_Kind, int] = {}

    def look(self, body_bytes: int, explain: Callable[[], RefusedBecause]) -> RefusedBecause:
        """What `explain` finds out, which costs about as much as accepting; nothing once that was done often enough."""
        if self._looks >= MOST_LOOKS or body_bytes > LARGEST_LOOK:
            return UNEXPLAINED
        self._looks += 1
        return explain()

    def note(self, route: str, problem: Problem, because: RefusedBecause = UNEXPLAINED) -> None:
        """Counts one refusal, and says so when nobody has for a while."""
        kind = _Kind(route, problem.status, problem.slug, readable(because.account), because.why)
        if kind not in self._counts and len(self._counts) >= MOST_KINDS:
            kind = _Kind(route, problem.status, problem.slug, "", "")
        self._counts[kind] += 1
        if self._counts[kind] == 1:
            self._tell(kind, problem)

    def close_window(self, now: datetime, process_id: str) -> list[WebhooksRefused]:
        """The events of the window that ends now; a new one starts."""
        counts, start = self._counts, self._window_start
        self._counts, self._window_start = Counter(), now
        self._lines = self._looks = 0
        self._window += 1
        self._told = {kind: window for kind, window in self._told.items() if self._window - window < QUIET_WINDOWS}
        return [
            WebhooksRefused(
                process_id=process_id,
                route=kind.route,
                status=kind.status,
                reason=kind.reason,
                why=kind.why,
                account=kind.account,
                window_start=start,
                window_end=now,
                count=count,
            )
            for kind, count in counts.items()
        ]

    def _tell(self, kind: _Kind, problem: Problem) -> None:
        if kind in self._told or self._lines >= MOST_LINES:
            return
        self._lines += 1
        self._told[kind] = self._window
        log.warning(
            "webhook refused",
            route=kind.route,
            status=kind.status,
            reason=kind.reason,
            account=kind.account or "not known",
            why=kind.why or problem.detail,
            hint="`headrace refused --last 1h` counts them all",
        )


def readable(account: str) -> str:
    """A stranger's word, as it may stand in a log: printable ASCII, and short."""
    plain = account[: _LONGEST_ACCOUNT + 1]
    if not (plain.isascii() and plain.isprintable()):
        plain = "".join(character if " " <= character <= "~" else "?" for character in plain)
    return plain if len(plain) <= _LONGEST_ACCOUNT else f"{plain[: _LONGEST_ACCOUNT - 1]}…"
