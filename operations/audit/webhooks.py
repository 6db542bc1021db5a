"""The conservation proof for one partition of `webhooks.*`: each record has one verdict, each fresh one its rows."""

from collections.abc import Iterable, Iterator, Mapping

from headrace.kafka.log_offsets import LogRange, Place
from headrace.kafka.log_records import in_pieces, read_offsets
from headrace.settings import Settings
from operations.audit.findings import Kind, Missing, Repeat, TopicAudit
from operations.audit.proofs import ProvenWebhooks
from operations.audit.read_model import LIMIT
from operations.audit.repeats import Logged, logged, repeats_among
from operations.audit.webhook_rows import Gap, WebhookRows
from operations.records.settling import Settled

#: Offsets of a gap that are named one by one, with their receipts; the rest is counted.
NAMED = 100
#: Offsets of gaps looked up in the log at once, until so many were found missing.
_LOOKED_UP = 1000


class PartitionProver:
    """Proves what is new in one partition."""

    def __init__(
        self, settings: Settings, rows: WebhookRows, settled: Settled, place: Place, before: ProvenWebhooks | None
    ) -> None:
        self.place = place
        self.totals = TopicAudit(topic=place[0])
        self._settings = settings
        self._rows = rows
        self._settled = settled
        self._range = settled.ranges[place]
        start = self._range.start
        self.proven = ProvenWebhooks(
            max(before.verdicts_to if before else 0, start), max(before.facts_to if before else 0, start)
        )
        self.missing: list[Missing] = []
        self.repeats: list[Repeat] = []

    def run(self) -> None:
        """Fill in `missing`, `totals`, `proven` and `repeats`."""
        judged_to = self._settled.judged_to[self.place]
        verdicts = LogRange(self.proven.verdicts_to, max(judged_to, self.proven.verdicts_to))
        pending_verdicts, verdicts_to = self._verdicts(verdicts)
        # A missing verdict must not hide what is missing behind it.
        facts_end = verdicts.end if self._settled.verdicts else verdicts_to
        pending_facts, facts_to = self._facts(LogRange(self.proven.facts_to, max(facts_end, self.proven.facts_to)))
        self.proven = ProvenWebhooks(verdicts_to, min(facts_to, verdicts_to))
        self._count(verdicts.end, pending_verdicts + pending_facts)

    def _verdicts(self, log_range: LogRange) -> tuple[int, int]:
        """Finds what has no verdict, or several. Returns how many may still come, and up to where all is well."""
        gaps = self._rows.gaps(self.place, log_range)
        doubled = [self._missing("one verdict", offset) for offset, _ in self._rows.doubled(self.place, log_range)]
        self.missing += doubled
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
        dead = self._rows.accounted_offsets(self.place)
        accounted = sum(any(gap.start <= offset < gap.end for gap in gaps) for offset in dead)
        missing: list[Missing] = []
        for offsets in in_pieces(_offsets(gaps, dead), _LOOKED_UP):
            receipts = self._receipts_of(offsets)
            repeats = repeats_among(self._settings, self._rows, self.place, receipts)
            self.repeats += repeats
            repeated = {repeat.offset for repeat in repeats}
            refused = self._rows.dead_receipts(receipt.receipt_id for receipt in receipts.values())
            unaccounted = [o for o in offsets if o not in repeated and _receipt_at(receipts, o) not in refused]
            accounted += len(offsets) - len(repeats) - len(unaccounted)
            missing += [self._missing("verdict", o, _receipt_at(receipts, o)) for o in unaccounted]
            if len(missing) >= NAMED:
                break
        self.missing += missing[:NAMED]
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
        refused = self._rows.dead_receipts(receipt.receipt_id for receipt in incomplete)
        missing = [
            self._missing(receipt.lack, receipt.offset, receipt.receipt_id)
            for receipt in incomplete
            if receipt.receipt_id not in refused
        ]
        self.missing += missing
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
