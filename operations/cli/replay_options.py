"""What the verbs of `headrace replay` are told alike, and how they print what would change."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from headrace.events.providers import PROVIDERS
from operations.cli.moments import window
from operations.cli.options import Workspace
from operations.cli.printing import console

if TYPE_CHECKING:
    from operations.records.field_changes import DiffSummary
    from operations.replay.webhooks.window import Window

Text = Annotated[bool, typer.Option("--text", help="Print what people wrote, too.")]


@dataclass(frozen=True, kw_only=True)
class Received:
    """When the webhooks came, and whose they are."""

    from_: Annotated[str, typer.Option("--from", help="Received from then on: 2026-03-02, 2026-03-02T09:30, 3d ago.")]
    to: Annotated[str, typer.Option("--to", help="Received before; written like --from.")]
    workspace: Workspace = None

    def window(self, provider: str) -> "Window":
        """The webhooks of a provider. Raises typer.BadParameter."""
        from operations.replay.webhooks.window import Window

        if provider not in PROVIDERS:
            raise typer.BadParameter(f"{provider!r} is no provider; use one of {', '.join(PROVIDERS)}")
        start, end = window(self.from_, self.to, datetime.now(UTC))
        if start is None or end is None:
            raise typer.BadParameter("--from and --to are both needed")
        return Window(provider=provider, start=start, end=end, workspace=self.workspace)


def veil_examples(summary: "DiffSummary", *, text: bool) -> None:
    """Leaves in the examples what may be printed."""
    from operations.records.shown_changes import shown_example

    summary.examples = [shown_example(example, text=text) for example in summary.examples]


def print_changes(summary: "DiffSummary", things: str, heading: str) -> None:
    """Which fields of which things would change how often, and the examples."""
    table = Table(heading, title=f"{summary.things:,} {things} would change", title_justify="left")
    table.add_column(things, justify="right")
    for field, count in sorted(summary.fields.items()):
        table.add_row(field, f"{count:,}")
    if summary.things:
        console().print(table)
    for example in summary.examples:
        typer.echo(f"  {example.id}")
        for change in example.changes:
            typer.echo(f"    {change.field}: {change.before!r} → {change.after!r}")
