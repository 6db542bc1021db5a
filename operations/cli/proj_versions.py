"""`headrace proj versions|promote|rollback|drop`: which version of a projection's tables is read, and which ones go."""

import getpass
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from operations.cli.refusals import told_plainly

if TYPE_CHECKING:
    import psycopg

    from headrace.settings import Settings
    from projections.versions import Version

# Each verb imports what it works with: help, and the other verbs, should not wait for it.
# ruff: noqa: PLC0415

_Name = Annotated[str, typer.Argument(help="The projection, such as leads.")]
_Names = Annotated[list[str] | None, typer.Argument(help="The projections, such as leads.", show_default=False)]
_All = Annotated[bool, typer.Option("--all", help="Every projection that has such a version.")]
_Execute = Annotated[bool, typer.Option("--execute", help="Act. Without it, only the plan is printed.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Version = Annotated[
    int | None, typer.Option("--version", help="This version of one projection; without it the newest complete one.")
]
_Gone = Annotated[int, typer.Option("--version", help="The version to remove.")]
_Behind = Annotated[bool, typer.Option("--allow-behind", help="Also while it lacks records that the live one has.")]


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """One projection's part of a plan."""

    projection: str
    version: int
    state: str
    #: Records that the live version has, and this one has not.
    lacks: int
    is_refused: bool


def list_versions(as_json: _Json = False) -> None:
    """List the versions of every projection's tables, and which one is live."""
    from headrace.settings import Settings

    with told_plainly():
        found = _versions(Settings())
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    table = Table(
        "projection", "version", "state", "revision", "run", "problem", title="Versions", title_justify="left"
    )
    for one in found:
        run = "" if one.run_id is None else str(one.run_id)
        table.add_row(one.projection, str(one.version), one.state, str(one.rev or ""), run, one.problem or "")
    Console().print(table)


def promote(
    names: _Names = None,
    all_: _All = False,
    version: _Version = None,
    allow_behind: _Behind = False,
    execute: _Execute = False,
    as_json: _Json = False,
) -> None:
    """Make other versions live: all views in one transaction. Those before are kept for `rollback`."""
    from headrace.settings import Settings
    from operations.cli.proj_rebuild import chosen
    from operations.versions.swap import PROMOTE, target_of_promotion

    wanted = chosen(names, all_=all_)
    if version is not None and len(wanted) > 1:
        raise typer.BadParameter("--version belongs to one projection: name it")
    settings = Settings()
    with told_plainly():
        found = _versions(settings)
        targets = _targets(wanted, lambda name: target_of_promotion(found, name, version), all_=all_)
        _change_over(settings, targets, PROMOTE, execute=execute, allow_behind=allow_behind, as_json=as_json)


def rollback(
    names: _Names = None,
    all_: _All = False,
    allow_behind: _Behind = False,
    execute: _Execute = False,
    as_json: _Json = False,
) -> None:
    """Make the versions live again that were before the last promotion, in one transaction."""
    from headrace.settings import Settings
    from operations.cli.proj_rebuild import chosen
    from operations.versions.swap import ROLLBACK, target_of_rollback

    wanted, settings = chosen(names, all_=all_), Settings()
    with told_plainly():
        found = _versions(settings)
        targets = _targets(wanted, lambda name: target_of_rollback(found, name), all_=all_)
        _change_over(settings, targets, ROLLBACK, execute=execute, allow_behind=allow_behind, as_json=as_json)


def drop(name: _Name, version: _Gone, execute: _Execute = False, as_json: _Json = False) -> None:
    """Remove the tables of a version that is not live. The log can bring them back."""
    from headrace.settings import Settings
    from operations.versions.swap import DROP, droppable

    settings = Settings()
    with told_plainly():
        target = droppable(_versions(settings), name, version)
        if not as_json:
            typer.echo(f"Drops the tables of {name} version {version}, which is {target.state}, and its positions.")
        run_id = _run(settings, DROP, [target]) if execute else None
    if as_json:
        report = {"executed": execute, "run_id": run_id, "projection": name, "version": version, "state": target.state}
        typer.echo(msgspec.json.encode(report).decode())
    else:
        typer.echo("Dropped." if execute else "Nothing was done. Add --execute to drop them.")


def _targets(names: Sequence[str], choose: "Callable[[str], Version]", *, all_: bool) -> "list[Version]":
    """What is chosen of each. With --all, projections that have nothing to offer are left out, unless none has."""
    from operations.versions.swap import SwapRefused

    found: list[Version] = []
    refused: SwapRefused | None = None
    for name in names:
        try:
            found.append(choose(name))
        except SwapRefused as error:
            refused = error
            if not all_:
                raise
    if not found and refused is not None:
        raise refused
    return found


def _change_over(
    settings: "Settings", targets: "list[Version]", verb: str, *, execute: bool, allow_behind: bool, as_json: bool
) -> None:
    import psycopg

    from projections.connection import libpq_url

    with psycopg.connect(libpq_url(settings.database_url), autocommit=True, connect_timeout=5) as connection:
        changes = [_change(connection, target, allow_behind=allow_behind) for target in targets]
    refused = [change for change in changes if change.is_refused]
    if not as_json:
        for change in changes:
            typer.echo(
                f"All views that read {change.projection} change over to version {change.version} at once; it lacks "
                f"{change.lacks:,} records that the live version has. AI cost 0."
            )
    if refused:
        names = ", ".join(f"{change.projection} version {change.version} ({change.state})" for change in refused)
        typer.echo(
            f"Refused for {names}: the rows would step back in time. `headrace run projections` keeps every version "
            "that is not frozen up to date: wait until it has caught up (`headrace proj versions` tells of problems), "
            "or add --allow-behind.",
            err=True,
        )
    run_id = _run(settings, verb, targets) if execute and not refused else None
    if as_json:
        report = {"executed": run_id is not None, "run_id": run_id, "changes": changes}
        typer.echo(msgspec.json.encode(report).decode())
    elif not refused:
        typer.echo(_done(changes) if execute else "Nothing was done. Add --execute to change over.")
    if refused:
        raise typer.Exit(1)


def _change(connection: "psycopg.Connection[tuple[Any, ...]]", target: "Version", *, allow_behind: bool) -> _Change:
    from operations.versions.swap import TOLERATED_LAG, behind, is_followed

    lacks = behind(connection, target)
    tolerated = TOLERATED_LAG if is_followed(connection, target) else 0
    return _Change(
        projection=target.projection,
        version=target.version,
        state=target.state,
        lacks=lacks,
        is_refused=not allow_behind and (lacks > tolerated or target.state == "frozen"),
    )


def _done(changes: Sequence[_Change]) -> str:
    names = ", ".join(f"{change.projection} version {change.version}" for change in changes)
    return (
        f"Live now: {names}. What was live before is still kept up to date, for `headrace proj rollback`, until "
        "`headrace proj drop` removes it."
    )


def _run(settings: "Settings", verb: str, targets: "Sequence[Version]") -> UUID:
    from operations.runs.runs import begin
    from operations.versions.swap import Target, resume_run

    wanted = [Target(projection=one.projection, version=one.version, state=one.state) for one in targets]
    with begin(
        settings.database_url,
        verb=verb,
        subjects=[f"projection:{one.projection}" for one in targets],
        scope={"targets": msgspec.to_builtins(wanted)},
        started_by=getpass.getuser(),
        run_id=uuid4(),
    ) as run:
        resume_run(settings, run, lambda line: typer.echo(line, err=True))
    return run.run.run_id


def _versions(settings: "Settings") -> "list[Version]":
    import psycopg

    from projections.connection import libpq_url
    from projections.versions import versions

    with psycopg.connect(libpq_url(settings.database_url), autocommit=True, connect_timeout=5) as connection:
        return versions(connection)
