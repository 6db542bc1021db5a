"""How people name a moment or a duration on the command line: a date, a time, 15m, or how long ago."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

_DURATION = re.compile(r"(\d{1,9})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

From = Annotated[
    str | None,
    typer.Option(
        "--from", help="Not older than this: 2026-03-02, 2026-03-02T09:30 (UTC), …+01:00, or 90s, 15m, 2h, 3d ago."
    ),
]
To = Annotated[str | None, typer.Option("--to", help="Older than this; written like --from.")]


def moment(text: str, now: datetime) -> datetime:
    """The moment in UTC. A time without a zone is UTC, a date its first instant. Raises typer.BadParameter."""
    try:
        if _DURATION.fullmatch(text):
            return now.astimezone(UTC) - duration(text)
        named = datetime.fromisoformat(text)
        return (named if named.tzinfo else named.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is no moment; write 2026-03-02, 2026-03-02T09:30, 2026-03-02T09:30:00+01:00, "
            "or how long ago: 90s, 15m, 2h, 3d"
        ) from None


def later(text: str, now: datetime) -> datetime:
    """The moment that is so long after now. Raises typer.BadParameter."""
    try:
        return now + duration(text)
    except OverflowError:
        raise typer.BadParameter(f"{text!r} is longer than time can be counted") from None


def duration(text: str) -> timedelta:
    """How long it is. Raises typer.BadParameter, and OverflowError for more than timedelta holds."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no duration; write 90s, 15m, 2h or 3d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def window(from_: str | None, to: str | None, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Both ends of a window. Raises typer.BadParameter when it holds nothing."""
    start = None if from_ is None else moment(from_, now)
    end = None if to is None else moment(to, now)
    if start is not None and end is not None and start >= end:
        raise typer.BadParameter(
            f"--from ({start:%Y-%m-%d %H:%M:%S} UTC) is not before --to ({end:%Y-%m-%d %H:%M:%S} UTC)"
        )
    return start, end
