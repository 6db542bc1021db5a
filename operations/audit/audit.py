"""The conservation proof: every accepted webhook has one verdict, every fresh one its rows, every message its jobs.

It compares offsets with rows instead of reading the log, and remembers what it has proven, so that a run costs
what is new since the last one. What is missing is named. `full` forgets that and compares the log record by record.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import psycopg

from headrace.events.codec import UndecodableEvent, UnknownEventType
from headrace.events.envelope import EnvelopeError, header_map
from headrace.events.messages import LeadSplit, Message, MessageMoved
from headrace.events.records import Record
from headrace.events.topics import MESSAGES
from headrace.kafka.log_offsets import LogOffsets, LogRange, Place
from headrace.kafka.log_records import in_chunks, in_pieces, read_offsets, read_ranges
from headrace.refusal import Refusal
from headrace.settings import Settings
from operations.audit.defaults import STUCK_SECONDS, WAIT_SECONDS
from operations.audit.findings import LISTED, AuditReport, JobsAudit, Kind, Missing, Repeat, StuckJob, TopicAudit
from operations.audit.job_rows import AuditJobRows
from operations.audit.jobs import audit_jobs, compare_jobs
from operations.audit.repeats import Logged, logged, repeats_among
from operations.audit.rows import LIMIT, AuditRows, Gap, Proven
from operations.records.settling import Settled, settle, settle_jobs
from projections.connection import libpq_url
from projections.projection import BadRecord, decode_event

#: Offsets of a gap that are named one by one, with their receipts; the rest is counted.
NAMED = 100
#: Offsets of gaps looked up in the log at once, until so many were found missing.
_LOOKED_UP = 1000


class AuditImpossible(Refusal):
    """Log and read model don't belong together; the message says what to do."""


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
    log = LogOffsets(settings)
    deadline = time.monotonic() + wait_seconds
    with psycopg.connect(libpq_url(settings.database_url), autocommit=True, connect_timeout=5) as connection:
        rows = AuditRows(connection)
        topics, found, repeats = _audit_webhooks(settings, log, rows, full, wait_seconds)
        settled = settle_jobs(settings, log, rows.positions, max(0.0, deadline - time.monotonic()))
        job_rows = AuditJobRows(connection)
        before = {} if full else job_rows.proven()
        _check_same_log({**settled.messages, **settled.jobs}, before)
        jobs, lacking, stuck = audit_jobs(settings, job_rows, settled, before, stuck_seconds)
        if full:
            unwritten = compare_jobs(settings, job_rows, settled)
            jobs.missing += len(unwritten)
            lacking += unwritten
    return _report(topics.values(), jobs, found + lacking, stuck, repeats)


def _audit_webhooks(
    settings: Settings, log: LogOffsets, rows: AuditRows, full: bool, wait_seconds: float
) -> tuple[dict[str, TopicAudit], list[Missing], list[Repeat]]:
    settled = settle(settings, log, rows.positions, wait_seconds)
    before = {} if full else rows.proven()
    _check_same_log(settled.ranges, {place: proven.verdicts_to for place, proven in before.items()})
    audits = [_PlaceAudit(settings, rows, settled, place, before.get(place)) for place in sorted(settled.ranges)]
    found = [finding for one in audits for finding in one.run()]
    topics = _totals(audits)
    if full:
        mismatched = _compare_receipts(settings, rows, settled)
        for finding in mismatched:
            topics[finding.topic].missing += 1
            topics[finding.topic].proven -= 1
        messages, unwritten = _compare_messages(settings, log, rows)
        topics[messages.topic] = messages
        found += mismatched + unwritten
    rows.remember({one.place: one.proven for one in audits})
    return topics, found, [repeat for one in audits for repeat in one.repeats]


def _check_same_log(ranges: Mapping[Place, LogRange], before: Mapping[Place, int]) -> None:
    """`before`: up to where each partition was proven."""
    for place, proven_to in before.items():
        log_range = ranges.get(place)
        if log_range is not None and proven_to > log_range.end:
            raise AuditImpossible(
                f"{place[0]}[{place[1]}] ends at offset {log_range.end}, but was proven up to {proven_to}: "
                "the topic was deleted and made anew. If that was meant, run `headrace audit --full` once"
            )


class _PlaceAudit:
    """The audit of one partition of `webhooks.*`."""

    def __init__(
        self, settings: Settings, rows: AuditRows, settled: Settled, place: Place, before: Proven | None
    ) -> None:
        self.place = place
        self.totals = TopicAudit(topic=place[0])
        self._settings = settings
        self._rows = rows
        self._settled = settled
        self._range = settled.ranges[place]
        start = self._range.start
        self.proven = Proven(
            max(before.verdicts_to if before else 0, start), max(before.facts_to if before else 0, start)
        )
        self.found: list[Missing] = []
        self.repeats: list[Repeat] = []

    def run(self) -> list[Missing]:
        """What is missing; `totals` and `proven` are filled in."""
        judged_to = self._settled.judged_to[self.place]
        verdicts = LogRange(self.proven.verdicts_to, max(judged_to, self.proven.verdicts_to))
        pending_verdicts, verdicts_to = self._verdicts(verdicts)
        # A missing verdict must not hide what is missing behind it.
        facts_end = verdicts.end if self._settled.verdicts else verdicts_to
        pending_facts, facts_to = self._facts(LogRange(self.proven.facts_to, max(facts_end, self.proven.facts_to)))
        self.proven = Proven(verdicts_to, min(facts_to, verdicts_to))
        self._count(verdicts.end, pending_verdicts + pending_facts)
        return self.found

    def _verdicts(self, log_range: LogRange) -> tuple[int, int]:
        """Finds what has no verdict, or several. Returns how many may still come, and up to where all is well."""
        gaps = self._rows.gaps(self.place, log_range)
        doubled = [self._missing("one verdict", offset) for offset, _ in self._rows.doubled(self.place, log_range)]
        self.found += doubled
        self.totals.missing += len(doubled)
        well_to = min((m.offset for m in doubled), default=log_range.end)
        if not gaps:
            return 0, well_to
        if not self._settled.verdicts:
            return _length(gaps), min(well_to, gaps[0].start)
        # More gaps than were asked for may follow: the next audit goes on behind these.
        end = gaps[-1].end if len(gaps) == LIMIT else log_range.end
        return log_range.end - end, min(well_to, self._absent(gaps, end))

    def _absent(self, gaps: list[Gap], end: int) -> int:
        """Finds the offsets of the gaps that nothing accounts for. Returns the first of them, or `end`."""
        dead = self._rows.dead_offsets(self.place)
        accounted = sum(any(gap.start <= offset < gap.end for gap in gaps) for offset in dead)
        missing: list[Missing] = []
        for offsets in in_pieces(_offsets(gaps, dead), _LOOKED_UP):
            receipts = self._receipts_of(offsets)
            repeats = repeats_among(self._settings, self._rows, self.place, receipts)
            self.repeats += repeats
            repeated = {repeat.offset for repeat in repeats}
            refused = self._rows.dead_receipts(one.receipt_id for one in receipts.values())
            unaccounted = [o for o in offsets if o not in repeated and _receipt_at(receipts, o) not in refused]
            accounted += len(offsets) - len(repeats) - len(unaccounted)
            missing += [self._missing("verdict", o, _receipt_at(receipts, o)) for o in unaccounted]
            if len(missing) >= NAMED:
                break
        self.found += missing[:NAMED]
        self.totals.dead_lettered += accounted
        self.totals.repeats += len(self.repeats)
        self.totals.missing += _length(gaps) - accounted - len(self.repeats)
        return min((m.offset for m in missing), default=end)

    def _receipts_of(self, offsets: list[int]) -> dict[int, Logged]:
        """What the log says of these offsets."""
        return {record.offset: logged(record) for record in read_offsets(self._settings, self.place, offsets)}

    def _facts(self, log_range: LogRange) -> tuple[int, int]:
        """As `_verdicts`, for what follows from them."""
        incomplete = self._rows.incomplete(self.place, log_range)
        if not incomplete:
            return 0, log_range.end
        if not self._settled.facts[self.place[0]]:
            return len(incomplete), incomplete[0].offset
        refused = self._rows.dead_receipts(found.receipt_id for found in incomplete)
        missing = [self._missing(r.lack, r.offset, r.receipt_id) for r in incomplete if r.receipt_id not in refused]
        self.found += missing
        self.totals.dead_lettered += len(incomplete) - len(missing)
        self.totals.missing += len(missing)
        return 0, min((m.offset for m in missing), default=log_range.end)

    def _count(self, judged_to: int, pending: int) -> None:
        totals = self.totals
        totals.records = self._range.end - self._range.start
        totals.in_flight = self._range.end - judged_to + pending
        accounted = totals.in_flight + totals.missing + totals.dead_lettered + totals.repeats
        totals.proven = max(0, totals.records - accounted)

    def _missing(self, kind: Kind, offset: int, receipt_id: str | None = None) -> Missing:
        return Missing(
            kind=kind, topic=self.place[0], partition=self.place[1], offset=offset, receipt_id=receipt_id or None
        )


def _receipt_at(receipts: Mapping[int, Logged], offset: int) -> str | None:
    return receipts[offset].receipt_id if offset in receipts else None


def _length(gaps: Iterable[Gap]) -> int:
    return sum(gap.end - gap.start for gap in gaps)


def _offsets(gaps: Iterable[Gap], dead: set[int]) -> Iterator[int]:
    return (offset for gap in gaps for offset in range(gap.start, gap.end) if offset not in dead)


def _compare_receipts(settings: Settings, rows: AuditRows, settled: Settled) -> list[Missing]:
    """Reads the webhooks: the verdict at each place is about the receipt that stands there."""
    found: list[Missing] = []
    for place, log_range in settled.ranges.items():
        for chunk in in_chunks(read_ranges(settings, {place: LogRange(log_range.start, settled.judged_to[place])})):
            receipts = {record.offset: header_map(record.headers).get("ce_receiptid", "") for record in chunk}
            found += [
                Missing(kind="verdict", topic=place[0], partition=place[1], offset=o, receipt_id=receipts[o])
                for o in rows.mismatched(place, receipts)
            ]
    return found


def _compare_messages(settings: Settings, log: LogOffsets, rows: AuditRows) -> tuple[TopicAudit, list[Missing]]:
    """Reads the messages: each that the projection has passed has its row, and so has what a split gave to whom."""
    totals = TopicAudit(topic=settings.topic(MESSAGES))
    found: list[Missing] = []
    positions = rows.positions()
    for place, log_range in log.ranges([totals.topic]).items():
        passed = LogRange(log_range.start, min(positions.get(place, log_range.start), log_range.end))
        totals.records += log_range.end - log_range.start
        totals.in_flight += log_range.end - passed.end
        for chunk in in_chunks(read_ranges(settings, {place: passed})):
            events = {record.offset: event for record in chunk if (event := _event_of(record)) is not None}
            unwritten = _unwritten(rows, events)
            refused = rows.dead_receipts(events[offset].receipt_id for offset in unwritten)
            missing = [
                Missing(kind="row", topic=place[0], partition=place[1], offset=o, receipt_id=events[o].receipt_id)
                for o in unwritten
                if events[o].receipt_id not in refused
            ]
            found += missing
            totals.missing += len(missing)
            totals.dead_lettered += len(unwritten) - len(missing)
    totals.proven = totals.records - totals.in_flight - totals.missing - totals.dead_lettered
    return totals, found


def _unwritten(rows: AuditRows, events: Mapping[int, Message | LeadSplit | MessageMoved]) -> list[int]:
    messages = {o: (e.workspace, e.message_id) for o, e in events.items() if isinstance(e, Message)}
    splits = {o: (e.workspace, e.new_lead_id) for o, e in events.items() if isinstance(e, LeadSplit)}
    moves = {o: (e.workspace, e.message_id) for o, e in events.items() if isinstance(e, MessageMoved)}
    return sorted((*rows.unwritten_messages(messages), *rows.unwritten_splits(splits), *rows.unwritten_moves(moves)))


def _event_of(record: Record) -> Message | LeadSplit | MessageMoved | None:
    """The event of a record if it is compared; None for others, and for what is a dead letter by the same errors."""
    try:
        event: Any = decode_event(record)
    except (EnvelopeError, UndecodableEvent, UnknownEventType, BadRecord):
        return None
    return event if isinstance(event, Message | LeadSplit | MessageMoved) else None


def _totals(audits: Iterable[_PlaceAudit]) -> dict[str, TopicAudit]:
    topics: dict[str, TopicAudit] = {}
    for one in audits:
        total = topics.setdefault(one.totals.topic, TopicAudit(topic=one.totals.topic))
        for field in ("records", "proven", "in_flight", "dead_lettered", "repeats", "missing"):
            setattr(total, field, getattr(total, field) + getattr(one.totals, field))
    return topics


def _report(
    topics: Iterable[TopicAudit],
    jobs: JobsAudit,
    found: list[Missing],
    stuck: list[StuckJob],
    repeats: list[Repeat],
) -> AuditReport:
    totals = tuple(topics)
    in_flight = jobs.in_flight or jobs.stuck or any(total.in_flight for total in totals)
    return AuditReport(
        outcome="missing" if found else "in flight" if in_flight else "complete",
        topics=totals,
        missing=tuple(found[:LISTED]),
        jobs=jobs,
        stuck=tuple(stuck[:LISTED]),
        repeats=tuple(repeats[:LISTED]),
    )
