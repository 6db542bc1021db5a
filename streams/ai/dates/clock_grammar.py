"""The rules of times of day. What a clock says may have two readings: "at 4" is four or sixteen o'clock."""

import re
from datetime import time
from typing import NamedTuple

from streams.ai.dates.engine import Builder, Found


class Clock(NamedTuple):
    """A time of day, with what stands before it."""

    readings: tuple[time, ...]
    #: at, or after, before, around …: then it is no exact time.
    relation: str = "at"


def _hours(hour: int, minute: int, *, exact: bool) -> Clock | None:
    if hour > 24 or minute > 59:
        return None
    hour %= 24
    if exact or hour == 0 or hour >= 12:
        return Clock((time(hour, minute),))
    return Clock((time(hour, minute), time(hour + 12, minute)))


def _parts(text: str) -> tuple[int, int]:
    hour, minute = re.findall(r"\d+", text)
    return int(hour), int(minute)


def _half_day(found: Found) -> Clock | None:
    """4pm, 4:30 pm, 4.30pm."""
    hour, minute = (found["n"], 0) if found["n"] is not None else _parts(found["text"])
    if not 1 <= hour <= 12:
        return _hours(hour, minute, exact=True) if hour < 24 and found["text"] else None
    return _hours(hour % 12 + (12 if found["pm"] else 0), minute, exact=True)


def _colon(found: Found) -> Clock | None:
    hour, minute = _parts(found["text"])
    # "2:30" is half past two or half past fourteen; "14:30" and "02:30" are clear.
    return _hours(hour, minute, exact=found["text"].startswith("0"))


def _dotted(found: Found) -> Clock | None:
    if "/" in found["text"]:
        return None
    hour, minute = _parts(found["text"])
    return _hours(hour, minute, exact=True)


def _oclock(found: Found) -> Clock | None:
    minute = found["minute"] or 0
    is_letter = found.parser.tokens[found.start + 1].text == "h"
    if found["minute"] is not None and is_letter and not found.parser.tokens[found.end - 1].glued:
        return None
    return _hours(found["n"], minute, exact=is_letter)


def _bare(found: Found) -> Clock | None:
    """at 4, um 4, kl. 15: not at 5 locations."""
    counted = ("CLOCK_COUNTED", "UNIT", "MONTH", "SUFFIX", "%", "-", "/", ".", "$", "€")
    place = found.end
    is_dot = found.has(".", place) and not found.has("MONTH", place + 1)
    if any(found.has(one, place) for one in counted if one != "." or not is_dot) or not 1 <= found["n"] <= 24:
        return None
    if place < len(found.parser.tokens) and found.parser.tokens[place].kind == "word":
        word = found.parser.tokens[place]
        if word.glued:
            return None
    clock = _hours(found["n"], 0, exact=False)
    relation = next((meaning for meaning, _ in found.parser.categories_at(found.start).get("REL", ())), "at")
    return clock and Clock(clock.readings, "about" if found.has("APPROX", found.start) else relation)


def _beside(shift: int) -> Builder:
    """Half past, a quarter to: minutes before or after the hour."""

    def build(found: Found) -> Clock | None:
        hour = found["n"]
        if not 1 <= hour <= 12 or found.has("CLOCK_COUNTED", found.end) or found.has("UNIT", found.end):
            return None
        minutes = (hour * 60 + shift) % (12 * 60)
        return _hours(minutes // 60 or 12, minutes % 60, exact=False) if minutes >= 60 else _twelve(minutes)

    return build


def _twelve(minutes: int) -> Clock:
    return Clock((time(0, minutes), time(12, minutes)))


def _in_half(half: str) -> Builder:
    """Four in the afternoon."""

    def build(found: Found) -> Clock | None:
        wanted = [one for one in found["clock"].readings if (one.hour >= 12) == (half == "pm")]
        return Clock(tuple(wanted)) if wanted else None

    return build


def _after(found: Found) -> Clock:
    clock: Clock = found["clock"]
    return Clock(clock.readings, found["rel"])


def _or_until(found: Found) -> Clock | None:
    """At 4 or 5, 2-4pm: a time that is not exact."""
    clock: Clock = found["clock"]
    return Clock(clock.readings, "or") if 1 <= found["n"] <= 24 and not found.has("UNIT", found.end) else None


CLOCK_RULES: tuple[tuple[str, str, Builder], ...] = (
    ("hour", "n:DIGITS", lambda f: f["n"]),
    ("hour", "n:NUMBER", lambda f: f["n"]),
    ("hour", "n:ORDINAL", lambda f: f["n"] if f.parser.language.ordinal_hours else None),
    ("plain_clock", "n:DIGITS CLOCK_AM", _half_day),
    ("plain_clock", "n:DIGITS pm:CLOCK_PM", _half_day),
    ("plain_clock", "text:CLOCK CLOCK_AM", _half_day),
    ("plain_clock", "text:CLOCK pm:CLOCK_PM", _half_day),
    ("plain_clock", "text:PAIR CLOCK_AM", _half_day),
    ("plain_clock", "text:PAIR pm:CLOCK_PM", _half_day),
    ("plain_clock", "text:CLOCK oclock:CLOCK_OCLOCK?", _colon),
    ("plain_clock", "text:PAIR CLOCK_OCLOCK", _dotted),
    ("plain_clock", "CLOCK_AT_DOTTED .? text:PAIR CLOCK_OCLOCK?", _dotted),
    ("plain_clock", "n:hour CLOCK_OCLOCK minute:DIGITS?", _oclock),
    ("plain_clock", "CLOCK_NOON", lambda _: Clock((time(12),))),
    ("plain_clock", "CLOCK_MIDNIGHT", lambda _: Clock((time(0),))),
    ("plain_clock", "CLOCK_HALF_TO n:hour", _beside(-30)),
    ("plain_clock", "CLOCK_HALF_PAST n:hour", _beside(30)),
    ("plain_clock", "CLOCK_QUARTER_PAST n:hour", _beside(15)),
    ("plain_clock", "CLOCK_QUARTER_TO n:hour", _beside(-15)),
    ("plain_clock", "CLOCK_AT .? n:DIGITS", _bare),
    ("day_clock", "clock:plain_clock ,? CLOCK_AM", _in_half("am")),
    ("day_clock", "clock:plain_clock ,? CLOCK_PM", _in_half("pm")),
    ("day_clock", "clock:plain_clock", lambda f: f["clock"]),
    ("clock", "clock:day_clock", lambda f: f["clock"]),
    ("clock", "clock:day_clock between_numbers n:DIGITS", _or_until),
    ("clock", "CLOCK_AT? n:DIGITS between_numbers clock:day_clock", _or_until),
    ("clock", "rel:REL clock:day_clock", _after),
    ("clock", "CLOCK_AT clock:day_clock", lambda f: f["clock"]),
)
