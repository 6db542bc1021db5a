"""The conservation proof: every accepted webhook has one verdict, every fresh one its rows, every message its jobs.

It compares offsets with rows instead of reading the log, and remembers what it has proven, so that a run costs
what is new since the last one. What is missing is named. `full` forgets that and compares the log record by record.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec
import psycopg

from headrace.kafka.log_offsets import LogOffsets
from headrace.refusal import Refusal
from headrace.settings import Settings
from headrace.stages import StageAge
from operations.audit.defaults import STUCK_SECONDS, WAIT_SECONDS
from operations.audit.findings import LISTED, AuditReport, JobsAudit, LostEnd, Missing, Repeat, StuckJob, TopicAudit
from operations.audit.job_rows import JobRows
from operations.audit.jobs import JobsProver
from operations.audit.log_comparison import compare_jobs, compare_messages, compare_receipts
from operations.audit.proofs import lost_ends
from operations.audit.read_model import ReadModel
from operations.audit.webhook_rows import WebhookRows
from operations.audit.webhooks import PartitionProver
from operations.records.settling import JobsSettled, Settled, settle, settle_jobs
from operations.stages.stage_ages import stage_ages
from projections.connection import libpq_url


class AuditImpossible(Refusal):
    """Log and read model don't belong together; the message says what to do."""

    def __init__(self, lost: Sequence[LostEnd]) -> None:
        places = "; ".join(
            f"{cut.topic}[{cut.partition}] ends at offset {cut.end} and was proven up to {cut.proven_to}, but what it "
            f"had from {cut.lost_from} on is gone"
            for cut in lost
        )
        super().__init__(
            f"{places}: the log was cut, or the topic was deleted and made anew, so that earlier audits prove nothing "
            "of it. `headrace topics truncated` and `headrace proj truncated` tell what workers and rows have to do "
            "with that, and mend it. Then run `headrace audit --full` once"
        )


class _Findings(msgspec.Struct, kw_only=True):
    """What is found along the way."""

    topics: dict[str, TopicAudit] = {}
    jobs: JobsAudit = msgspec.field(default_factory=JobsAudit)
    missing: list[Missing] = []
    stuck: list[StuckJob] = []
    repeats: list[Repeat] = []
    lost_ends: list[LostEnd] = []


def audit(
    settings: Settings,
    *,
    full: bool = False,
    wait_seconds: float = WAIT_SECONDS,
    stuck_seconds: float = STUCK_SECONDS,
) -> AuditReport:
    """Audit the installation. Waits up to `wait_seconds` for the workers to pass what is in the log now.

    Raises KafkaUnreachable, TopicsMissing, AuditImpossible or psycopg.Error.
    """
    deadline = time.monotonic() + wait_seconds
    with psycopg.connect(libpq_url(settings.database_url), autocommit=True, connect_timeout=5) as connection:
        run = _Audit(settings, ReadModel(connection), full=full)
        run.judge_webhooks(wait_seconds)
        run.judge_jobs(max(0.0, deadline - time.monotonic()), stuck_seconds)
    # Last: what the workers were given time for above is not late.
    return _report(run.findings, stage_ages(settings, datetime.now(UTC)))


class _Audit:
    """One run over the whole installation."""

    def __init__(self, settings: Settings, read_model: ReadModel, *, full: bool) -> None:
        self.findings = _Findings()
        self._settings = settings
        self._log = LogOffsets(settings)
        self._read_model = read_model
        self._full = full

    def judge_webhooks(self, wait_seconds: float) -> None:
        """Each record of `webhooks.*` has one verdict, and each fresh one its rows."""
        rows = WebhookRows(self._read_model)
        settled = settle(self._settings, self._log, self._read_model.positions, wait_seconds)
        known = rows.proofs.read()
        self._note_lost_ends(lost_ends(self._log, known, settled.ranges))
        before = {} if self._full else {place: proof.proven for place, proof in known.items()}
        provers = [
            PartitionProver(self._settings, rows, settled, place, before.get(place)) for place in sorted(settled.ranges)
        ]
        for prover in provers:
            prover.run()
            self.findings.missing += prover.missing
            self.findings.repeats += prover.repeats
            _add(self.findings.topics.setdefault(prover.place[0], TopicAudit(topic=prover.place[0])), prover.totals)
        if self._full:
            self._compare_webhooks(rows, settled)
        # Read after the ends above: whatever is appended later than these is behind them.
        appended = self._log.newest_ms(settled.ranges)
        rows.proofs.remember({prover.place: prover.proven for prover in provers}, appended)

    def judge_jobs(self, wait_seconds: float, stuck_seconds: float) -> None:
        """Each message has its jobs, and each job has ended well or is open."""
        rows = JobRows(self._read_model)
        settled = settle_jobs(self._settings, self._log, self._read_model.positions, wait_seconds)
        ranges = {**settled.messages, **settled.jobs}
        known = rows.proofs.read()
        self._note_lost_ends(lost_ends(self._log, known, ranges))
        before = {} if self._full else {place: proof.proven for place, proof in known.items()}
        prover = JobsProver(self._settings, rows, settled, before)
        self.findings.stuck = prover.run(stuck_seconds)
        self.findings.jobs = prover.totals
        self.findings.missing += prover.missing
        rows.proofs.remember(prover.proven, self._log.newest_ms(ranges))
        if self._full:
            self._compare_jobs(rows, settled)

    def _note_lost_ends(self, lost: list[LostEnd]) -> None:
        """What is new cannot be told from what was proven: only the log itself can say, record by record."""
        if lost and not self._full:
            raise AuditImpossible(lost)
        self.findings.lost_ends += lost

    def _compare_webhooks(self, rows: WebhookRows, settled: Settled) -> None:
        mismatched = compare_receipts(self._settings, rows, settled)
        for missing in mismatched:
            self.findings.topics[missing.topic].missing += 1
            self.findings.topics[missing.topic].proven -= 1
        messages, unwritten = compare_messages(self._settings, self._log, rows, self._read_model.positions())
        self.findings.topics[messages.topic] = messages
        self.findings.missing += mismatched + unwritten

    def _compare_jobs(self, rows: JobRows, settled: JobsSettled) -> None:
        unwritten = compare_jobs(self._settings, rows, settled)
        self.findings.jobs.missing += len(unwritten)
        self.findings.missing += unwritten


def _add(total: TopicAudit, part: TopicAudit) -> None:
    for field in ("records", "proven", "in_flight", "dead_lettered", "repeats", "missing"):
        setattr(total, field, getattr(total, field) + getattr(part, field))


def _report(findings: _Findings, stages: Iterable[StageAge]) -> AuditReport:
    topics: Iterable[TopicAudit] = findings.topics.values()
    in_flight = findings.jobs.in_flight or findings.jobs.stuck or any(topic.in_flight for topic in topics)
    return AuditReport(
        outcome="missing" if findings.missing else "in flight" if in_flight else "complete",
        topics=tuple(topics),
        missing=tuple(findings.missing[:LISTED]),
        jobs=findings.jobs,
        stuck=tuple(findings.stuck[:LISTED]),
        repeats=tuple(findings.repeats[:LISTED]),
        lost_ends=tuple(findings.lost_ends),
        stages=tuple(stages),
    )
