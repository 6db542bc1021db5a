"""Which of a calendar's meetings is the one that was to be booked: the same person at the same moment."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from streams.effects.clients.calendar import Booking
from streams.effects.outcome import Evidence, Found, LookUp, NotFound, Several


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """A meeting of the lead's that is not cancelled."""

    id: str
    start: datetime | None


def match_booking(booking: Booking, meetings: Iterable[Meeting], route: str, asked_at: datetime) -> LookUp:
    """One at that moment is it; several are for a person."""
    seen = tuple(meetings)
    equal = [one for one in seen if one.start == booking.start]
    evidence = Evidence(
        route=route,
        asked_at=asked_at,
        since=booking.start,
        until=booking.start,
        looked_at=len(seen),
        record_ids=tuple(one.id for one in equal),
        record_at=equal[0].start if equal else None,
    )
    if len(equal) == 1:
        return Found(provider_ids={"event": equal[0].id}, evidence=evidence)
    return Several(evidence=evidence) if equal else NotFound(evidence=evidence)
