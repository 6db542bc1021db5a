"""`headrace proj status`: once, or again and again: on a terminal in place, elsewhere a line every two seconds."""

import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from operations.cli.acting import print_json, say
from operations.cli.printing import console
from operations.cli.stage_lines import stage_lines
from operations.runs.progress_lines import TELL_SECONDS, duration

if TYPE_CHECKING:
    from headrace.settings import Settings
    from headrace.stages import StageAge
    from operations.versions.status import ProjectionStatus

_Watch = Annotated[bool, typer.Option("--watch", help="Go on until Ctrl-C.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON; with --watch one list a line.")]
_Over = Annotated[
    float, typer.Option("--over", min=0.1, max=600, help="Seconds between two readings: speed is what happens between.")
]


def status(watch: _Watch = False, over: _Over = TELL_SECONDS, as_json: _Json = False) -> None:
    """Show how far each projection is behind the broker, how fast it goes and when it was last seen alive.

    Exit 1 when one is stale, late, behind without moving although it is followed, or ahead of the log; and when a stage
    before the rows is late: then the newest webhooks are not even records yet that could be behind.
    """
    from headrace.settings import Settings
    from headrace.stages import late

    settings = Settings()
    last: list[ProjectionStatus] = []
    stages: tuple[StageAge, ...] = ()
    try:
        readings = _readings(settings, over)
        if not watch:
            next(readings)
            last, stages = next(readings)
            _print(last, as_json=as_json)
        elif as_json or not sys.stdout.isatty():
            for last, stages in readings:
                if as_json:
                    print_json(last)
                else:
                    typer.echo("; ".join([_line(last, datetime.now(UTC)), *stage_lines(stages)]))
        else:
            from rich.live import Live

            with Live(console=Console()) as live:
                for last, stages in readings:
                    live.update(_table(last, stages), refresh=True)
    except KeyboardInterrupt:
        pass
    if as_json or not watch:
        # Beside the JSON, which is a list of projections.
        for line in stage_lines(stages):
            say(line)
    if late(stages) or not all(status.is_well for status in last):
        raise typer.Exit(1)


def _readings(settings: "Settings", over: float) -> "Iterator[tuple[list[ProjectionStatus], tuple[StageAge, ...]]]":
    from headrace.kafka.log_offsets import LogOffsets
    from operations.versions.status import StatusOverTime, read_now, topics_of

    together, log = StatusOverTime(topics_of(settings)), LogOffsets(settings)
    while True:
        reading = read_now(settings, log)
        yield together.take(reading), reading.stages
        time.sleep(over)


def _print(statuses: "list[ProjectionStatus]", *, as_json: bool) -> None:
    from operations.versions.status import STALE_SECONDS

    if as_json:
        print_json(statuses)
        return
    console().print(_table(statuses))
    stale = ", ".join(status.projection for status in statuses if status.is_stale)
    if stale:
        typer.echo(f"Stale: {stale}. No sign of life for {STALE_SECONDS:.0f} s: is `headrace run projections` running?")
    standing = ", ".join(status.projection for status in statuses if status.standing_seconds is not None)
    if standing:
        typer.echo(
            f"Not moving: {standing}. The worker is alive and has these partitions, but no record became a row: see "
            "its log, and look for locks in Postgres. A worker that stays so ends itself, to be restarted."
        )
    late = [status for status in statuses if status.is_late]
    if late:
        behind = ", ".join(f"{status.projection} for {duration(status.oldest_seconds or 0.0)}" for status in late)
        typer.echo(f"Late: {behind}: since then records wait to become rows. Views don't show them yet.")


def _table(statuses: "list[ProjectionStatus]", stages: "Sequence[StageAge]" = ()) -> Table:
    table = Table("projection", "topic", title="Projections", title_justify="left", caption_justify="left")
    table.caption = "\n".join(stage_lines(stages)) or None
    for heading in ("lag", "events/s", "ETA", "heartbeat", "dead letters"):
        table.add_column(heading, justify="right")
    table.add_column("state")
    for status in statuses:
        age, speed = status.heartbeat_age_seconds, status.events_per_second
        table.add_row(
            status.projection,
            status.topic,
            f"{status.lag:,}",
            "" if speed is None else f"{speed:,.0f}",
            _eta(status),
            "never" if age is None else f"{age:,.0f} s ago",
            f"{status.open_dead_letters:,}",
            _state(status),
        )
    return table


def _line(statuses: "list[ProjectionStatus]", now: datetime) -> str:
    """`09:00:02 leads 1,200 behind, 300/s, 4 s left; jobs 0 behind, 12/s`."""
    return f"{now:%H:%M:%S} " + "; ".join(map(_progress, statuses))


def _progress(status: "ProjectionStatus") -> str:
    parts = [f"{status.projection} {status.lag:,} behind"]
    if status.events_per_second is not None:
        parts.append(f"{status.events_per_second:,.0f}/s")
    if status.lag and _eta(status):
        parts.append(f"{_eta(status)} left")
    if not status.is_well:
        parts.append(_state(status).upper())
    return ", ".join(parts)


def _eta(status: "ProjectionStatus") -> str:
    if status.eta_seconds is None:
        return ""
    return duration(status.eta_seconds) if status.lag else "none"


def _state(status: "ProjectionStatus") -> str:
    if status.beyond_end:
        return f"{status.beyond_end:,} ahead of the log"
    if status.is_stale:
        return "stale"
    if status.standing_seconds is not None:
        return f"not moving for {status.standing_seconds:,.0f} s"
    if status.is_late:
        return f"late by {duration(status.oldest_seconds or 0.0)}"
    return "behind" if status.lag else "up to date"
