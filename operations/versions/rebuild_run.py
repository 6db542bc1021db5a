"""Builds projections' tables anew from the log, beside those that are live, each as a version of its own.

Phases of each: prepare, read (the log into the stage, in chunks committed with their offsets), fold (one row a key and
the indexes, table by table; with several processes while the next projection is read), commit (positions, dead letters
and the version's state at once). Before that last step nobody looks at the version. A killed run goes on with the chunk
or the table it was at; one that was cancelled removes what it has not completed. Nothing here writes a live table, and
nothing outside Postgres.
"""

from typing import Any

import msgspec
import psycopg

from headrace.settings import Settings
from operations.runs.progress_lines import Say
from operations.runs.runs import ActiveRun, Run, RunCancelled, RunSuperseded
from operations.versions.rebuild import RebuildPlan, find_projection
from operations.versions.rebuild_fold import Folding
from operations.versions.rebuild_read import Readers, connected, wait_for_orphans
from operations.versions.stage import Stage
from projections.analytics import view_sql
from projections.named_sql import NamedSql
from projections.projection import Projection
from projections.schemas import proj_schema
from projections.versions import OWN_VIEWS, Version, VersionState, schemas, shape_of, versions

_SQL = NamedSql(__file__)


def plans_of(run: Run) -> list[RebuildPlan]:
    """What a run was begun for."""
    return msgspec.convert(run.scope["plans"], list[RebuildPlan])


def run_rebuild(settings: Settings, run: ActiveRun, say: Say) -> None:
    """Do what the run's scope says, from wherever it stopped.

    Raises RebuildStopped, RunSuperseded, RunCancelled, KafkaUnreachable or psycopg.Error.
    """
    plans = plans_of(run.run)
    workers = int(run.run.scope.get("workers", 1))
    rows = 0
    with connected(settings) as connection, Readers(settings, workers) as readers:
        builds = [_Build(settings, connection, run, plan, say) for plan in plans]
        opened: list[_Build] = []
        try:
            for build in builds:
                opened.append(build)
                build.read(readers)
                # With processes to spare, one projection is folded while the next one is read.
                while len(opened) > (1 if workers > 1 else 0):
                    rows += opened[0].complete()
                    opened.pop(0)
            for build in opened:
                rows += build.complete()
        except RunCancelled:
            readers.stop()
            for build in opened:
                build.remove()
            raise
        finally:
            for build in opened:
                build.end()
    run.finish(rows=rows, versions={plan.projection: plan.version for plan in plans})


resume_run = run_rebuild


def abandon_run(settings: Settings, run: Run) -> None:
    """Remove what a dead run made; versions that are complete stay."""
    with connected(settings) as connection:
        for plan in plans_of(run):
            stage = Stage(find_projection(plan.projection), plan.version)
            wait_for_orphans(connection, stage)
            if (known := _version(connection, plan)) is not None and known.run_id == run.run_id:
                _remove(connection, stage, drop_tables=known.state == "building")


class _Build:
    """One projection's part of a run."""

    def __init__(
        self, settings: Settings, connection: psycopg.Connection[Any], run: ActiveRun, plan: RebuildPlan, say: Say
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._run = run
        self._plan = plan
        self._say = say
        self._projection: Projection = find_projection(plan.projection)
        self._stage = Stage(self._projection, plan.version)
        self._workers = int(run.run.scope.get("workers", 1))
        self._folding: Folding | None = None

    def read(self, readers: Readers) -> None:
        """Bring the log into the stage and begin to fold it; nothing when the version is complete."""
        wait_for_orphans(self._connection, self._stage)
        if self._begin():
            readers.read(self._connection, self._run, self._stage, self._plan, self._say)
            self._folding = Folding(self._settings, self._stage, self._workers, self._say)

    def complete(self) -> int:
        """Wait for the fold and complete the version. Returns its rows, 0 when it was complete before."""
        rows = 0
        if self._folding is not None:
            name = self._plan.projection
            rows = sum(self._folding.result(lambda: self._run.progress("fold", projection=name)).values())
            self._run.progress("commit", projection=name)
            self._commit()
        self._stage.drop(self._connection)
        return rows

    def end(self) -> None:
        """Give up a fold that is still going on."""
        if self._folding is not None:
            self._folding.end()

    def remove(self) -> None:
        """Remove all of it."""
        self.end()
        wait_for_orphans(self._connection, self._stage)
        _remove(self._connection, self._stage, drop_tables=True)

    def _begin(self) -> bool:
        """Enter the version and make its stage. False when it is complete. Raises RunSuperseded."""
        plan = self._plan
        self._run.progress("prepare", projection=plan.projection, events=0, of=plan.events)
        with self._connection.transaction():
            self._connection.execute(
                _SQL["enter_version"],
                [plan.projection, plan.version, self._projection.rev, shape_of(self._projection), self._run.run.run_id],
            )
            known = _version(self._connection, plan)
            if known is None or known.run_id != self._run.run.run_id:
                raise RunSuperseded(_superseded(self._run.run, plan, known))
            if known.state != "building":
                return False
            self._stage.create(self._connection, plan.log_ranges)
        return True

    def _commit(self) -> None:
        """Positions, dead letters and state in one transaction: the version is there, or it is not."""
        plan, stage = self._plan, self._stage
        where = [plan.projection, plan.version]
        state: VersionState = "frozen" if plan.until else "dual"
        with self._connection.transaction():
            self._connection.execute(_SQL.filled("begin_positions", stage=stage.schema), where)
            self._connection.execute(
                _SQL.filled("copy_dead_letters", stage=stage.schema), [plan.version, plan.projection, plan.live_version]
            )
            for view, owner in OWN_VIEWS.items():
                if owner == plan.projection:
                    self._connection.execute(view_sql(view, schemas({owner: plan.version})).encode())
            self._connection.execute(
                "UPDATE ctl.projection_versions SET state = %s, changed_at = clock_timestamp() "
                "WHERE projection = %s AND version = %s",
                [state, *where],
            )


def _superseded(run: Run, plan: RebuildPlan, known: Version | None) -> str:
    number = f"{plan.projection} version {plan.version}"
    if known is None:
        what_happened = f"{number} is gone"
    elif known.state == "building":
        what_happened = f"run {known.run_id} builds {number}, and `headrace runs resume {known.run_id}` goes on with it"
    else:
        what_happened = f"run {known.run_id} built {number}"
    return (
        f"Since run {run.run_id} was planned, {what_happened}. This run has nothing left to do and is ended. "
        f"Begin another with `headrace proj rebuild {plan.projection}` if `headrace proj versions` lacks what you need."
    )


def _version(connection: psycopg.Connection[Any], plan: RebuildPlan) -> Version | None:
    found = [one for one in versions(connection) if (one.projection, one.version) == (plan.projection, plan.version)]
    return found[0] if found else None


def _remove(connection: psycopg.Connection[Any], stage: Stage, *, drop_tables: bool) -> None:
    """The stage, and the tables of a version that never was complete."""
    stage.drop(connection)
    if not drop_tables:
        return
    with connection.transaction():
        for table in stage.tables:
            connection.execute(f"DROP TABLE IF EXISTS {proj_schema(stage.version)}.{table.name}".encode())
        connection.execute(
            "UPDATE ctl.projection_versions SET state = 'dropped', changed_at = clock_timestamp() "
            "WHERE projection = %s AND version = %s AND state = 'building'",
            [stage.projection.name, stage.version],
        )
