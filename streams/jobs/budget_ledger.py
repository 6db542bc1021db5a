"""Keeps AI budgets over all jobs workers and restarts: folds the calls of all of them, and hands out this one's share.

Every worker reads `ai-interactions` of the last day to its end before it runs anything, and follows it. What a worker
may have under way at once is its share of what is left, by its share of the partitions, so that several workers can't
overdraw a budget together. Two things can: spending nobody has read yet (the topic is followed live, within a fraction
of a second), and the calls under way in a worker that was killed, which nobody knows of.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from fractions import Fraction

import msgspec
import structlog

from headrace.events.ai import AiCalled, spent_at_most
from headrace.events.codec import UNREADABLE, Codec
from headrace.events.records import Record
from streams.ai.budget import LONGEST_DAY, DaySpending, Spending, day_of, refusal
from streams.jobs.step import StepFailed, WorkspaceProfile

log = structlog.get_logger()

#: Read so much more than a day: clocks differ.
_MARGIN = timedelta(minutes=15)

#: Tells a call apart from every other one: job, step, attempt, number, and the moment, for attempts count anew when a
#: person asks again.
_CallKey = tuple[str, str, int, int, datetime]


class _Spent(msgspec.Struct, frozen=True):
    """A call this process made and has not yet read back."""

    at: datetime
    micro_usd: int


class BudgetLedger:
    """See `headrace.kafka.topic_tail.Reader`: it is fed `ai-interactions`. `now` is the wall clock, aware."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._codec = Codec()
        self._share = Fraction(1)
        self._spending = Spending()
        #: Read anew after a lost connection; takes the place of `_spending` at the end.
        self._reading = self._spending
        #: Calls of this process that were read back.
        self._matched: list[tuple[str, _CallKey]] = []
        self._reserved: dict[str, dict[str, int]] = defaultdict(dict)
        self._unread: dict[str, dict[_CallKey, _Spent]] = defaultdict(dict)

    def since(self) -> datetime:
        """From when on calls can belong to somebody's present day."""
        return self._now() - LONGEST_DAY - _MARGIN

    def take_share(self, partitions: int, of: int) -> None:
        """This process has so many of all partitions, and with them that part of every budget."""
        self._share = Fraction(partitions, of)

    def reserve(self, workspace: WorkspaceProfile, call_id: str, most: int | None) -> None:
        """Set aside what a call may cost at most. Raises StepFailed when that is more than is left."""
        now = self._now()
        start, end = day_of(now, workspace.timezone)
        limit = workspace.settings.ai_budget_micro_usd_per_day
        day = self._day(workspace.id, start)
        refused = refusal(most, limit=limit, day=day, share=self._share, resumes_at=end)
        if refused is not None:
            wait = None if refused.resumes_at is None else (refused.resumes_at - now).total_seconds()
            raise StepFailed(refused.reason, "over_budget", retry_after=wait)
        if most:
            self._reserved[workspace.id][call_id] = most

    def has_room(self, workspace: str, zone: str, limit: int | None) -> bool:
        """True when not all of the workspace's day is spent, whatever the next call may cost."""
        day = self._day(workspace, day_of(self._now(), zone)[0])
        return limit is None or day.known + day.unread < limit

    def settle(self, workspace: WorkspaceProfile, call_id: str, tries: Iterable[AiCalled]) -> None:
        """The call is over: what it reserved is free, what its tries cost is spent."""
        self._reserved[workspace.id].pop(call_id, None)
        for call in tries:
            if cost := spent_at_most(call):
                self._unread[workspace.id][_key(call)] = _Spent(call.called_at, cost)

    def begin(self) -> None:
        """See `Reader`."""
        self._reading = Spending()
        self._matched.clear()

    def take(self, records: Sequence[Record]) -> None:
        """See `Reader`."""
        for record in records:
            call = self._decoded(record)
            if call is not None and (cost := spent_at_most(call)):
                self._reading.add(call.workspace, call.called_at, cost)
                if (key := _key(call)) in self._unread[call.workspace]:
                    self._matched.append((call.workspace, key))
        if self._reading is self._spending:
            self._count_once()
            self._spending.forget_before(self.since())

    def reached_end(self) -> None:
        """See `Reader`."""
        self._spending = self._reading
        self._count_once()
        log.info("budgets loaded")

    def _count_once(self) -> None:
        """What was read back is among all others' calls now."""
        for workspace, key in self._matched:
            self._unread[workspace].pop(key, None)
        self._matched.clear()

    def _day(self, workspace: str, start: datetime) -> DaySpending:
        unread = (spent.micro_usd for spent in self._unread[workspace].values() if spent.at >= start)
        return DaySpending(
            known=self._spending.since(workspace, start),
            unread=sum(unread),
            reserved=sum(self._reserved[workspace].values()),
        )

    def _decoded(self, record: Record) -> AiCalled | None:
        try:
            _, event = self._codec.read(record)
        except UNREADABLE as error:
            # Its projection sets it aside; here it is only money nobody can count.
            log.error("budget.call_unreadable", offset=record.offset, error_class=type(error).__name__)
            return None
        return event if isinstance(event, AiCalled) else None


def _key(call: AiCalled) -> _CallKey:
    return call.job_id, call.step, call.attempt, call.call, call.called_at
