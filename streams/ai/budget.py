"""A workspace's AI budget of a day: what was spent by when, and whether one more call fits. Values in, values out."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal
from zoneinfo import ZoneInfo

#: Days begin on the quarter of an hour in every zone there is.
_QUARTER = 900
#: The longest day of any zone: one in which the clocks are put back.
LONGEST_DAY = timedelta(hours=25)


class Spending:
    """What workspaces spent, by quarter of an hour: whatever a workspace calls its day can be added up from it."""

    def __init__(self) -> None:
        self._quarters: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))

    def add(self, workspace: str, at: datetime, micro_usd: int) -> None:
        """One call. `at` is aware."""
        if micro_usd:
            self._quarters[workspace][int(at.timestamp()) // _QUARTER] += micro_usd

    def since(self, workspace: str, start: datetime) -> int:
        """Micro-USD from a day's beginning on."""
        first = int(start.timestamp()) // _QUARTER
        return sum(spent for quarter, spent in self._quarters.get(workspace, {}).items() if quarter >= first)

    def forget_before(self, at: datetime) -> None:
        """Days are over; what was spent on them counts no more."""
        first = int(at.timestamp()) // _QUARTER
        for workspace, quarters in list(self._quarters.items()):
            for quarter in [one for one in quarters if one < first]:
                del quarters[quarter]
            if not quarters:
                del self._quarters[workspace]


@dataclass(frozen=True, kw_only=True)
class Refused:
    """The call must wait: park the job with this reason until then."""

    reason: Literal["over_budget", "price_unknown"]
    #: The workspace's next day, with its new budget. None: try now and then, because calls under way may leave room, or
    #: an operator adds the price.
    resumes_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class DaySpending:
    """A workspace's present day as one process sees it, in micro-USD."""

    #: Spent by all processes, read from the log.
    known: int = 0
    #: Spent by this process and not yet among `known`.
    unread: int = 0
    #: What calls of this process that are under way may cost.
    reserved: int = 0


def day_of(now: datetime, zone: str) -> tuple[datetime, datetime]:
    """When the workspace's present day began, and when the next one does."""
    local = ZoneInfo(zone)
    today = now.astimezone(local).date()
    midnights = (datetime.combine(day, datetime.min.time(), local) for day in (today, today + timedelta(days=1)))
    start, end = midnights
    return start, end


def refusal(
    most: int | None, *, limit: int | None, day: DaySpending, share: Fraction, resumes_at: datetime
) -> Refused | None:
    """Why a call that may cost `most` must not be made now; None when it may.

    `limit`: of the day, None without a budget. `share`: the part of the budget's rest that is this process's to hand
    out; the shares of all processes add up to 1, so that together they don't overdraw it. `resumes_at`: the next day.
    A limit with a model whose price is unknown refuses: a budget that can't be kept would be none.
    """
    if limit is None or most == 0:
        return None
    if most is None:
        return Refused(reason="price_unknown", resumes_at=None)
    room = (limit - day.known) * share - day.unread
    if day.reserved + most <= room:
        return None
    # Calls mostly cost far less than they may, and once read back count among those of all: there may soon be room.
    soon = (limit - day.known - day.unread) * share
    return Refused(reason="over_budget", resumes_at=None if most <= soon else resumes_at)
