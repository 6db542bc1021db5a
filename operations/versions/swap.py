"""Makes other versions live: all views that read them change over in one transaction, or none does.

Readers hold a view they use until their transaction ends, so the swap may have to wait; whoever comes after it waits
behind it. Therefore it waits 100 ms altogether, lets everybody pass, and tries again.

A run that was killed has changed everything over or nothing: going on with it does what is left to do.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import psycopg

from headrace.refusal import Refusal
from headrace.settings import Settings
from operations.runs.progress_lines import Say
from operations.runs.runs import ActiveRun, Run, RunRefused
from operations.versions.rebuild import find_projection
from operations.versions.view_change import replace_view
from projections.analytics import VIEWS, tables_of, view_sql
from projections.connection import libpq_url
from projections.named_sql import NamedSql
from projections.registry import ALL_PROJECTIONS
from projections.schemas import proj_schema
from projections.versions import OWN_VIEWS, Version, VersionState, is_known_shape, live_versions, schemas, versions

_SQL = NamedSql(__file__)
PROMOTE, ROLLBACK, DROP = "proj promote", "proj rollback", "proj drop"

#: Seconds all locks of one try may take together: what a reader may be held up by it.
LOCK_SECONDS = 0.1
#: Seconds to go on trying. An analyst's query may take a minute.
PATIENCE = 120.0
_LONGEST_PAUSE = 2.0
#: What a version that is followed may lack: records that came in the last moment.
TOLERATED_LAG = 1_000
#: Seconds after which a version without a sign of life counts as not followed.
_FOLLOWED_SECONDS = 15
#: Seconds a drop waits for whoever uses the tables.
_DROP_SECONDS = 10

Connection = psycopg.Connection[tuple[Any, ...]]


class SwapRefused(Refusal):
    """No version was changed; the message says why and what to do."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A version that a run makes live, or drops, and what it was when that was decided."""

    projection: str
    version: int
    state: VersionState


def target_of_promotion(found: Iterable[Version], projection: str, version: int | None) -> Version:
    """The version to promote: the given one, or the newest that is written, if it is newer than the live one.

    After a rollback that is the one it went back from. A frozen or an older version is promoted only when it is named.
    Raises SwapRefused.
    """
    hint = "Build one with `headrace proj rebuild`."
    if version is not None:
        return _chosen(found, projection, version, ("dual", "previous", "frozen"), hint)
    own = [one for one in found if one.projection == projection]
    live = max((one.version for one in own if one.state == "live"), default=0)
    newer = [one for one in own if one.version > live]
    return _chosen(newer, projection, None, ("dual", "previous"), f"None is newer than the live one. {hint}")


def target_of_rollback(found: Iterable[Version], projection: str) -> Version:
    """The version that was live before. Raises SwapRefused."""
    return _chosen(found, projection, None, ("previous",), "Nothing was promoted, or the version was dropped.")


def make_live(
    database_url: str,
    targets: Iterable[Version | Target],
    patience: float = PATIENCE,
    tell: Callable[[int], None] = lambda _: None,
) -> int:
    """Point all views at these versions. Returns the tries it took, 0 when they were live already.

    `tell` is told the number of each try before it, and may raise. Raises SwapRefused.
    """
    wanted = list(targets)
    deadline, pause, tries = time.monotonic() + patience, 0.1, 0
    with _connected(database_url) as connection:
        if not _are_live(connection, wanted):
            while not _changed_over(connection, wanted, tries := tries + 1, tell):
                if time.monotonic() > deadline:
                    raise SwapRefused(
                        f"For {patience:.0f} s some query or open transaction used the views all the time: nothing was "
                        "changed. Look for it in pg_stat_activity, and try again."
                    )
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
        _explain(connection, [one.projection for one in wanted])
    return tries


def targets_of(run: Run) -> list[Target]:
    """What a run makes live, or drops."""
    return msgspec.convert(run.scope["targets"], list[Target])


def resume_run(settings: Settings, run: ActiveRun, say: Say) -> None:
    """Do what a run of `PROMOTE`, `ROLLBACK` or `DROP` was begun for, from wherever it stopped.

    Raises SwapRefused, RunCancelled or psycopg.Error.
    """
    targets = targets_of(run.run)
    if run.run.verb == DROP:
        run.progress("drop")
        for target in targets:
            drop_version(settings.database_url, target.projection, target.version)
        return

    def tell(tries: int) -> None:
        run.progress("change over", tries=tries)
        if tries == 2:
            say("Somebody's query uses the views: trying again, without holding anybody up.")

    run.finish(tries=make_live(settings.database_url, targets, tell=tell))


def abandon_run(settings: Settings, run: Run) -> None:
    """There is nothing to clean up. Raises RunRefused when everything has changed over already."""
    with _connected(settings.database_url) as connection:
        if run.verb != DROP and _are_live(connection, targets_of(run)):
            raise RunRefused(
                f"{run.told()} had changed everything over when it was cut off. `headrace runs resume {run.run_id} "
                "--execute` brings it to its end, `headrace proj rollback` is the way back."
            )


def drop_version(database_url: str, projection: str, version: int) -> None:
    """Remove the tables of a version that is not live, and its positions; nothing if they are gone already.

    Raises SwapRefused.
    """
    with _connected(database_url) as connection:
        target = droppable(versions(connection), projection, version)
        if target.state == "dropped":
            return
        try:
            _drop(connection, projection, version)
        except psycopg.errors.LockNotAvailable:
            raise SwapRefused(
                f"Some query has used the tables of {projection} version {version} for {_DROP_SECONDS} s: nothing was "
                "dropped. Look for it in pg_stat_activity, and try again."
            ) from None


def _drop(connection: Connection, projection: str, version: int) -> None:
    with connection.transaction():
        connection.execute(f"SET LOCAL lock_timeout = '{_DROP_SECONDS}s'".encode())
        for view, owner in reversed(OWN_VIEWS.items()):
            if owner == projection:
                connection.execute(f"DROP VIEW IF EXISTS {proj_schema(version)}.{view}".encode())
        for table in find_projection(projection).tables:
            connection.execute(f"DROP TABLE IF EXISTS {proj_schema(version)}.{table}".encode())
        for table in ("projection_offsets", "dead_letters", "expired_ranges"):
            connection.execute(
                f"DELETE FROM ctl.{table} WHERE projection = %s AND version = %s".encode(),  # noqa: S608
                [projection, version],
            )
        _set_state(connection, projection, version, "dropped")


def droppable(found: Iterable[Version], projection: str, version: int) -> Version:
    """That version, if it may be dropped. Raises SwapRefused."""
    target = find_version(found, projection, version)
    if target.state in ("live", "building"):
        hint = "cancel its run" if target.state == "building" else "promote another one first"
        raise SwapRefused(f"{projection} version {version} is {target.state}: it can't be dropped; {hint}.")
    return target


def find_version(found: Iterable[Version], projection: str, version: int) -> Version:
    """That version. Raises SwapRefused."""
    for one in found:
        if (one.projection, one.version) == (projection, version):
            return one
    raise SwapRefused(f"There is no version {version} of {projection}. `headrace proj versions` lists them.")


def behind(connection: Connection, target: Version) -> int:
    """Records that the live version has, and the target has not yet."""
    live = live_versions(connection)[target.projection]
    found = connection.execute(
        _SQL["behind"],
        [target.version, target.projection, live],
    ).fetchone()
    return int(str(found[0])) if found else 0


def is_followed(connection: Connection, target: Version) -> bool:
    """Whether some worker keeps the version up to date at this moment."""
    found = connection.execute(
        "SELECT coalesce(max(heartbeat_at) > clock_timestamp() - make_interval(secs => %s), false) "
        "FROM ctl.projection_offsets WHERE projection = %s AND version = %s",
        [_FOLLOWED_SECONDS, target.projection, target.version],
    ).fetchone()
    return found == (True,)


def _chosen(
    found: Iterable[Version], projection: str, version: int | None, states: Sequence[VersionState], hint: str
) -> Version:
    find_projection(projection)
    known = [one for one in found if one.projection == projection and one.state in states]
    if version is not None:
        known = [one for one in known if one.version == version]
    if not known:
        which = "" if version is None else f" {version}"
        raise SwapRefused(f"{projection} has no version{which} that is {' or '.join(states)}. {hint}")
    if not is_known_shape(known[-1]):
        raise SwapRefused(f"{projection} version {known[-1].version} has tables of another program: use that one.")
    return known[-1]


def _are_live(connection: Connection, targets: Iterable[Version | Target]) -> bool:
    live = live_versions(connection)
    return all(live[target.projection] == target.version for target in targets)


def _changed_over(
    connection: Connection, targets: list[Version | Target], tries: int, tell: Callable[[int], None]
) -> bool:
    """One try. False when somebody holds the views."""
    tell(tries)
    try:
        _swap(connection, targets)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
        return False
    return True


def _swap(connection: Connection, targets: list[Version | Target]) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    with connection.transaction():
        _check_unchanged(connection, targets)
        live = live_versions(connection)
        of = schemas(live | {target.projection: target.version for target in targets})
        for name in _views_of([target.projection for target in targets]):
            left = max(1, round((deadline - time.monotonic()) * 1000))
            connection.execute(f"SET LOCAL lock_timeout = '{left}ms'".encode())
            replace_view(connection, name, _statements(name, of)[0])
        for target in targets:
            _exchange(connection, target.projection, live[target.projection], target.version)


def _check_unchanged(connection: Connection, targets: Iterable[Version | Target]) -> None:
    """Between the plan and the lock somebody else may have been at work."""
    found = versions(connection)
    for target in targets:
        now = find_version(found, target.projection, target.version)
        if now.state != target.state:
            raise SwapRefused(
                f"{target.projection} version {target.version} was {target.state} when this was planned, and is "
                f"{now.state} now: run the command again."
            )


def _exchange(connection: Connection, projection: str, old: int, new: int) -> None:
    connection.execute(
        "UPDATE ctl.projection_versions SET state = 'dual', changed_at = clock_timestamp() "
        "WHERE projection = %s AND state = 'previous'",
        [projection],
    )
    _set_state(connection, projection, old, "previous")
    _set_state(connection, projection, new, "live")


def _set_state(connection: Connection, projection: str, version: int, state: str) -> None:
    connection.execute(
        "INSERT INTO ctl.projection_versions (projection, version, state) VALUES (%s, %s, %s) "
        "ON CONFLICT (projection, version) DO UPDATE SET state = excluded.state, changed_at = clock_timestamp()",
        [projection, version, state],
    )


def _connected(database_url: str) -> Connection:
    return psycopg.connect(
        libpq_url(database_url), autocommit=True, connect_timeout=5, application_name="headrace-promote"
    )


def _explain(connection: Connection, projections: list[str]) -> None:
    """Comments apart from the swap: they hold up no reader, but would make it longer."""
    of = schemas(live_versions(connection))
    for name in _views_of(projections):
        for statement in _statements(name, of)[1:]:
            connection.execute(statement.encode())


def _views_of(projections: list[str]) -> list[str]:
    """The analysts' views that read one of these projections, in the order they build on each other."""
    tables = {table for one in ALL_PROJECTIONS if one.name in projections for table in one.tables}
    tables |= {view for view, owner in OWN_VIEWS.items() if owner in projections}
    return [name for name in VIEWS if name not in OWN_VIEWS and tables & tables_of(name)]


def _statements(name: str, of: dict[str, str]) -> list[str]:
    """The view, then each of its comments."""
    first, *comments = view_sql(name, of).split("\nCOMMENT ON ")
    return [first, *(f"COMMENT ON {comment}" for comment in comments)]
