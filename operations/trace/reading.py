"""Reads a story's records: at the places that rows name, and in those stretches of the log that no row tells of yet."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from headrace.events.codec import NewerEvent
from headrace.events.envelope import header_map
from headrace.events.records import Record
from headrace.events.topics import (
    AI_INTERACTIONS,
    DEAD_LETTERS,
    ENRICHMENTS,
    INBOX,
    INBOX_BULK,
    JOBS,
    MESSAGES,
    RECEIPTS,
    WEBHOOK_TOPICS,
    WEBHOOKS_BULK,
    Topic,
)
from headrace.kafka.log_offsets import LogOffsets, LogRange, Place
from headrace.kafka.log_records import read_positions, read_ranges
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings
from operations.trace.lineage import Lineage, Position, Row
from projections.registry import ALL_PROJECTIONS
from projections.writing.upserts import rows_of

#: Topics whose records become rows of a story.
PROJECTED = (RECEIPTS, MESSAGES, JOBS, ENRICHMENTS, AI_INTERACTIONS, DEAD_LETTERS)
#: Facts and verdict of a webhook are sent together.
_TOGETHER = timedelta(seconds=5)


class Looked(msgspec.Struct, kw_only=True):
    """What the log was read for."""

    #: Records read at places that rows name.
    places: int = 0
    #: Records gone through to find others.
    gone_through: int = 0
    #: Records that were not gone through, because they are too many.
    left_out: int = 0
    #: What could not be found, and why: sentences.
    gaps: list[str] = msgspec.field(default_factory=list)


class LogReader:
    """Reads into one lineage. Every method raises KafkaUnreachable or TopicsMissing."""

    def __init__(self, settings: Settings, lineage: Lineage, most: int) -> None:
        """`most`: records to go through at most in each search."""
        self._settings = settings
        self._lineage = lineage
        self._most = most
        self._log = LogOffsets(settings)
        self.looked = Looked()
        self.ranges: dict[Place, LogRange] = self._log.ranges(
            settings.topic(topic) for topic in (*WEBHOOK_TOPICS, INBOX, INBOX_BULK, *PROJECTED)
        )

    def committed(self, group: str, places: Iterable[Place]) -> dict[Place, int]:
        """The group's next offset, where it has one."""
        return self._log.committed(group, places)

    def read(self, positions: Iterable[Position]) -> None:
        """The records at these places; those that retention removed are left out."""
        wanted: dict[Place, set[int]] = defaultdict(set)
        for topic, partition, offset in positions:
            log_range = self.ranges.get((topic, partition))
            if log_range is not None and log_range.start <= offset < log_range.end:
                wanted[topic, partition].add(offset)
        for record in read_positions(self._settings, wanted):
            self.looked.places += 1
            self._lineage.records[position_of(record)] = record

    def read_facts(self) -> None:
        """The facts of every fresh webhook, which stand in the inbox near the time of the verdict."""
        for row in self._lineage.of("webhook_receipts"):
            verdict = self._lineage.records.get(row.position)
            if row["fact_count"] and verdict is not None:
                self._read_facts(row, datetime.fromtimestamp(verdict.timestamp_ms / 1000, UTC))

    def _read_facts(self, row: Row, judged_at: datetime) -> None:
        inbox = INBOX_BULK if row["source_topic"] == self._settings.topic(WEBHOOKS_BULK) else INBOX
        window = self._log.window([self._settings.topic(inbox)], judged_at - _TOGETHER, judged_at + _TOGETHER)
        place = self._settings.topic(inbox), key_partition(row["workspace_id"].encode(), self._settings.partitions)
        facts: dict[str, Record] = {}
        for record in self._search({place: window[place]}, {row["receipt_id"]}):
            # Sent twice, it is the same fact.
            facts.setdefault(header_map(record.headers).get("ce_id", ""), record)
            if len(facts) == row["fact_count"]:
                break
        self._lineage.facts[row["receipt_id"]] = list(facts.values())
        if len(facts) < row["fact_count"]:
            self.looked.gaps.append(
                f"{len(facts)} of {row['fact_count']} facts of webhook {row['receipt_id']} were found in {place[0]}"
                f"[{place[1]}] around {judged_at:%Y-%m-%d %H:%M:%S} UTC"
            )

    def read_tail(self, positions: Mapping[Place, int], ids: set[str]) -> None:
        """What the log has of these ids beyond the rows: `positions` are the projections' next offsets."""
        unread = {
            place: LogRange(max(positions.get(place, 0), log_range.start), log_range.end)
            for place, log_range in self.ranges.items()
            if place[0] in self._names(PROJECTED)
        }
        wanted = self._lineage.ids() | ids
        for record in self._search(self._of_story(unread), wanted):
            self._take(record)
            # A job that was asked for only now has events of its own.
            wanted |= self._lineage.ids()

    def read_raw(self, receipt_id: str, received_at: datetime) -> None:
        """The raw request of a webhook without verdict, about the time its id was drawn."""
        names = list(self._names(WEBHOOK_TOPICS))
        window = self._log.window(names, received_at - timedelta(minutes=1), received_at + timedelta(minutes=5))
        for record in self._search(window, {receipt_id}):
            if header_map(record.headers).get("ce_id") == receipt_id:
                self._lineage.raw[receipt_id] = record
                return

    def read_window(self, text: str, from_: datetime, to: datetime | None) -> None:
        """Everything that mentions an id, and then everything its webhooks caused."""
        window = self._log.window(self._names((*PROJECTED, *WEBHOOK_TOPICS)), from_, to)
        receipts = set()
        for record in self._search(window, {text}):
            headers = header_map(record.headers)
            receipts.add(headers.get("ce_receiptid") or headers.get("ce_id", ""))
        receipts.discard("")
        for record in self._search(window, receipts):
            if record.topic in self._names(WEBHOOK_TOPICS):
                self._lineage.raw[header_map(record.headers).get("ce_id", "")] = record
                self._lineage.records[position_of(record)] = record
            else:
                self._take(record)

    def _of_story(self, unread: Mapping[Place, LogRange]) -> dict[Place, LogRange]:
        """Without the partitions that the story's keys don't live in, where the keys are known."""
        leads = {row["lead_id"] for row in self._lineage.of("messages")}
        if not leads:
            return dict(unread)
        own = {key_partition(lead.encode(), self._settings.partitions) for lead in leads}
        by_lead = self._names((JOBS, ENRICHMENTS, AI_INTERACTIONS))
        return {place: log_range for place, log_range in unread.items() if place[0] not in by_lead or place[1] in own}

    def _search(self, ranges: Mapping[Place, LogRange], ids: set[str]) -> Iterator[Record]:
        """The records that mention one of the ids, which may grow meanwhile; no more are gone through than may be."""
        if not ids:
            return
        total = sum(log_range.end - log_range.start for log_range in ranges.values() if log_range.end > log_range.start)
        self.looked.left_out += max(0, total - self._most)
        for number, record in enumerate(read_ranges(self._settings, ranges)):
            if number >= self._most:
                break
            self.looked.gone_through += 1
            if any(_mentions(record, id_.encode()) for id_ in ids):
                yield record

    def _take(self, record: Record) -> None:
        """A record that is no row yet, as the rows it will become."""
        self._lineage.records[position_of(record)] = record
        try:
            self._lineage.add(_rows(self._settings, record))
        except (ValueError, NewerEvent) as error:
            self.looked.gaps.append(
                f"{record.topic}[{record.partition}]@{record.offset} mentions it, but can't be decoded: "
                f"{type(error).__name__}"
            )

    def _names(self, topics: Iterable[Topic]) -> set[str]:
        return {self._settings.topic(topic) for topic in topics}


def position_of(record: Record) -> Position:
    """Where the record stands."""
    return record.topic, record.partition, record.offset


def _rows(settings: Settings, record: Record) -> list[Row]:
    for projection in ALL_PROJECTIONS:
        if settings.topic(projection.topic) == record.topic:
            made = rows_of(record, projection.project(record), projection.rev)
            return [Row(table=row.table, schema="", values=row.values, origin="log") for row in made]
    return []


def _mentions(record: Record, wanted: bytes) -> bool:
    if wanted in record.key or (record.value is not None and wanted in record.value):
        return True
    return any(value is not None and wanted in value for _, value in record.headers)
