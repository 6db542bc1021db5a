"""`headrace topics …`: the broker's side of the contracts, and what stands in the topics."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from headrace.events.records import Record
from headrace.events.topics import ALL_TOPICS, Topic
from operations.cli.acting import print_json, say
from operations.cli.moments import From, To, window
from operations.cli.options import JsonTable, Workspace, takes_groups
from operations.cli.printing import console
from operations.cli.record_lines import lines_of
from operations.cli.topic_truncation import truncated

if TYPE_CHECKING:
    from headrace.kafka.topics import TopicState
    from headrace.settings import Settings
    from operations.records.record_filter import RecordFilter
    from operations.records.topic_reader import Scanned

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.command()(truncated)

#: Seconds between two lines of progress.
_PROGRESS_EVERY = 2.0

_Lines = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
_Text = Annotated[
    bool, typer.Option("--text", "--body", help="Show message texts and the bodies of webhooks. Never shows secrets.")
]
_Topics = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TOPIC", help="Such as messages, or webhooks.*; all topics without any.", show_default=False
    ),
]


@dataclass(frozen=True, kw_only=True)
class RecordOptions:
    """Which records: those that fit every option."""

    key: Annotated[
        str | None, typer.Option("--key", help="Only with this key; reads only the partition it lives in.")
    ] = None
    workspace: Workspace = None
    lead: Annotated[str | None, typer.Option("--lead", help="Only what is about this lead, or names it.")] = None
    type_: Annotated[
        str | None,
        typer.Option("--type", help="Only of this type: message.received, or one version: message.received.v1."),
    ] = None
    receipt: Annotated[
        str | None, typer.Option("--receipt", help="Only what this webhook caused, or what names it.")
    ] = None

    def filter(self) -> "RecordFilter":
        """The same, as the topics' reader is asked for it."""
        from operations.records.record_filter import RecordFilter

        lead_id, receipt_id = _plain_id(self.lead), _plain_id(self.receipt)
        return RecordFilter(
            key=self.key, workspace=self.workspace, lead_id=lead_id, type=self.type_, receipt_id=receipt_id
        )


@app.command()
def create(as_json: JsonTable = False) -> None:
    """Create the topics that are missing. Existing ones keep their settings and records."""
    from headrace.kafka.topics import create_topics
    from headrace.settings import Settings

    settings = Settings()
    created = create_topics(settings)
    unmended = _states_to_mend(settings)
    if as_json:
        typer.echo(json.dumps({"created": list(created)}))
        return
    for name in created:
        typer.echo(f"created {name}")
    typer.echo(f"{len(created)} created, {len(ALL_TOPICS) - len(created)} there before")
    _say_what_to_mend(unmended)


@app.command("list")
def list_(as_json: JsonTable = False) -> None:
    """List every topic as it is on the broker, the changelogs of the workers' tables included."""
    from headrace.kafka.topics import MIN_INSYNC, describe_changelogs, describe_topics
    from headrace.settings import Settings

    settings = Settings()
    states = [*describe_topics(settings), *describe_changelogs(settings)]
    if as_json:
        typer.echo(json.dumps([_state_json(state) for state in states], indent=2))
        return
    table = Table("topic", "partitions", "replicas", "of which must have it", "kept", "differs from its declaration")
    for state in states:
        differences = [f"{name} is {actual}, not {declared}" for name, (declared, actual) in state.differences.items()]
        partitions = str(state.partitions) if state.partitions else "missing: run `headrace topics create`"
        kept = "newest of each key" if state.topic is None else _kept(state.topic)
        replicas, needed = str(state.replicas or ""), state.config.get(MIN_INSYNC, "")
        table.add_row(state.name, partitions, replicas, needed, kept, ", ".join(differences))
    console().print(table)
    for state in states:
        if state.is_thin:
            say(
                f"WARNING: {state.name} has {state.replicas} replicas, and one of them is enough to acknowledge a "
                "record: when its broker is lost, so is what was answered 200."
            )
    _say_what_to_mend([state for state in states if state.mended])


@app.command()
def mend(
    execute: Annotated[bool, typer.Option("--execute", help="Set them. Without it, nothing is changed.")] = False,
    as_json: JsonTable = False,
) -> None:
    """Show, or with --execute set, what topics need to lose nothing and stop nothing: sizes and in-sync replicas.

    Retention is never changed, and more room or more replicas than declared are left as they are.
    """
    from headrace.kafka.topics import mend_topics
    from headrace.settings import Settings

    settings = Settings()
    states = _states_to_mend(settings)
    if execute:
        mend_topics(settings, states)
    if as_json:
        typer.echo(json.dumps({"executed": execute, "topics": {state.name: state.mended for state in states}}))
        return
    for state in states:
        for name, value in state.mended.items():
            typer.echo(f"{state.name}: {name} is {state.config[name]}, {'set to' if execute else 'to be'} {value}")
    if not states:
        typer.echo("every topic has what it needs")
    elif not execute:
        typer.echo("nothing was changed: --execute sets it")


def _states_to_mend(settings: "Settings") -> "list[TopicState]":
    from headrace.kafka.topics import describe_changelogs, describe_topics

    states = [*describe_topics(settings), *describe_changelogs(settings)]
    return [state for state in states if state.mended]


def _say_what_to_mend(states: "list[TopicState]") -> None:
    if states:
        names = ", ".join(state.name for state in states)
        say(f"`headrace topics mend` shows what to change of {names}; --execute sets it.")


@app.command()
def describe(
    asyncapi: Annotated[bool, typer.Option("--asyncapi", help="Print the AsyncAPI 3 document.")] = False,
    as_json: JsonTable = False,
) -> None:
    """Describe the declared topics: key, content, writer, readers. Needs no broker."""
    from importlib.metadata import version

    from headrace.events.asyncapi import asyncapi_document
    from headrace.settings import Settings

    settings = Settings()
    if asyncapi:
        typer.echo(json.dumps(asyncapi_document(settings.topic_prefix, version("headrace")), indent=2))
        return
    if as_json:
        typer.echo(json.dumps([_topic_json(topic, settings) for topic in ALL_TOPICS], indent=2))
        return
    table = Table("topic", "key", "carries", "written by", "read by", "kept")
    for topic in ALL_TOPICS:
        name = settings.topic(topic)
        table.add_row(name, topic.key, topic.carries, topic.writer, ", ".join(topic.readers), _kept(topic))
    console().print(table)


@app.command()
@takes_groups
def find(
    names: _Topics = None,
    from_: From = None,
    to: To = None,
    *,
    options: RecordOptions,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Stop after so many, the earliest first.")] = 1000,
    text: _Text = False,
    as_json: _Lines = False,
) -> None:
    """Find records in a window of time, decoded, in the order in which the broker got them.

    Times are the broker's. Its index gives the offsets, so only the window is read, all partitions at once. Records
    that can't be decoded are shown as such. Exit 0: found. Exit 1: nothing matches. Exit 2: Kafka can't be asked.

    headrace topics find messages jobs --lead 0f0c… --from 2h

    headrace topics find 'webhooks.*' --workspace acme --from 2026-03-02T09:00 --to 2026-03-02T09:30 --json
    """
    from headrace.settings import Settings
    from operations.records.topic_reader import find as find_records

    start, end = window(from_, to, datetime.now(UTC))
    settings, progress, shown = Settings(), _Progress(), 0
    show = _printer(settings, text=text, as_json=as_json)
    topics, wanted = _names_on_broker(settings, names), options.filter()
    for record in find_records(settings, topics, wanted, from_=start, to=end, limit=limit, progress=progress.tell):
        show(record)
        shown += 1
    say(progress.summary(shown, limit))
    if not shown:
        raise typer.Exit(1)


@app.command()
@takes_groups
def tail(
    names: _Topics = None,
    last: Annotated[int, typer.Option("--last", min=0, help="Begin with the newest so many that match.")] = 10,
    *,
    options: RecordOptions,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Stop after so many.", show_default=False)] = None,
    text: _Text = False,
    as_json: _Lines = False,
) -> None:
    """Show the newest records, decoded, and go on with those that are written. Ctrl-C ends it.

    headrace topics tail dead-letters --last 3

    headrace topics tail jobs enrichments --workspace acme --json | jq .event
    """
    from headrace.settings import Settings

    settings = Settings()
    show = _printer(settings, text=text, as_json=as_json)
    with suppress(KeyboardInterrupt):
        topics, newest = _names_on_broker(settings, names), last if limit is None else min(last, limit)
        for record in islice(_newest_and_next(settings, topics, options.filter(), newest), limit):
            show(record)


def _newest_and_next(settings: "Settings", topics: list[str], wanted: "RecordFilter", newest: int) -> Iterator[Record]:
    from headrace.kafka.log_offsets import LogOffsets
    from operations.records.topic_reader import follow
    from operations.records.topic_reader import newest as newest_records

    ranges = LogOffsets(settings).ranges(topics)
    yield from newest_records(settings, ranges, wanted, newest)
    ends = {place: offsets.end for place, offsets in wanted.ranges(ranges).items()}
    yield from follow(settings, ends, wanted, _say_trouble)


def _plain_id(text: str | None) -> str | None:
    return None if text is None else text.strip().lower()


def _names_on_broker(settings: "Settings", names: list[str] | None) -> list[str]:
    from operations.records.record_filter import UnknownTopic, topics_named

    try:
        return [settings.topic(topic) for topic in topics_named(names or [], settings.topic_prefix)]
    except UnknownTopic as error:
        raise typer.BadParameter(str(error)) from None


def _printer(settings: "Settings", *, text: bool, as_json: bool) -> Callable[[Record], None]:
    from operations.records.shown_record import Shower

    shower = Shower(settings, texts=text)

    def show(record: Record) -> None:
        shown = shower.show(record)
        if as_json:
            print_json(shown)
        else:
            typer.echo("\n".join(lines_of(shown)))

    return show


def _say_trouble(reason: str) -> None:
    say(f"Kafka can't be read ({reason}); waiting for it." if reason else "Kafka can be read again.")


class _Progress:
    """Says every two seconds how far a scan is."""

    def __init__(self) -> None:
        from operations.records.topic_reader import Scanned

        self._began = self._told = time.monotonic()
        self._counts = Scanned()

    def tell(self, counts: "Scanned") -> None:
        self._counts = counts
        now = time.monotonic()
        if now - self._told >= _PROGRESS_EVERY:
            self._told = now
            say(f"read {counts.read:,} of {counts.total:,} records, {counts.found:,} found")

    def summary(self, shown: int, limit: int) -> str:
        counts, seconds = self._counts, time.monotonic() - self._began
        read = f"{counts.read:,} of the {counts.total:,} records in the window read in {seconds:.1f} s"
        if shown == limit:
            return f"Stopped at --limit {limit:,}, more may follow; {read}."
        if shown:
            return f"{shown:,} found; {read}."
        return f"Nothing matches; {read}. A wider --from or --to, or fewer conditions, may find it."


def _state_json(state: "TopicState") -> dict[str, Any]:
    differences = {
        name: {"declared": declared, "found": actual} for name, (declared, actual) in state.differences.items()
    }
    return {
        "topic": None if state.topic is None else state.topic.name,
        "name": state.name,
        "partitions": state.partitions,
        "replicas": state.replicas,
        "config": state.config,
        "differences": differences,
    }


def _topic_json(topic: Topic, settings: "Settings") -> dict[str, Any]:
    from headrace.events.asyncapi import events_of
    from headrace.kafka.topics import topic_config

    return {
        "topic": topic.name,
        "name": settings.topic(topic),
        "key": topic.key,
        "carries": topic.carries,
        "events": list(events_of(topic)),
        "writer": topic.writer,
        "readers": list(topic.readers),
        "partitions": settings.partitions,
        "config": topic_config(topic, settings),
    }


def _kept(topic: Topic) -> str:
    if topic.compacted:
        return "newest of each key"
    return "for ever" if topic.retention is None else f"{topic.retention.days} days"
