"""The conservation proof for jobs: each message has its jobs, each job has ended or is open, each end is complete.

What follows a job, and its steps, stand before its end in the same partition of `jobs`. So an end that is a row proves
that they must be rows: only a message without its job may still be under way.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from headrace.events.codec import UndecodableEvent, UnknownEventType
from headrace.events.envelope import EnvelopeError
from headrace.events.jobs import JobCancelled, JobDied, JobEvent, JobRequested, JobSucceeded
from headrace.events.records import Record
from headrace.events.topics import JOBS
from headrace.kafka.log_offsets import LogRange, Place
from headrace.kafka.log_records import in_chunks, read_ranges
from headrace.settings import Settings
from operations.audit.findings import JobsAudit, Missing, StuckJob
from operations.audit.job_rows import LIMIT, AuditJobRows, JobRowKey, Lacking
from operations.records.settling import JobsSettled
from projections.projection import BadRecord, decode_event

_JobEnd = JobSucceeded | JobDied | JobCancelled
_OUTCOMES: Mapping[type[JobEvent], str] = {
    JobSucceeded: "succeeded",
    JobDied: "died",
    JobCancelled: "cancelled",
}


def audit_jobs(
    settings: Settings, rows: AuditJobRows, settled: JobsSettled, before: Mapping[Place, int], stuck_seconds: float
) -> tuple[JobsAudit, list[Missing], list[StuckJob]]:
    """Audit what is new since `before`, by place; where it knows nothing of any place, everything.

    An open job is stuck when it is overdue for `stuck_seconds`.
    """
    if not before:
        rows.forget_open()
    audit = _JobsAudit(settings, rows, settled, before)
    for place in sorted(settled.messages):
        audit.judge_messages(place)
    for place in sorted(settled.jobs):
        audit.judge_ends(place)
    stuck = audit.judge_open(stuck_seconds)
    rows.remember(audit.proven)
    return audit.totals, audit.found, stuck


def compare_jobs(settings: Settings, rows: AuditJobRows, settled: JobsSettled) -> list[Missing]:
    """Reads the log of jobs: each request and each end that the projection has passed has its row."""
    found: list[Missing] = []
    for place, log_range in settled.jobs.items():
        passed = LogRange(log_range.start, settled.projected_to[place])
        for chunk in in_chunks(read_ranges(settings, {place: passed})):
            events = {record.offset: event for record in chunk if (event := _request_or_end(record)) is not None}
            unwritten = rows.unwritten({offset: _row_of(event) for offset, event in events.items()})
            refused = rows.refused_by_projection() if unwritten else set()
            found += (
                _unwritten(place, offset, events[offset])
                for offset in unwritten
                if events[offset].receipt_id not in refused
            )
    return found


def _request_or_end(record: Record) -> JobRequested | _JobEnd | None:
    """None for other events, and for records that are dead letters by the same errors."""
    try:
        event: Any = decode_event(record)
    except (EnvelopeError, UndecodableEvent, UnknownEventType, BadRecord):
        return None
    return event if isinstance(event, JobRequested | _JobEnd) else None


def _row_of(event: JobRequested | _JobEnd) -> JobRowKey:
    return event.workspace, event.job_id, event.generation, _OUTCOMES.get(type(event))


def _unwritten(place: Place, offset: int, event: JobRequested | _JobEnd) -> Missing:
    return Missing(
        kind="row",
        topic=place[0],
        partition=place[1],
        offset=offset,
        receipt_id=event.receipt_id,
        message_id=event.message_id,
        job_id=event.job_id,
        job_type=event.type,
    )


class _JobsAudit:
    def __init__(
        self, settings: Settings, rows: AuditJobRows, settled: JobsSettled, before: Mapping[Place, int]
    ) -> None:
        self.totals = JobsAudit()
        self.found: list[Missing] = []
        self.proven = dict(before)
        self._settings = settings
        self._rows = rows
        self._settled = settled

    def judge_messages(self, place: Place) -> None:
        """Each message that a person wrote has its post-process job."""
        log_range = self._new(place, self._settled.asked_to[place])
        lacking = self._rows.without_job(place, log_range)
        self.totals.messages += self._rows.messages(place, log_range)
        self.totals.in_flight += self._settled.messages[place].end - self._settled.asked_to[place]
        if not self._settled.is_projected((self._settings.topic(JOBS), place[1])):
            self.totals.in_flight += len(lacking)
            self.proven[place] = lacking[0].offset if lacking else log_range.end
            return
        refused = self._rows.refused_by_request(one.receipt_id for one in lacking) if lacking else set()
        self._settle(place, log_range, lacking, refused)

    def judge_ends(self, place: Place) -> None:
        """Each job that ended was asked for; each that succeeded has its steps and what follows. Notes what is open."""
        projected_to = self._settled.projected_to[place]
        log_range = self._new(place, projected_to)
        lacking = self._rows.lacking_ends(place, log_range)
        self.totals.ended += self._rows.ends(place, log_range)
        self.totals.in_flight += self._settled.jobs[place].end - projected_to
        self._rows.note_open(place, log_range)
        self._settle(place, log_range, lacking, set())

    def judge_open(self, stuck_seconds: float) -> list[StuckJob]:
        """Which open jobs are stuck. Those of a partition whose newest events are no rows yet may have ended."""
        self._rows.drop_ended()
        self.totals.open = self._rows.open()
        current = [place[1] for place in self._settled.jobs if self._settled.is_projected(place)]
        topic, deadline = self._settings.topic(JOBS), self._settings.job_deadline
        self.totals.stuck, stuck = self._rows.stuck(topic, current, stuck_seconds, deadline)
        return stuck

    def _new(self, place: Place, end: int) -> LogRange:
        start = self.proven.get(place, 0)
        return LogRange(start, max(start, end))

    def _settle(self, place: Place, log_range: LogRange, lacking: list[Lacking], refused: set[str]) -> None:
        """Tell what no dead letter accounts for, and up to where all is well."""
        if lacking:
            refused |= self._rows.refused_by_projection()
        missing = [one for one in lacking if one.receipt_id not in refused]
        self.found += (_missing(place, one) for one in missing)
        self.totals.missing += len(missing)
        self.totals.dead_lettered += len(lacking) - len(missing)
        # Behind the last of a cut-off list nobody has looked yet.
        seen_to = lacking[-1].offset if len(lacking) == LIMIT else log_range.end
        self.proven[place] = _first(missing, seen_to)


def _first(missing: Iterable[Lacking], end: int) -> int:
    return min((one.offset for one in missing), default=end)


def _missing(place: Place, lacking: Lacking) -> Missing:
    return Missing(
        kind=lacking.lack,
        topic=place[0],
        partition=place[1],
        offset=lacking.offset,
        receipt_id=lacking.receipt_id or None,
        message_id=lacking.message_id or None,
        job_id=lacking.job_id,
        job_type=lacking.job_type or None,
        step=lacking.step,
    )
