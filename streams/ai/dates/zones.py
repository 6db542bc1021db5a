"""Time zones as messages name them: by abbreviation, by place, or as the time of one of the two."""

import re
from functools import cache
from typing import NamedTuple
from zoneinfo import available_timezones

#: What people write for a zone with one meaning in business mail.
NAMES = {
    "America/New_York": r"E[SD]T|[Ee]astern(?: [Tt]ime)?|New York time",
    "America/Chicago": r"C[SD]T|[Cc]entral [Tt]ime|Chicago time",
    "America/Denver": r"M[SD]T|[Mm]ountain [Tt]ime",
    "America/Los_Angeles": r"P[SD]T|[Pp]acific(?: [Tt]ime)?",
    "Europe/London": r"GMT|BST|UK time|London time",
    "Europe/Berlin": r"CES?T|MES?Z|German time|Berlin time",
    "Europe/Athens": r"EES?T",
    "Asia/Kolkata": r"IST|Indian? time",
    "Asia/Singapore": r"SGT|Singapore time",
    "Asia/Tokyo": r"JST",
    "Australia/Sydney": r"AE[SD]?T|Sydney time",
    "UTC": r"UTC|Zulu",
}
#: Words of other languages, too, except behind a time of day.
SHORT = {"ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver", "PT": "America/Los_Angeles"}
_NAMES = tuple((zone, re.compile(rf"(?:{words})\b")) for zone, words in NAMES.items())
_ZONE = re.compile(
    r"\b(?:UTC|GMT|[ECMP][SD]?T|AK[SD]?T|HST|CES?T|MES?Z|WES?T|EES?T|BST|IST|JST|SGT|A[EWC][SD]?T|NZ[SD]?T|SAST|BRT)\b"
    r"|\b(?:[Ee]astern|[Cc]entral|[Mm]ountain|[Pp]acific|[A-Z][a-zäöüßéí]{1,30}(?: [A-Z][a-z]{1,30})?) [Tt]ime\b"
    r"|[+-](?:0\d|1[0-4]):?[0-5]\d\b|\b[A-Z][a-z]{1,20}/[A-Z][a-z_]{1,30}\b"
    r"|\bheure de [A-Z]\w{1,30}|\bhora de [A-Z]\w{1,30}|\b(?:[A-Z][a-zäöü]{1,30}er) Zeit\b"
)
#: So close behind a time of day a zone is that time's.
_BESIDE = 14


class Zone(NamedTuple):
    """A zone where it is named."""

    start: int
    end: int
    #: IANA name, None where more than one may be meant.
    name: str | None


def zones(text: str) -> list[Zone]:
    """All that the text names, in order."""
    return [Zone(match.start(), match.end(), _name(match[0])) for match in _ZONE.finditer(text)]


def _name(words: str) -> str | None:
    if words in SHORT:
        return SHORT[words]
    if "/" in words and words in _known():
        return words
    return next((zone for zone, pattern in _NAMES if pattern.fullmatch(words)), None)


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_of(named: list[Zone], end: int, text: str) -> str | None:
    """The zone behind a time of day that ends there; else the only one the text names."""
    beside = next(
        (zone for zone in named if 0 <= zone.start - end <= _BESIDE and _is_blank(text[end : zone.start])), None
    )
    if beside is not None:
        return beside.name
    names = {zone.name for zone in named}
    return names.pop() if len(names) == 1 else None


def _is_blank(between: str) -> bool:
    return not between.strip(" (,.")
