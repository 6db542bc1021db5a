"""`headrace refused`: the webhooks that were not taken, and why: what a provider's own log can't tell."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from operations.cli.acting import print_json
from operations.cli.moments import moment
from operations.cli.options import Json
from operations.cli.record_lines import moment_text, plain

if TYPE_CHECKING:
    from operations.refusals.refused import Refused

app = typer.Typer(add_completion=False)


@app.command()
def refused(
    last: Annotated[str, typer.Option("--last", help="How far back: 90s, 15m, 2h or 3d, a week at most.")] = "1h",
    as_json: Json = False,
) -> None:
    """Count what ingest refused: by path, status and reason, with whom the sender named where somebody looked.

    Nothing of a refused webhook is kept but these counts, every ten seconds, for a week. Under a flood only the first
    senders are looked at; the others are counted without a name.
    """
    from headrace.settings import Settings
    from operations.refusals.refused import refused_since

    found = refused_since(Settings(), moment(last, datetime.now(UTC)))
    if as_json:
        print_json(found)
        return
    typer.echo(f"Refused within the last {last}: {sum(one.count for one in found):,}.")
    for one in found:
        typer.echo(_line(one))


def _line(one: "Refused") -> str:
    """`12 times 401 unproven-sender at /webhooks/ghl, of location_id=L1, last 2026-03-02 09:00:10 UTC: …`."""
    account = f", of {plain(one.account)}" if one.account else ""
    why = f": {plain(one.why)}" if one.why else ""
    last = moment_text(one.last_at)
    return f"{one.count:,} times {one.status} {one.reason} at {one.route}{account}, last {last}{why}"
