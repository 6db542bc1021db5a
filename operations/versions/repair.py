"""Makes the rows of some keys anew in the live version, from all events of these keys, while everything runs.

A window of the log only chooses keys: rows are folds of all events of a key. Phases, for each projection in turn:
choose (the keys), read (all their events, from the partitions they live in, into a stage), compare (what should not be
there), replace (in batches of keys, each in one transaction). While a batch is replaced the lock on the position of its
partition is held, and what the workers have projected meanwhile is folded in: a row that moved on is never set back.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import psycopg

from headrace.events.records import Record
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.log_records import read_chunks, read_offsets, read_ranges
from headrace.kafka.offsets import OffsetRange, Partition
from headrace.refusal import Refusal
from headrace.settings import Settings
from operations.runs.progress_lines import ProgressLines, Say
from operations.runs.runs import ActiveRun, Run, RunCancelled
from operations.versions.rebuild import RebuildRefused, check_complete, find_projection
from operations.versions.repair_keys import FoundKeys, Selected, Wants
from operations.versions.repair_stage import Connection, RepairStage, RepairStopped, Replaced
from projections.connection import libpq_url
from projections.projection import Projection
from projections.schemas import proj_schema
from projections.versions import Version, is_known_shape, live_version, versions

#: Records of one chunk: bounds memory, and what a resumed run does again.
CHUNK = 5000
#: Records a second: a cautious guess, only for the plan's minutes.
_RATE = 30_000

#: Makes what tells which records' keys are wanted; may have to read for it.
MakeWants = Callable[[], Wants]


class RepairRefused(Refusal):
    """Nothing can be repaired; the message says why and what to do."""


class ProjectionRepair(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair would do to one projection."""

    projection: str
    #: The live version.
    version: int
    #: (topic, partition, first offset, end offset) in which keys are chosen, fixed so that a resumed run chooses alike.
    ranges: list[tuple[str, int, int, int]]
    #: Records of the window that are meant.
    touched_by: int
    keys: int
    #: Partitions to be read, and all there are.
    partitions: int
    of_partitions: int
    #: Records to read, and about how many bytes.
    events: int
    bytes: int
    #: At most, for the time of the repair.
    disk_bytes: int

    @property
    def window_events(self) -> int:
        """Records to look at for keys."""
        return sum(end - start for _, _, start, end in self.ranges)


class RepairPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair would do."""

    #: Those of which keys were touched.
    projections: list[ProjectionRepair]
    #: Those that can't be repaired, and why.
    left_out: dict[str, str]
    events: int
    keys: int
    bytes: int
    minutes: float
    disk_bytes: int
    ai_cost_micro_usd: int = 0

    @property
    def subjects(self) -> list[str]:
        """What nobody else may work on meanwhile."""
        return [f"projection:{one.projection}" for one in self.projections]


def plan_repair(
    settings: Settings, windows: Mapping[str, Mapping[Partition, OffsetRange]], wants: Wants, *, strict: bool = True
) -> RepairPlan:
    """What is to be done. `windows`: projection → where its keys are chosen.

    Raises RepairRefused, TooManyKeys, KafkaUnreachable. Unless `strict`, a projection that can't be repaired is left
    out of the plan with the reason.
    """
    found, left_out = [], {}
    with connected(settings) as connection:
        for name, window in windows.items():
            try:
                one = _plan_one(settings, connection, find_projection(name), window, wants)
            except RebuildRefused as refused:
                if strict:
                    raise RepairRefused(str(refused)) from refused
                left_out[name] = str(refused)
            else:
                found += [one] if one.keys else []
    events = sum(one.events for one in found)
    return RepairPlan(
        projections=found,
        left_out=left_out,
        events=events,
        keys=sum(one.keys for one in found),
        bytes=sum(one.bytes for one in found),
        minutes=round((events + sum(one.window_events for one in found)) / _RATE / 60, 1),
        disk_bytes=max((one.disk_bytes for one in found), default=0),
    )


def _plan_one(
    settings: Settings,
    connection: Connection,
    projection: Projection,
    window: Mapping[Partition, OffsetRange],
    wants: Wants,
) -> ProjectionRepair:
    live = _writable(connection, projection).version
    log = LogOffsets(settings).ranges([settings.topic(projection.topic)])
    found = _find_keys(settings, connection, projection, window, wants, len(log))
    own = {place: whole for place, whole in log.items() if place[1] in found.keys}
    if own:
        check_complete(connection, projection, live, own)
    events = sum(whole.count for whole in own.values())
    everything = sum(whole.count for whole in log.values())
    return ProjectionRepair(
        projection=projection.name,
        version=live,
        ranges=[(*place, part.start, part.end) for place, part in sorted(window.items())],
        touched_by=found.wanted,
        keys=found.count,
        partitions=len(own),
        of_partitions=len(log),
        events=events,
        bytes=events * found.size // max(1, found.records),
        disk_bytes=_live_bytes(connection, projection, live) * events // max(1, everything),
    )


def run_repair(settings: Settings, run: ActiveRun, make_wants: MakeWants, say: Say) -> dict[str, Replaced]:
    """Do what the run's scope says, from wherever it stopped. Returns what was done, by projection.

    Raises RepairStopped, RunCancelled, KafkaUnreachable.
    """
    plan = msgspec.convert(run.run.scope["plan"], RepairPlan)
    done: dict[str, Replaced] = {}
    for one in plan.projections:
        stage = RepairStage(find_projection(one.projection), one.version)
        with connected(settings) as connection:
            stage.enter(connection)
            noted = _noted(run.run.counts, one.projection)
            try:
                replaced = noted or _Repair(settings, connection, run, stage, one, say).run(make_wants)
                run.progress("done", **_notes(one.projection, replaced))
            except RunCancelled:
                stage.drop(connection)
                raise
            stage.drop(connection)
        run.finish(**_notes(one.projection, replaced))
        done[one.projection] = replaced
    return done


def abandon_repair(settings: Settings, run: Run) -> None:
    """Remove what a dead run made. Batches that it replaced are right, each by itself, and stay."""
    with connected(settings) as connection:
        for one in msgspec.convert(run.scope["plan"], RepairPlan).projections:
            stage = RepairStage(find_projection(one.projection), one.version)
            stage.enter(connection)
            stage.drop(connection)


def _notes(name: str, replaced: Replaced) -> dict[str, int]:
    """What was done to a projection, as the ledger keeps it."""
    return {f"{name} {what}": count for what, count in msgspec.structs.asdict(replaced).items()}


def _noted(counts: Mapping[str, Any], name: str) -> Replaced | None:
    """The inverse; None while it is not done."""
    found = {what: counts.get(f"{name} {what}") for what in Replaced.__struct_fields__}
    return None if None in found.values() else msgspec.convert(found, Replaced)


class _Repair:
    """The repair of one projection, under its run's lock."""

    def __init__(
        self,
        settings: Settings,
        connection: Connection,
        run: ActiveRun,
        stage: RepairStage,
        plan: ProjectionRepair,
        say: Say,
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._run = run
        self._stage = stage
        self._plan = plan
        self._say = say
        self._name = plan.projection
        self._topic = settings.topic(stage.projection.topic)
        self._selected: Selected = {}

    def run(self, make_wants: MakeWants) -> Replaced:
        if _writable(self._connection, self._stage.projection).version != self._plan.version:
            raise RepairStopped(
                f"Another version of {self._name} was made live since this repair was planned: its rows are not those "
                "to be replaced. Cancel the run and begin a new one."
            )
        self._stage.create(self._connection)
        self._selected = self._stage.selected(self._connection)
        if not self._selected:
            self._choose(make_wants())
        self._read()
        self._stage.check_lineage(self._connection, self._topic)
        while claimed := self._claimed_keys():
            self._choose_more(claimed)
            self._read()
        self._run.progress("compare", projection=self._name)
        self._stage.compare(self._connection)
        self._replace()
        return self._stage.replaced(self._connection)

    def _claimed_keys(self) -> set[tuple[int, bytes]]:
        """Keys that were not read, but of which a later record is said to have made a row of those that were."""
        found: set[tuple[int, bytes]] = set()
        claims = self._stage.claims(self._connection)
        log = LogOffsets(self._settings).ranges([self._topic]) if claims else {}
        for partition, offsets in claims.items():
            place = (self._topic, partition)
            kept = [offset for offset in offsets if offset >= log[place].start]
            for record in read_offsets(self._settings, place, kept):
                if record.key not in self._selected.get(partition, {}):
                    found.add((partition, record.key))
        return found

    def _choose_more(self, claimed: set[tuple[int, bytes]]) -> None:
        self._say(f"{self._name}: {len(claimed):,} more keys have rows in common with these, so all are read again")
        found = FoundKeys()
        for partition, keys in self._selected.items():
            for key in keys:
                found.add(partition, key)
        for partition, key in sorted(claimed):
            found.add(partition, key)
        self._select(found)

    def _choose(self, wants: Wants) -> None:
        self._run.progress("choose", projection=self._name)
        window = {(topic, partition): OffsetRange(start, end) for topic, partition, start, end in self._plan.ranges}
        found = _find_keys(
            self._settings, self._connection, self._stage.projection, window, wants, self._plan.of_partitions
        )
        self._select(found)

    def _select(self, found: FoundKeys) -> None:
        """Begin anew with these keys. Raises RebuildRefused."""
        log = LogOffsets(self._settings).ranges([self._topic])
        own = {place: whole for place, whole in log.items() if place[1] in found.keys}
        check_complete(self._connection, self._stage.projection, self._plan.version, own)
        self._selected = found.in_batches()
        starts = {partition: whole.start for (_, partition), whole in own.items()}
        self._stage.choose(self._connection, self._selected, starts)

    def _read(self) -> None:
        """All events of the keys that are rows by now."""
        positions = self._positions()
        progress = self._stage.progress(self._connection)
        left = sum(max(0, positions.get(partition, 0) - offset) for partition, offset in progress.items())
        lines = ProgressLines(f"{self._name}, read", left, self._say)
        self._run.progress("read", projection=self._name, events=0, of=left)
        read = 0
        for chunk in self._chunks(progress, positions):
            self._add(chunk)
            read += len(chunk)
            if lines.done(read):
                self._run.progress("read", events=read)

    def _replace(self) -> None:
        batches = self._stage.batches(self._connection)
        lines = ProgressLines(f"{self._name}, replace", len(batches), self._say, unit="batches")
        self._run.progress("replace", projection=self._name, batches=0, of=len(batches))
        for number, (partition, batch) in enumerate(batches, start=1):
            # Most of what came meanwhile is read before the lock, so that no worker waits for it.
            self._catch_up(partition)
            with self._connection.transaction():
                self._lock_position(partition)
                self._catch_up(partition)
                self._stage.replace(self._connection, batch)
                self._stage.mend_dead_letters(self._connection, batch, self._topic, self._run.run.run_id)
            if lines.done(number):
                self._run.progress("replace", batches=number)

    def _catch_up(self, partition: int) -> None:
        progress = self._stage.progress(self._connection)
        for chunk in self._chunks({partition: progress[partition]}, self._positions()):
            self._add(chunk)

    def _chunks(self, progress: Mapping[int, int], positions: Mapping[int, int]) -> Iterator[list[Record]]:
        """What is rows by now and was not read yet."""
        left = {
            (self._topic, partition): OffsetRange(start, positions[partition])
            for partition, start in progress.items()
            if start < positions.get(partition, 0)
        }
        if left:
            yield from read_chunks(self._settings, left, CHUNK)

    def _add(self, chunk: list[Record]) -> None:
        by_partition: dict[int, list[Record]] = {}
        for record in chunk:
            by_partition.setdefault(record.partition, []).append(record)
        for records in by_partition.values():
            self._stage.add(self._connection, records, self._selected)

    def _positions(self) -> dict[int, int]:
        """The live version's next offset, by partition."""
        found = self._connection.execute(
            "SELECT partition, next_offset FROM ctl.projection_offsets "
            "WHERE projection = %s AND version = %s AND topic = %s",
            [self._name, self._plan.version, self._topic],
        )
        return dict(found.fetchall())

    def _lock_position(self, partition: int) -> None:
        """Nobody writes rows of the partition until the transaction ends."""
        self._connection.execute(
            "SELECT FROM ctl.projection_offsets WHERE projection = %s AND version = %s AND topic = %s "
            "AND partition = %s FOR UPDATE",
            [self._name, self._plan.version, self._topic, partition],
        )


def _find_keys(
    settings: Settings,
    connection: Connection,
    projection: Projection,
    window: Mapping[Partition, OffsetRange],
    wants: Wants,
    partitions: int,
) -> FoundKeys:
    found = FoundKeys()
    for record in read_ranges(settings, window):
        found.look(record, wants)
    if projection.topic.key == "lead id":
        found.add_merged(lambda: _merges(connection), partitions)
    return found


def _merges(connection: Connection) -> Iterator[tuple[str, str]]:
    table = f"{proj_schema(live_version(connection, 'leads'))}.lead_merges"
    with connection.transaction(), connection.cursor("merges") as cursor:
        cursor.itersize = 10_000
        yield from cursor.execute(f"SELECT lead_id::text, into_lead_id::text FROM {table}".encode())  # noqa: S608


def _writable(connection: Connection, projection: Projection) -> Version:
    """The live version. Raises RepairRefused when another program's rows are in it."""
    (live,) = (one for one in versions(connection) if one.projection == projection.name and one.state == "live")
    if not is_known_shape(live):
        raise RepairRefused(f"{live.projection} version {live.version} has tables of another program: use that one.")
    if live.rev is not None and live.rev > projection.rev:
        raise RepairRefused(
            f"{live.projection} version {live.version} was built by revision {live.rev} of its projector, and this "
            f"program has revision {projection.rev}: use the newer one."
        )
    return live


def _live_bytes(connection: Connection, projection: Projection, version: int) -> int:
    found = connection.execute(
        "SELECT coalesce(sum(pg_total_relation_size(to_regclass(name))), 0)::bigint FROM unnest(%s::text[]) AS name",
        [[f"{proj_schema(version)}.{table}" for table in projection.tables]],
    ).fetchone()
    return int(found[0]) if found else 0


def connected(settings: Settings) -> psycopg.Connection[Any]:
    """A session for planning and repairing. Raises psycopg.OperationalError."""
    return psycopg.connect(
        libpq_url(settings.database_url), autocommit=True, connect_timeout=5, application_name="headrace-repair"
    )
