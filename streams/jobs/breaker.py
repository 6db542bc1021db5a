"""A circuit breaker: after failures in a row nobody calls a dependency for a while, then one job tries.

Our own, because the kept libraries wrap the call and own the clock: they can't say how long a circuit stays open,
which is when a job that needs it is due again, and while half open they let every caller through.
"""

from typing import Literal

State = Literal["closed", "open", "half_open"]
#: Failures that speak of the dependency's health, not of the request.
_UNHEALTHY = frozenset({"transient", "dependency_down"})


class CircuitBreaker:
    """One dependency's. Times are monotonic seconds, given by the caller."""

    def __init__(self, failures: int, seconds: float) -> None:
        self._limit = failures
        self._seconds = seconds
        self._failures = 0
        self._open_until: float | None = None
        self._probing_until: float | None = None

    def state(self, now: float) -> State:
        """For people: how it stands."""
        if self._open_until is None:
            return "closed"
        return "open" if now < self._open_until else "half_open"

    def remaining(self, now: float) -> float:
        """Seconds until it is worth asking again; 0 when a call may be tried now. Changes nothing."""
        if self._open_until is None:
            return 0.0
        if now < self._open_until:
            return self._open_until - now
        if self._probing_until is not None and now < self._probing_until:
            return self._probing_until - now
        return 0.0

    def admit(self, now: float) -> bool:
        """May this call be made? While half open, only one may, until its outcome is known or it took too long."""
        if self.remaining(now) > 0:
            return False
        if self._open_until is not None:
            self._probing_until = now + self._seconds
        return True

    def succeeded(self) -> None:
        """A call worked."""
        self._failures = 0
        self._open_until = self._probing_until = None

    def failed(self, now: float) -> None:
        """A call failed through the dependency's fault."""
        self._failures += 1
        if self._failures >= self._limit or self._open_until is not None:
            self._open_until = now + self._seconds
            self._probing_until = None

    def judge(self, error_class: str, now: float) -> None:
        """A call failed, and this is why."""
        if error_class in _UNHEALTHY:
            self.failed(now)
        elif error_class != "over_budget":
            # It answered: what it said is about this request.
            self.succeeded()
