"""Limits of the providers: declared from their documents, and corrected by what their answers say."""

from collections.abc import Mapping

import msgspec


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """At most `calls` within any `seconds`, shared by all who have the same `Quota.key`."""

    calls: int
    seconds: float
    #: Routes that share it; empty: every route of the provider.
    routes: tuple[str, ...] = ()
    #: Where the number is from; `docs/sending-setup.md` says more.
    source: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer said about a limit, in seconds from the answer."""

    #: Calls left until `resets_in`; None when it didn't say.
    remaining: int | None = None
    resets_in: float | None = None
    #: Nothing before so many seconds.
    retry_after: float | None = None


class Allowances:
    """The newest word of each provider about each account. `now` is a monotonic clock's seconds."""

    def __init__(self) -> None:
        self._closed_until: dict[tuple[str, str], float] = {}

    def note(self, provider: str, key: str, standing: Standing, now: float) -> None:
        """Keeps until when the account is used up. What is not used up stays as it was."""
        wait = standing.retry_after
        if wait is None and standing.remaining == 0:
            wait = standing.resets_in
        if wait is not None:
            at = (provider, key)
            self._closed_until[at] = max(self._closed_until.get(at, 0.0), now + wait)

    def wait(self, provider: str, key: str, now: float) -> float:
        """Seconds until the account may be used again; 0 when it may now."""
        return max(0.0, self._closed_until.get((provider, key), 0.0) - now)


#: The longest wait a header may impose: beyond it somebody sent nonsense.
_LONGEST_WAIT = 86_400.0


def seconds_of(headers: Mapping[str, str], name: str) -> float | None:
    """A header's seconds, as a plain number. None when absent or no number; at most a day."""
    return as_seconds(headers.get(name))


def as_seconds(value: object) -> float | None:
    """A number of seconds out of a header or JSON; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT) if seconds == seconds else None  # noqa: PLR0124 - not a number
