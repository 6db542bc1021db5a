"""`headrace proj verify` and `headrace proj hash`: are two versions the same, and what do the live tables hold?"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from operations.cli.acting import begin_run, print_json, say
from operations.cli.options import Json, takes_groups
from operations.cli.printing import console
from operations.cli.proj_options import Name, one_or_every
from operations.versions.verify_options import WAIT_SECONDS, VerifyOptions

if TYPE_CHECKING:
    from operations.versions.verify import ProjectionVerdict
    from operations.versions.version_difference import RowDifference, TableDifference

_SENTENCES = {
    "equal": "Equal: every row is the same in both versions.",
    "expected": "Only what you expected to change has changed.",
    "different": "DIFFERENT: the versions do not hold the same.",
    "behind": (
        "Nothing differs so far, but one version has not read what the other had when the comparison began, so that is "
        "unproven. Is it written by `headrace run projections`? Run verify again once it has caught up."
    ),
}


@dataclass(frozen=True, kw_only=True)
class Versions:
    """Which versions are compared."""

    name: Name = None
    every: Annotated[bool, typer.Option("--all", help="All projections that have a second version.")] = False
    version: Annotated[
        int | None, typer.Option("--version", help="The version to judge; the newest complete one by default.")
    ] = None
    against: Annotated[
        int | None, typer.Option("--against", help="The version to compare with; the live one by default.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class Comparing:
    """How they are compared."""

    buckets: Annotated[
        int, typer.Option("--buckets", min=1, max=65_536, help="Parts in which to look for what differs.")
    ] = 256
    show: Annotated[int, typer.Option("--show", min=0, max=10_000, help="Differing rows to name, of each table.")] = 20
    expect_changed: Annotated[
        list[str] | None,
        typer.Option(
            "--expect-changed",
            metavar="COLUMNS",
            help="Columns that may differ, comma-separated: label, or message_labels.label for one table alone.",
        ),
    ] = None
    values: Annotated[
        bool, typer.Option("--values", help="Show values of text too: what people wrote, names, addresses.")
    ] = False
    wait: Annotated[
        float, typer.Option("--wait", min=0.0, help="Seconds to wait until both stand at the same offsets.")
    ] = WAIT_SECONDS

    def options(self) -> VerifyOptions:
        """The same, as the comparison is asked for it."""
        columns = (column.strip() for columns in self.expect_changed or () for column in columns.split(","))
        return VerifyOptions(
            buckets=self.buckets,
            show=self.show,
            expect_changed=tuple(filter(None, columns)),
            all_values=self.values,
            wait_seconds=self.wait,
        )


@takes_groups
def verify(wanted: Versions, comparing: Comparing, as_json: Json = False) -> None:
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
    from operations.versions.verify import check_expected, overall, pairs
    from operations.versions.verify import verify as compare

    settings, options = Settings(), comparing.options()
    url, projections = settings.database_url, one_or_every(wanted.name, every=wanted.every)
    compared = pairs(url, projections, version=wanted.version, against=wanted.against, lenient=wanted.every)
    check_expected(url, compared, options.expect_changed)
    scope = {
        "pairs": [[pair.projection.name, pair.version, pair.against] for pair in compared],
        "buckets": options.buckets,
        "expect_changed": list(options.expect_changed),
    }
    # Reading disturbs nobody, so there is no subject to have for oneself.
    with begin_run(settings, "proj verify", (), scope) as run:
        verdicts = compare(settings, compared, options, run, say)
    outcome = overall(verdicts)
    if as_json:
        print_json({"outcome": outcome, "run_id": run.run.run_id, "projections": verdicts})
    else:
        _print(verdicts)
        typer.echo(_SENTENCES[outcome])
    if outcome in ("different", "behind"):
        raise typer.Exit(1)


def hash_(name: Name = None, as_json: Json = False) -> None:
    """Print a hash of what each live table holds: the same rows give the same hash, in whatever order they came.

    Two installations that read the same log agree, on one release of Postgres. proj_rev is not content.
    """
    from headrace.settings import Settings
    from operations.versions.verify import hash_content

    contents = hash_content(Settings().database_url, one_or_every(name, every=name is None))
    if as_json:
        print_json(contents)
        return
    table = Table("projection", "table", title="Content", title_justify="left")
    table.add_column("rows", justify="right")
    table.add_column("hash")
    for content in contents:
        table.add_row(content.projection, content.table, f"{content.content.rows:,}", content.content.hash)
    console().print(table)


def _print(verdicts: "Iterable[ProjectionVerdict]") -> None:
    for verdict in verdicts:
        title = f"{verdict.projection}: version {verdict.version} against version {verdict.against}"
        table = Table("table", "outcome", title=title, title_justify="left")
        for heading in ("rows", "rows against", "only in version", "only in against", "changed", "left out"):
            table.add_column(heading, justify="right")
        table.add_column("hash")
        for difference in verdict.tables:
            table.add_row(*_cells(difference))
        console().print(table)
        _print_offsets(verdict)
        for difference in verdict.tables:
            _print_differences(difference, verdict)


def _cells(table: "TableDifference") -> list[str]:
    version, against = table.version, table.against
    rows = (version.rows, against.rows)
    differing = (table.only_in_version, table.only_in_against, table.changed_rows, table.left_out)
    hashes = version.hash if version == against else f"{version.hash} / {against.hash}"
    return [table.table, table.outcome, *(f"{count:,}" for count in (*rows, *differing)), hashes]


def _print_offsets(verdict: "ProjectionVerdict") -> None:
    if not verdict.same_offsets:
        typer.echo(
            f"The two did not come to the same offsets: {verdict.apart:,} records are read by one of them alone. Keys "
            "that these records touch are left out; everything else is compared."
        )
    elif any(table.left_out for table in verdict.tables):
        typer.echo("Rows made from records that the log no longer has are left out: one version never saw them.")


def _print_differences(table: "TableDifference", verdict: "ProjectionVerdict") -> None:
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
