"""The conservation proof for jobs: each message has its jobs, each job has ended or is open, each end is complete.

What follows a job, and its steps, stand before its end in the same partition of `jobs`. So an end that is a row proves
that they must be rows: only a message without its job may still be under way.
"""

from collections.abc import Mapping

from headrace.events.topics import JOBS
from headrace.kafka.log_offsets import LogRange, Place
from headrace.settings import Settings
from operations.audit.findings import JobsAudit, Missing, StuckJob
from operations.audit.job_rows import JobRows, Lacking
from operations.audit.proofs import ProvenJobs
from operations.audit.read_model import LIMIT
from operations.records.settling import JobsSettled


class JobsProver:
    """Proves what is new in `messages` and `jobs`."""

    def __init__(
        self, settings: Settings, rows: JobRows, settled: JobsSettled, before: Mapping[Place, ProvenJobs]
    ) -> None:
        """`before`: what earlier audits proved; where it knows of no place, everything is new."""
        self.totals = JobsAudit()
        self.missing: list[Missing] = []
        self.proven = dict(before)
        self._settings = settings
        self._rows = rows
        self._settled = settled

    def run(self, stuck_seconds: float) -> list[StuckJob]:
        """Open jobs that are overdue for so long; `missing`, `totals` and `proven` are filled in."""
        if not self.proven:
            self._rows.forget_open()
        for place in sorted(self._settled.messages):
            self._judge_messages(place)
        for place in sorted(self._settled.jobs):
            self._judge_ends(place)
        return self._judge_open(stuck_seconds)

    def _judge_messages(self, place: Place) -> None:
        """Each message that a person wrote has its post-process job."""
        log_range = self._new(place, self._settled.asked_to[place])
        lacking = self._rows.without_job(place, log_range)
        self.totals.messages += self._rows.messages(place, log_range)
        self.totals.in_flight += self._settled.messages[place].end - self._settled.asked_to[place]
        if not self._settled.is_projected((self._settings.topic(JOBS), place[1])):
            self.totals.in_flight += len(lacking)
            self.proven[place] = ProvenJobs(lacking[0].offset if lacking else log_range.end)
            return
        refused = self._rows.refused_by_request(lack.receipt_id for lack in lacking) if lacking else set()
        self._settle(place, log_range, lacking, refused)

    def _judge_ends(self, place: Place) -> None:
        """Each job that ended was asked for; each that succeeded has its steps and what follows. Notes what is open."""
        projected_to = self._settled.projected_to[place]
        log_range = self._new(place, projected_to)
        lacking = self._rows.lacking_ends(place, log_range)
        self.totals.ended += self._rows.ends(place, log_range)
        self.totals.in_flight += self._settled.jobs[place].end - projected_to
        self._rows.note_open(place, log_range)
        self._settle(place, log_range, lacking, set())

    def _judge_open(self, stuck_seconds: float) -> list[StuckJob]:
        """Which open jobs are stuck. Those of a partition whose newest events are no rows yet may have ended."""
        self._rows.drop_ended()
        self.totals.open = self._rows.open()
        self.totals.dead = self._rows.dead()
        current = [place[1] for place in self._settled.jobs if self._settled.is_projected(place)]
        topic, deadline = self._settings.topic(JOBS), self._settings.job_deadline
        self.totals.stuck, stuck = self._rows.stuck(topic, current, stuck_seconds, deadline)
        return stuck

    def _new(self, place: Place, end: int) -> LogRange:
        start = self.proven[place].proven_to if place in self.proven else 0
        return LogRange(start, max(start, end))

    def _settle(self, place: Place, log_range: LogRange, lacking: list[Lacking], refused: set[str]) -> None:
        """Tell what no dead letter accounts for, and up to where all is well."""
        if lacking:
            refused |= self._rows.refused_by_projection()
        missing = [lack for lack in lacking if lack.receipt_id not in refused]
        self.missing += (_missing(place, lack) for lack in missing)
        self.totals.missing += len(missing)
        self.totals.dead_lettered += len(lacking) - len(missing)
        # Behind the last of a cut-off list nobody has looked yet.
        seen_to = lacking[-1].offset if len(lacking) == LIMIT else log_range.end
        self.proven[place] = ProvenJobs(min((lack.offset for lack in missing), default=seen_to))


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
