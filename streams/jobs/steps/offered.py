"""Which of the workspace's slots the lead was offered: a bare yes can mean nothing else."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from streams.ai.questions import Slot
from streams.ai.time_phrases import Moment, moments
from streams.jobs.step import StepContext
from streams.jobs.steps.reading import earlier

#: An older offer is none any more.
OFFER_HOLDS = timedelta(days=7)


async def offered_slots(context: StepContext, slots: tuple[Slot, ...], zones: Iterable[str]) -> tuple[Slot, ...]:
    """Those our newest message named with day and time, in its order; none when it is older than a week."""
    job = context.job
    ours = [message for message in earlier(job) if message.direction == "outbound"]
    if not ours or job.message.sent_at - ours[-1].sent_at > OFFER_HOLDS:
        return ()
    newest = ours[-1]
    named: dict[Slot, None] = {}
    for moment in await context.read(moments, newest.text):
        for slot in slots:
            if any(_names(moment, shown, newest.sent_at) for shown in _shown(slot, zones)):
                named[slot] = None
    return tuple(named)


def _shown(slot: Slot, zones: Iterable[str]) -> list[datetime]:
    """The slot as it may have been written: in its own offset or in one of the zones."""
    return [slot.start, *(slot.start.astimezone(ZoneInfo(zone)) for zone in zones)]


def _names(moment: Moment, shown: datetime, written: datetime) -> bool:
    if moment.day is None or moment.clock is None:
        return False
    day = written.astimezone(shown.tzinfo).date()
    return shown.date() in moment.day.dates(day) and shown.time().replace(second=0) in moment.clock.readings
