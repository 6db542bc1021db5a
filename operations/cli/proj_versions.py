"""`headrace proj versions|promote|rollback|drop`: which version of a projection's tables is read, and which ones go."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.table import Table

from operations.cli.acting import Acting, executed, print_json, say
from operations.cli.options import Json, takes_groups
from operations.cli.printing import console
from operations.cli.proj_options import Names, distinct_names

if TYPE_CHECKING:
    import psycopg

    from headrace.settings import Settings
    from operations.runs.runs import ActiveRun
    from projections.versions import Version

_All = Annotated[bool, typer.Option("--all", help="Every projection that has such a version.")]
_Behind = Annotated[bool, typer.Option("--allow-behind", help="Also while it lacks records that the live one has.")]


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """One projection's part of a plan."""

    projection: str
    version: int
    state: str
    #: Records that the live version has, and this one has not.
    lacks: int
    is_refused: bool


def list_versions(as_json: Json = False) -> None:
    """List the versions of every projection's tables, and which one is live."""
    from headrace.settings import Settings

    there = _versions(Settings())
    if as_json:
        print_json(there)
        return
    headings = ("projection", "version", "state", "revision", "run", "problem")
    table = Table(*headings, title="Versions", title_justify="left")
    for version in there:
        run = "" if version.run_id is None else str(version.run_id)
        revision, problem = str(version.rev or ""), version.problem or ""
        table.add_row(version.projection, str(version.version), version.state, revision, run, problem)
    console().print(table)


@takes_groups
def promote(
    names: Names = None,
    all_: _All = False,
    version: Annotated[
        int | None,
        typer.Option("--version", help="This version of one projection; without it the newest complete one."),
    ] = None,
    allow_behind: _Behind = False,
    *,
    acting: Acting,
) -> None:
    """Make other versions live: all views in one transaction. Those before are kept for `rollback`."""
    from headrace.settings import Settings
    from operations.versions.swap import PROMOTE, target_of_promotion

    chosen = distinct_names(names, all_=all_)
    if version is not None and len(chosen) > 1:
        raise typer.BadParameter("--version belongs to one projection: name it")
    settings = Settings()
    there = _versions(settings)
    targets = _targets(chosen, lambda name: target_of_promotion(there, name, version), all_=all_)
    _change_over(settings, targets, PROMOTE, acting, allow_behind=allow_behind)


@takes_groups
def rollback(names: Names = None, all_: _All = False, allow_behind: _Behind = False, *, acting: Acting) -> None:
    """Make the versions live again that were before the last promotion, in one transaction."""
    from headrace.settings import Settings
    from operations.versions.swap import ROLLBACK, target_of_rollback

    chosen, settings = distinct_names(names, all_=all_), Settings()
    there = _versions(settings)
    targets = _targets(chosen, lambda name: target_of_rollback(there, name), all_=all_)
    _change_over(settings, targets, ROLLBACK, acting, allow_behind=allow_behind)


@takes_groups
def drop(
    name: Annotated[str, typer.Argument(help="The projection, such as leads.")],
    version: Annotated[int, typer.Option("--version", help="The version to remove.")],
    acting: Acting,
) -> None:
    """Remove the tables of a version that is not live. The log can bring them back."""
    from headrace.settings import Settings
    from operations.versions.swap import DROP, droppable

    settings = Settings()
    target = droppable(_versions(settings), name, version)
    acting.tell(f"Drops the tables of {name} version {version}, which is {target.state}, and its positions.")
    run = _carry_out(settings, DROP, [target], acting)
    acting.report(
        {**executed(run), "projection": name, "version": version, "state": target.state},
        "Nothing was done. Add --execute to drop them." if run is None else "Dropped.",
    )


def _targets(names: Sequence[str], choose: "Callable[[str], Version]", *, all_: bool) -> "list[Version]":
    """What is chosen of each. With --all, projections that have nothing to offer are left out, unless none has."""
    from operations.versions.swap import SwapRefused

    targets: list[Version] = []
    refusals: list[SwapRefused] = []
    for name in names:
        try:
            targets.append(choose(name))
        except SwapRefused as refusal:
            if not all_:
                raise
            refusals.append(refusal)
    if refusals and not targets:
        raise refusals[-1]
    return targets


def _change_over(
    settings: "Settings", targets: "list[Version]", verb: str, acting: Acting, *, allow_behind: bool
) -> None:
    with _connected(settings) as connection:
        changes = [_change(connection, target, allow_behind=allow_behind) for target in targets]
    refused = [change for change in changes if change.is_refused]
    for change in changes:
        acting.tell(
            f"All views that read {change.projection} change over to version {change.version} at once; it lacks "
            f"{change.lacks:,} records that the live version has. AI cost 0."
        )
    if refused:
        names = ", ".join(f"{change.projection} version {change.version} ({change.state})" for change in refused)
        say(
            f"Refused for {names}: the rows would step back in time. `headrace run projections` keeps every version "
            "that is not frozen up to date: wait until it has caught up (`headrace proj versions` tells of problems), "
            "or add --allow-behind."
        )
    run = _carry_out(settings, verb, targets, acting, is_needed=not refused)
    acting.report({**executed(run), "changes": changes})
    if refused:
        raise typer.Exit(1)
    acting.tell("Nothing was done. Add --execute to change over." if run is None else _live_now(changes))


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


def _live_now(changes: Sequence[_Change]) -> str:
    names = ", ".join(f"{change.projection} version {change.version}" for change in changes)
    return (
        f"Live now: {names}. What was live before is still kept up to date, for `headrace proj rollback`, until "
        "`headrace proj drop` removes it."
    )


def _carry_out(
    settings: "Settings", verb: str, targets: "Sequence[Version]", acting: Acting, *, is_needed: bool = True
) -> "ActiveRun | None":
    """The run that did it, or None."""
    from operations.versions.swap import Target, resume_run

    subjects = [f"projection:{target.projection}" for target in targets]
    wanted = [Target(projection=target.projection, version=target.version, state=target.state) for target in targets]
    with acting.run(settings, verb, subjects, {"targets": msgspec.to_builtins(wanted)}, is_needed=is_needed) as run:
        if run is not None:
            resume_run(settings, run, say)
    return run


def _versions(settings: "Settings") -> "list[Version]":
    from projections.versions import versions

    with _connected(settings) as connection:
        return versions(connection)


def _connected(settings: "Settings") -> "psycopg.Connection[tuple[Any, ...]]":
    import psycopg

    from projections.connection import libpq_url

    return psycopg.connect(libpq_url(settings.database_url), autocommit=True, connect_timeout=5)
