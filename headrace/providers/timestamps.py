"""Reads the times of providers: seconds, milliseconds, ISO 8601 and the spellings people type."""

import math
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from dateutil import parser

from headrace.providers.adapter import Payload
from headrace.providers.fields import first_text

#: A provider that claims more than this is wrong about its clock or its unit.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST_AFTER_RECEIPT = timedelta(days=2)
_LONGEST_TIME = 64
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,9})?", re.ASCII)
#: The zone names that RFC 5322 defines; every other name is ambiguous around the world.
_ZONE_HOURS = {
    "UTC": 0, "GMT": 0, "UT": 0, "Z": 0,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip
#: What a spelling leaves out is taken from these; a date they disagree on was not complete.
_BLANKS = (datetime(1, 1, 1), datetime(2, 2, 2))  # noqa: DTZ001


def read_time(value: object, received_at: datetime, zone: tzinfo = UTC, *, day_first: bool = False) -> datetime | None:
    """The moment a provider's value means, aware UTC; None when it can't be read or can't be true.

    A time without a zone is read in `zone`; `03/02/2026` is March unless `day_first`.
    """
    try:
        moment = _read(value, zone, day_first)
        return moment if moment and EARLIEST <= moment <= received_at + LATEST_AFTER_RECEIPT else None
    except (ValueError, OverflowError):
        return None


def zone_named(name: str) -> tzinfo:
    """The IANA zone, or UTC when this machine doesn't know it."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return UTC


def first_time(payload: Payload, received_at: datetime, *paths: str) -> datetime:
    """The first of the fields that holds a time, else the receipt's. A path's parts are separated by dots."""
    times = (read_time(first_text(payload, path), received_at) for path in paths)
    return next((time for time in times if time), received_at)


def _read(value: object, zone: tzinfo, day_first: bool) -> datetime | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _from_number(float(value))
    if not isinstance(value, str) or not 4 <= len(value := value.strip()) <= _LONGEST_TIME:
        return None
    if _NUMBER.fullmatch(value):
        return _from_number(float(value))
    moment = _from_iso(value) or _from_spelling(value, day_first)
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _from_number(number: float) -> datetime | None:
    """Seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by size until the year 5138."""
    if not math.isfinite(number):
        return None
    for limit, unit in ((1e11, 1), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9)):
        if abs(number) < limit:
            return datetime.fromtimestamp(number / unit, UTC)
    return None


def _from_iso(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _from_spelling(value: str, day_first: bool) -> datetime | None:
    readings = [parser.parse(value, default=blank, dayfirst=day_first, tzinfos=_zone) for blank in _BLANKS]
    return readings[0] if readings[0] == readings[1] else None


def _zone(name: str | None, offset: int | None) -> tzinfo | None:
    """A parsed zone. Never the machine's own, which dateutil would use when its name matches."""
    if offset is not None:
        return timezone(timedelta(seconds=offset))
    hours = _ZONE_HOURS.get((name or "").upper())
    return None if hours is None else timezone(timedelta(hours=hours))
