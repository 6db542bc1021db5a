"""`headrace ai dates`: which days and times a text names, how sure that is, and why."""

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from operations.cli.exit_status import refuse

if TYPE_CHECKING:
    from streams.ai.dates.mentions import Mention


def dates(
    text: Annotated[str, typer.Argument(help="A message, as a lead would write it.")],
    written: Annotated[
        str | None, typer.Option(help="When it was written, as 2026-11-30 or 2026-11-30T15:00. Now, unless given.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="The lead's time zone, by its IANA name.")] = "UTC",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Tell which days and times a text names, and when its author wants to hear from us again."""
    from streams.ai.follow_up_timing import explained_timing

    moment = _moment(written, timezone)
    read = explained_timing(text, moment, is_deferral=True)
    timing = read.timing
    found = _found(text, moment.date())
    if as_json:
        follow_up = timing.model_dump(mode="json") | {"why": read.why}
        typer.echo(json.dumps({"found": found, "follow_up": follow_up}, indent=2, ensure_ascii=False))
        return
    _print(found, Console())
    day = f"{timing.day} {timing.clock or ''}".strip() if timing.day else "asked about"
    typer.echo(f"Write again: {day} ({timing.precision}, confidence {timing.confidence:.2f}): {read.why}")


def _moment(written: str | None, timezone: str) -> datetime:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        refuse(f"There is no time zone {timezone!r}. Use an IANA name, such as Europe/Berlin.")
    if written is None:
        return datetime.now(UTC).astimezone(zone)
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        refuse(f"--written {written!r} is no date. Write it as 2026-11-30 or 2026-11-30T15:00.")
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _found(text: str, written: date) -> list[dict[str, Any]]:
    from streams.ai.dates.mentions import read_text

    read = read_text(text)
    return [_line(one, written) for one in sorted((*read.days, *read.clocks), key=lambda one: one.start)]


def _line(mention: "Mention", written: date) -> dict[str, Any]:
    spans = mention.meaning.spans(written) if mention.meaning is not None else ()
    times = mention.clock.readings if mention.clock is not None else ()
    return {
        "start": mention.start,
        "end": mention.end,
        "text": mention.text,
        "language": mention.language,
        "relation": mention.relation,
        "negated": mention.negated,
        "days": [[span.start.isoformat(), span.end.isoformat()] for span in spans],
        "times": [one.strftime("%H:%M") for one in times],
        "certainty": mention.meaning.certainty if mention.meaning is not None and len(spans) == 1 else None,
        "why": mention.why(written),
    }


def _print(found: list[dict[str, Any]], console: Console) -> None:
    table = Table("at", "words", "bound", "days or times", "sure", "why")
    for one in found:
        days = [first if first == last else f"{first} to {last}" for first, last in one["days"]]
        bound = f"not {one['relation']}" if one["negated"] else one["relation"]
        sure = "" if one["certainty"] is None else f"{one['certainty']:.2f}"
        table.add_row(str(one["start"]), one["text"], bound, " or ".join([*days, *one["times"]]), sure, one["why"])
    console.print(table)
