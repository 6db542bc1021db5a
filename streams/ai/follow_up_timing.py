"""Reads when a lead wants to hear from us again, offline, in every language there are words for."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from streams.ai.answers import FollowUpTiming
from streams.ai.dates.mentions import ReadText, read_text
from streams.ai.dates.roles import Chosen, choose
from streams.ai.time_phrases import clock_beside, likely_clock

Precision = Literal["time", "day", "week", "month", "quarter", "vague", "none"]
_PRECISIONS: dict[str, Precision] = {"year": "quarter", "day": "day", "week": "week", "month": "month",
                                     "quarter": "quarter"}  # fmt: skip
_VAGUE_CONFIDENCE = 0.6


@dataclass(frozen=True, kw_only=True)
class TimingRead:
    """What was read, and why."""

    timing: FollowUpTiming
    #: The date it comes from, None when none was named.
    chosen: Chosen | None
    why: str


def read_timing(text: str, written: datetime, *, is_deferral: bool) -> FollowUpTiming:
    """When to write again. `written` is the moment of writing in the lead's zone; `is_deferral` what the label says.

    A day is always after the day of writing. What can't be dated, and what can be read as two days, is vague.
    """
    return explained_timing(text, written, is_deferral=is_deferral).timing


def explained_timing(text: str, written: datetime, *, is_deferral: bool) -> TimingRead:
    """The same, with the reason in words."""
    read = read_text(text)
    chosen = choose(read, text, written.date())
    if chosen is None:
        return TimingRead(timing=_undated(read, is_deferral=is_deferral), chosen=None, why="no date that lies ahead")
    why = f"{chosen.mention.why(written.date())}; {chosen.role}"
    if chosen.first.day is None:
        undated = _undated(read, is_deferral=is_deferral)
        return TimingRead(timing=undated, chosen=chosen, why=f"{why}; no day: {chosen.first.why_not}")
    return TimingRead(timing=_dated(chosen, chosen.first.day, text, is_deferral=is_deferral), chosen=chosen, why=why)


def _dated(chosen: Chosen, day: date, text: str, *, is_deferral: bool) -> FollowUpTiming:
    clock = None
    if chosen.first.grain == "day" and chosen.relation in ("on", "by", "from"):
        clock = likely_clock(clock_beside(text, chosen.mention))
    return FollowUpTiming(
        is_deferral=is_deferral,
        day=day,
        clock=clock,
        precision="time" if clock else _PRECISIONS[chosen.first.grain],
        phrase=chosen.mention.text[:120],
        confidence=chosen.first.certainty,
    )


def _undated(read: ReadText, *, is_deferral: bool) -> FollowUpTiming:
    is_vague = is_deferral or bool(read.marks.of("ROLE_VAGUE"))
    return FollowUpTiming(
        is_deferral=is_deferral,
        day=None,
        clock=None,
        precision="vague" if is_vague else "none",
        phrase=None,
        confidence=_VAGUE_CONFIDENCE,
    )
