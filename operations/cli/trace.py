"""`headrace trace ID`: one message's, job's or webhook's whole story as a tree."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from operations.cli.acting import print_json, say
from operations.cli.moments import From, To, window
from operations.cli.options import takes_groups
from operations.cli.record_lines import fields_text, moment_text, plain
from operations.trace.trace_options import LIMIT, MOST, TraceOptions

if TYPE_CHECKING:
    from operations.trace.node import Node
    from operations.trace.tracing import Trace

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, kw_only=True)
class Looking:
    """How far to look, and what to show."""

    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="Messages of a lead, the newest.")] = LIMIT
    depth: Annotated[
        int | None, typer.Option("--depth", min=1, help="Levels of the tree to show.", show_default=False)
    ] = None
    text: Annotated[bool, typer.Option("--text", help="Show what people and models wrote, not only its length.")] = (
        False
    )
    raw: Annotated[bool, typer.Option("--raw", help="Show the raw body of each webhook, secrets hidden.")] = False
    from_: From = None
    to: To = None
    most: Annotated[
        int, typer.Option("--most", min=1, help="Records of the log that a search goes through at most.")
    ] = MOST

    def options(self) -> TraceOptions:
        """The same, as a trace is asked for it. Raises typer.BadParameter."""
        start, end = window(self.from_, self.to, datetime.now(UTC))
        shown = TraceOptions(limit=self.limit, depth=self.depth, texts=self.text, raw=self.raw)
        return msgspec.structs.replace(shown, from_=start, to=end, most=self.most)


@app.command()
@takes_groups
def trace(
    id_: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Of a webhook, message, job, AI call, lead or draft; a dedupe key, a provider's id of a message, the "
            "beginning of any of them (8 characters or more); a lead's e-mail address, phone number, LinkedIn profile "
            "or name; or a place such as messages[3]@1042.",
            show_default=False,
        ),
    ],
    looking: Looking,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Tell the whole story of an id: the raw request, its verdict, the message, its jobs, AI calls and conclusions.

    Postgres tells where the records stand, and only those are read. What is in the log and in no row yet is looked for
    there; with --from the log itself is searched. Exit 0: found. Exit 1: not found, or the text fits several.
    Exit 2: it can't be looked for, or was not found while Postgres or Kafka could not be asked.
    """
    from headrace.settings import Settings
    from operations.records.record_filter import UnknownTopic
    from operations.trace.naming import TooShort
    from operations.trace.tracing import trace as follow

    options = looking.options()
    try:
        story = follow(Settings(), id_, options)
    except (TooShort, UnknownTopic) as error:
        raise typer.BadParameter(str(error)) from None
    if as_json:
        print_json(story)
    else:
        _print(story)
    if not story.trees:
        # Who could not ask everybody does not know that nothing is known.
        raise typer.Exit(2 if story.problems and not story.candidates else 1)


def _print(story: "Trace") -> None:
    for problem in story.problems:
        say(problem)
    if story.candidates:
        typer.echo(f"{story.asked_for!r} fits {len(story.candidates)}; give more of it, or one of these ids:")
        for candidate in story.candidates:
            typer.echo(f"  {candidate.kind} {candidate.id} of {candidate.workspace}, {moment_text(candidate.at)}")
        return
    if not story.trees:
        unknown = "Whether anything is known can't be told" if story.problems else "Nothing is known"
        say(f"{unknown} of {story.asked_for!r}. Looked for it in:")
        for place in story.searched or ["nothing"]:
            say(f"  {place}")
        return
    for node in story.trees:
        typer.echo("\n".join(_drawn(node)))
    _print_unfinished(story)


def _print_unfinished(story: "Trace") -> None:
    looked = story.looked
    for open_ in story.unfinished:
        since = "" if open_.since is None else f", since {moment_text(open_.since)}"
        lag = "" if open_.lag is None else f"; {open_.lag:,} records to read until then"
        typer.echo(f"NOT FINISHED at {open_.stage}: {plain(open_.what)}{since}{lag}")
    if not story.unfinished and not story.problems:
        typer.echo("Finished: nothing of it is open.")
    for gap in looked.gaps:
        say(f"Not found: {plain(gap)}.")
    left = f", {looked.left_out:,} were too many (--most)" if looked.left_out else ""
    say(f"Read {looked.places:,} records where rows stand; searched {looked.gone_through:,}{left}.")


def _drawn(node: "Node") -> Iterator[str]:
    """The node and what is below it. Lines stay whole, however narrow the terminal: ids are there to be copied."""
    for number, line in enumerate(_lines(node)):
        yield line if number == 0 else f"{'│' if node.children else ' '}   {line}"
    for child in node.children:
        is_last = child is node.children[-1]
        for number, line in enumerate(_drawn(child)):
            branch = "└── " if is_last else "├── "
            yield (branch if number == 0 else "    " if is_last else "│   ") + line


def _lines(node: "Node") -> list[str]:
    asked = "  <- asked for" if node.is_asked_for else ""
    head = " ".join(part for part in (node.what, plain(node.title), plain(node.id)) if part)
    lines = [f"{head}{_when(node)}{asked}"]
    size = "" if node.size is None else f"{node.size:,} bytes"
    row = f"{node.row} ({fields_text(_plain(node.key))})" if node.row else ""
    where = "  ".join(part for part in (node.place, size, row) if part)
    lines += [where] if where else []
    lines += [fields_text(_plain(node.says))] if node.says else []
    lines += [f"! {plain(note)}" for note in node.notes]
    if node.raw is not None:
        lines += [f"| {plain(line)}" for line in node.raw.splitlines() or [""]]
    return lines


def _when(node: "Node") -> str:
    if node.at is None:
        return ""
    after = "" if node.after_ms is None else f" ({node.after_ms / 1000:+,.3f} s)"
    return f"  {moment_text(node.at)}{after}"


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Times as people read them."""
    return {name: moment_text(value) if isinstance(value, datetime) else value for name, value in values.items()}
