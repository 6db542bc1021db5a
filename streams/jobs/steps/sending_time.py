"""When a reply goes out by itself: after a delay like a person's, within the workspace's hours."""

import hashlib
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from headrace.events.workspaces import JobSettings, SendingHours

#: A moment that is past already becomes this much from now.
SOON = timedelta(seconds=30)
_ALL_DAYS = 8


def delay_of(message_id: str, shortest: int, longest: int) -> timedelta:
    """Between the two, seconds; chosen by the message's id."""
    digest = int.from_bytes(hashlib.sha256(message_id.encode()).digest()[:8])
    return timedelta(seconds=shortest + digest % (longest - shortest + 1))


def send_at(message_id: str, sent_at: datetime, now: datetime, settings: JobSettings, zone: str) -> datetime:
    """The moment to send a reply to a message written at `sent_at`. `zone` is the workspace's own."""
    delay = delay_of(message_id, *settings.delay_seconds)
    wanted = sent_at + delay
    wanted = max(wanted, now + SOON)
    hours = settings.hours
    local = wanted.astimezone(ZoneInfo(hours.zone or zone))
    if is_open(local, hours):
        return wanted
    # What waited for the morning doesn't go out in one burst.
    return (next_opening(local, hours) + delay).astimezone(wanted.tzinfo)


def is_open(local: datetime, hours: SendingHours) -> bool:
    """Whether something may go out at this local time."""
    if hours.when == "ALWAYS":
        return True
    return local.weekday() in hours.days and hours.opens <= local.time() < hours.closes


def next_opening(local: datetime, hours: SendingHours) -> datetime:
    """The next opening after a moment outside the hours."""
    for ahead in range(_ALL_DAYS):
        day = local.date() + timedelta(days=ahead)
        opening = datetime.combine(day, hours.opens, local.tzinfo)
        if opening > local and day.weekday() in hours.days:
            return opening
    raise ValueError("sending hours without a day")
