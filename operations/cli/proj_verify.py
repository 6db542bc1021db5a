"""`headrace proj verify` and `headrace proj hash`: are two versions the same, and what do the live tables hold?"""

import getpass
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from operations.cli.refusals import told_plainly
from operations.versions.verify_options import WAIT_SECONDS, VerifyOptions
from projections.projection import Projection
from projections.registry import ALL_PROJECTIONS

if TYPE_CHECKING:
    from operations.versions.verify import ProjectionVerdict
    from operations.versions.version_difference import RowDifference, TableDifference

# Each verb imports what it works with: help, and the other verbs, should not wait for it.
# Options are a command's arguments.
# ruff: noqa: PLC0415, PLR0913, PLR0917

_NAMES = ", ".join(projection.name for projection in ALL_PROJECTIONS)
Name = Annotated[str | None, typer.Argument(help=f"A projection: {_NAMES}.", show_default=False)]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_SENTENCES = {
    "equal": "Equal: every row is the same in both versions.",
    "expected": "Only what you expected to change has changed.",
    "different": "DIFFERENT: the versions do not hold the same.",
    "behind": (
        "Nothing differs so far, but one version has not read what the other had when the comparison began, so that is "
        "unproven. Is it written by `headrace run projections`? Run verify again once it has caught up."
    ),
}


def verify(
    name: Name = None,
    every: Annotated[bool, typer.Option("--all", help="All projections that have a second version.")] = False,
    version: Annotated[
        int | None, typer.Option("--version", help="The version to judge; the newest complete one by default.")
    ] = None,
    against: Annotated[
        int | None, typer.Option("--against", help="The version to compare with; the live one by default.")
    ] = None,
    buckets: Annotated[
        int, typer.Option("--buckets", min=1, max=65_536, help="Parts in which to look for what differs.")
    ] = 256,
    show: Annotated[int, typer.Option("--show", min=0, max=10_000, help="Differing rows to name, of each table.")] = 20,
    expect_changed: Annotated[
        list[str] | None,
        typer.Option(
            "--expect-changed",
            metavar="COLUMNS",
            help="Columns that may differ, comma-separated: label, or message_labels.label for one table alone.",
        ),
    ] = None,
    values: Annotated[
        bool, typer.Option("--values", help="Show values of text too: what people wrote, names, addresses.")
    ] = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0.0, help="Seconds to wait until both stand at the same offsets.")
    ] = WAIT_SECONDS,
    as_json: _Json = False,
) -> None:
    """Compare two versions of a projection's tables, and name the rows that differ. Changes nothing.

    Each table has a hash of its content that does not depend on the order of rows; proj_rev, which only tells what
    wrote a row, is outside of it. Where hashes differ, the table is looked at in buckets, and rows are compared
    within those that differ.

    Both are compared as of the same offsets, in one snapshot. Under steady traffic that moment may not come: then
    keys that moved in between are left out and counted.

    Exit 0: equal, or only expected columns differ. Exit 1: different, or one version is behind. Exit 2: there is
    nothing to compare.
    """
    from headrace.settings import Settings
    from operations.runs.runs import begin
    from operations.versions.verify import check_expected, overall, pairs
    from operations.versions.verify import verify as run_verify

    settings, wanted = Settings(), projections(name, every=every)
    options = VerifyOptions(
        buckets=buckets,
        show=show,
        expect_changed=tuple(one.strip() for text in expect_changed or () for one in text.split(",") if one.strip()),
        all_values=values,
        wait_seconds=wait,
    )
    with told_plainly():
        compared = pairs(settings.database_url, wanted, version=version, against=against, lenient=every)
        check_expected(settings.database_url, compared, options.expect_changed)
        scope = {
            "pairs": [[one.projection.name, one.version, one.against] for one in compared],
            "buckets": buckets,
            "expect_changed": list(options.expect_changed),
        }
        # Reading disturbs nobody, so there is no subject to have for oneself.
        with begin(
            settings.database_url,
            verb="proj verify",
            subjects=(),
            scope=scope,
            started_by=getpass.getuser(),
            run_id=uuid4(),
        ) as run:
            verdicts = run_verify(settings, compared, options, run, lambda line: typer.echo(line, err=True))
    outcome = overall(verdicts)
    if as_json:
        report = {"outcome": outcome, "run_id": run.run.run_id, "projections": verdicts}
        typer.echo(msgspec.json.encode(report).decode())
    else:
        _show(verdicts)
        typer.echo(_SENTENCES[outcome])
    if outcome in ("different", "behind"):
        raise typer.Exit(1)


def hash_(name: Name = None, as_json: _Json = False) -> None:
    """Print a hash of what each live table holds: the same rows give the same hash, in whatever order they came.

    Two installations that read the same log agree, on one release of Postgres. proj_rev is not content.
    """
    from headrace.settings import Settings
    from operations.versions.verify import hash_content

    with told_plainly():
        contents = hash_content(Settings().database_url, projections(name, every=name is None))
    if as_json:
        typer.echo(msgspec.json.encode(contents).decode())
        return
    table = Table("projection", "table", title="Content", title_justify="left")
    table.add_column("rows", justify="right")
    table.add_column("hash")
    for one in contents:
        table.add_row(one.projection, one.table, f"{one.content.rows:,}", one.content.hash)
    Console().print(table)


def projections(name: str | None, *, every: bool) -> list[Projection]:
    """The projections a command was asked for. Raises typer.BadParameter."""
    if (name is None) != every:
        raise typer.BadParameter(f"give a projection ({_NAMES}), or --all for every one")
    found = [one for one in ALL_PROJECTIONS if every or one.name == name]
    if not found:
        raise typer.BadParameter(f"{name!r} is no projection; there are {_NAMES}")
    return found


def _show(verdicts: "Iterable[ProjectionVerdict]") -> None:
    for verdict in verdicts:
        title = f"{verdict.projection}: version {verdict.version} against version {verdict.against}"
        table = Table("table", "outcome", title=title, title_justify="left")
        for heading in ("rows", "rows against", "only in version", "only in against", "changed", "left out"):
            table.add_column(heading, justify="right")
        table.add_column("hash")
        for one in verdict.tables:
            counts = (
                one.version.rows,
                one.against.rows,
                one.only_in_version,
                one.only_in_against,
                one.changed_rows,
                one.left_out,
            )
            hashes = one.version.hash + ("" if one.version == one.against else f" / {one.against.hash}")
            table.add_row(one.table, one.outcome, *(f"{count:,}" for count in counts), hashes)
        Console().print(table)
        _show_offsets(verdict)
        for one in verdict.tables:
            _show_table(one, verdict)


def _show_offsets(verdict: "ProjectionVerdict") -> None:
    if not verdict.same_offsets:
        typer.echo(
            f"The two did not come to the same offsets: {verdict.apart:,} records are read by one of them alone. Keys "
            "that these records touch are left out; everything else is compared."
        )
    elif any(one.left_out for one in verdict.tables):
        typer.echo("Rows made from records that the log no longer has are left out: one version never saw them.")


def _show_table(table: "TableDifference", verdict: "ProjectionVerdict") -> None:
    if table.unmatched_columns:
        typer.echo(f"  {table.table}: in one version alone: {', '.join(table.unmatched_columns)}")
    for column, count in sorted(table.changed.items(), key=lambda pair: -pair[1]):
        typer.echo(f"  {table.table}.{column} differs in {count:,} rows")
    for row in table.rows:
        typer.echo(f"  {table.table} {_row(row, verdict)}")
    total = table.only_in_version + table.only_in_against + table.changed_rows
    if table.rows and total > len(table.rows):
        typer.echo(f"  … {total:,} rows of {table.table} differ in all: --show names more")


def _row(row: "RowDifference", verdict: "ProjectionVerdict") -> str:
    key = ", ".join(f"{name}={_value(value)}" for name, value in row.key.items())
    if row.kind != "changed":
        where = verdict.version if row.kind == "only in version" else verdict.against
        return f"{key} ({row.place}): only in version {where}"
    changes = "; ".join(
        f"{name} {_value(change.against)} → {_value(change.version)}" for name, change in row.columns.items()
    )
    return f"{key} ({row.place}): {changes}"


def _value(value: Any) -> str:
    return "null" if value is None else str(value)
