"""From one id to the whole story: resolves it, gathers rows and records, and says what is missing and why."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg

from headrace.events.envelope import header_map
from headrace.events.records import Record
from headrace.events.topics import INBOX, INBOX_BULK, JOBS, MESSAGES, WEBHOOK_TOPICS, Topic
from headrace.kafka.clients import KafkaUnreachable
from headrace.kafka.log_offsets import LogOffsets, Place
from headrace.kafka.log_records import read_positions
from headrace.refusal import Refusal
from headrace.settings import Settings
from operations.records.projected import projected_to
from operations.records.record_filter import topics_named
from operations.records.settling import group_of
from operations.records.shown_record import Shower
from operations.trace.gathering import Gatherer
from operations.trace.lineage import Lineage, Position
from operations.trace.lookup import Subject, find_subjects
from operations.trace.naming import IdNamed, PlaceNamed, named, received_at
from operations.trace.node import Node, place_text, walk
from operations.trace.node_maker import NodeMaker, Options, stored_at
from operations.trace.reading import LogReader, Looked, position_of
from operations.trace.standing import Reached, Unfinished, unfinished
from operations.trace.trace_options import TraceOptions
from operations.trace.tree import TreeBuilder
from projections.connection import libpq_url


class TraceImpossible(Refusal):
    """Nobody can be asked, or the place is none; the message says why and what to do."""


class Trace(msgspec.Struct, kw_only=True):
    """What was found."""

    asked_for: str
    #: What it is; None when it was found in the log alone, or not at all.
    subject: Subject | None = None
    #: What the beginning of an id fits, when that is more than one thing.
    candidates: list[Subject] = []
    trees: list[Node] = []
    unfinished: list[Unfinished] = []
    looked: Looked = msgspec.field(default_factory=Looked)
    #: Where it was looked for, in words.
    searched: list[str] = []
    #: What could not be asked, in words.
    problems: list[str] = []


def trace(settings: Settings, text: str, options: TraceOptions) -> Trace:
    """The story of an id or place. Raises TooShort, UnknownTopic, TraceImpossible or psycopg.Error."""
    wanted = named(text)
    story = Trace(asked_for=text.strip())
    with _connected(settings, story) as connection:
        tracer = _Tracer(settings, connection, options, story)
        if isinstance(wanted, PlaceNamed):
            tracer.follow_place(wanted)
        else:
            tracer.follow_id(wanted)
    return story


class _Tracer:
    """Follows one id."""

    def __init__(
        self, settings: Settings, connection: psycopg.Connection[Any] | None, options: TraceOptions, story: Trace
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._options = options
        self._story = story

    def follow_place(self, wanted: PlaceNamed) -> None:
        """From a record to the webhook that caused it, and on from there."""
        topics = topics_named([wanted.topic], self._settings.topic_prefix)
        position = self._settings.topic(topics[0]), wanted.partition, wanted.offset
        record = self._record_at(position)
        headers = header_map(record.headers)
        receipt = headers.get("ce_id" if topics[0] in WEBHOOK_TOPICS else "ce_receiptid", "")
        self._story.asked_for = place_text(position)
        if receipt:
            self._tell(self._webhook(receipt, headers, record), receipt, place_text(position))
        if not any(node.is_asked_for for node in walk(self._story.trees)):
            self._story.trees.append(_alone(record, Shower(self._settings, texts=self._options.texts)))

    def _webhook(self, receipt: str, headers: dict[str, str], record: Record) -> Subject:
        """The webhook of a record: as a row has it, or as the record names it."""
        rows = [] if self._connection is None else find_subjects(self._connection, IdNamed.of(receipt))
        made_up = Subject(kind="receipt", workspace=headers.get("ce_workspace", ""), id=receipt, at=stored_at(record))
        return next((subject for subject in rows if subject.kind == "receipt" and subject.id == receipt), made_up)

    def follow_id(self, wanted: IdNamed) -> None:
        """From what the id names to the webhook that caused it, and on from there."""
        subjects: list[Subject] = []
        if self._connection is not None:
            subjects = find_subjects(self._connection, wanted)
            self._story.searched.append("Postgres: receipts, messages, jobs, AI calls, leads, drafts, evidence")
        if len(subjects) > 1:
            self._story.candidates = subjects
            return
        subject = subjects[0] if subjects else None
        self._tell(subject, wanted.text, subject.id if subject else wanted.text)

    def _tell(self, subject: Subject | None, id_: str, asked_for: str) -> None:
        self._story.subject = subject
        lineage = self._gathered(subject)
        reader = self._reader(lineage)
        if reader is not None:
            self._read(reader, lineage, id_)
            self._story.looked = reader.looked
        self._story.unfinished = unfinished(lineage, self._reached(reader))
        options = Options(
            asked_for=asked_for, texts=self._options.texts, raw=self._options.raw, depth=self._options.depth
        )
        shower = Shower(self._settings, texts=self._options.texts)
        builder = TreeBuilder(NodeMaker(lineage, shower, options, is_log_read=reader is not None))
        self._story.trees = builder.build(subject.id if subject is not None and subject.kind == "lead" else None)

    def _gathered(self, subject: Subject | None) -> Lineage:
        if self._connection is None or subject is None:
            return Lineage()
        gatherer = Gatherer(self._connection, subject.workspace)
        gatherer.gather(subject, self._options.limit)
        return gatherer.lineage

    def _reader(self, lineage: Lineage) -> LogReader | None:
        """None when Kafka is away: rows alone then tell what they can."""
        try:
            return LogReader(self._settings, lineage, self._options.most)
        except KafkaUnreachable as error:
            if self._connection is None:
                raise TraceImpossible(f"Neither Postgres nor Kafka can be asked. {error}") from error
            self._story.problems.append(f"{error}. Records, facts and what is no row yet are not shown.")
            return None

    def _read(self, reader: LogReader, lineage: Lineage, id_: str) -> None:
        reader.read(lineage.positions())
        drawn_at = received_at(id_)
        if self._connection is not None:
            reader.read_tail(self._projected, {id_})
            self._story.searched.append("Kafka: the records that are not in Postgres yet")
        if drawn_at is not None and not lineage.of("webhook_receipts", receipt_id=id_):
            reader.read_raw(id_, drawn_at)
            self._story.searched.append(f"Kafka: webhooks.* around {drawn_at:%Y-%m-%d %H:%M:%S} UTC")
        from_ = self._options.from_ or (drawn_at if self._connection is None else None)
        if from_ is not None:
            reader.read_window(id_, from_, self._options.to)
            self._story.searched.append(f"Kafka: every topic from {from_:%Y-%m-%d %H:%M:%S} UTC on")
        elif self._connection is None:
            self._story.searched.append("Kafka: nothing, because only a receipt tells its time; give --from")
        reader.read_facts()

    @property
    def _projected(self) -> dict[Place, int]:
        return {} if self._connection is None else projected_to(self._connection)

    def _reached(self, reader: LogReader | None) -> Reached:
        if reader is None:
            return Reached(projected={}, judged={}, resolved={}, requested={})

        def committed(*topics: Topic) -> dict[Place, int]:
            story: dict[Place, int] = {}
            for topic in topics:
                places = [place for place in reader.ranges if place[0] == self._settings.topic(topic)]
                group = group_of(self._settings, JOBS if topic is MESSAGES else topic)
                story |= dict.fromkeys(places, 0) | reader.committed(group, places)
            return story

        # Whoever has no position yet begins with the oldest record.
        starts = {place: story.start for place, story in reader.ranges.items()}
        return Reached(
            projected=starts | self._projected,
            judged=committed(*WEBHOOK_TOPICS),
            resolved=committed(INBOX, INBOX_BULK),
            requested=committed(MESSAGES),
        )

    def _record_at(self, position: Position) -> Record:
        topic, partition, offset = position
        try:
            ranges = LogOffsets(self._settings).ranges([topic])
            if (topic, partition) not in ranges:
                raise TraceImpossible(f"{topic} has no partition {partition}; it has {len(ranges)}.")
            log_range = ranges[topic, partition]
            if not log_range.start <= offset < log_range.end:
                raise TraceImpossible(
                    f"{topic}[{partition}] holds the offsets from {log_range.start} to {log_range.end - 1}, "
                    f"not {offset}."
                )
            return next(iter(read_positions(self._settings, {(topic, partition): [offset]})))
        except KafkaUnreachable as error:
            raise TraceImpossible(f"A place can only be looked up in Kafka. {error}") from error


@contextmanager
def _connected(settings: Settings, story: Trace) -> Iterator[psycopg.Connection[Any] | None]:
    """A reading connection, None while Postgres is away."""
    try:
        connection = psycopg.connect(
            libpq_url(settings.database_url), autocommit=True, connect_timeout=5, application_name="headrace-trace"
        )
    except psycopg.OperationalError as error:
        reason = str(error).strip().partition("\n")[0]
        story.problems.append(f"Postgres can't be reached ({reason}): only the log is asked.")
        yield None
        return
    with connection:
        connection.execute("SET default_transaction_read_only = on")
        connection.execute("SET timezone = 'UTC'")
        yield connection


def _alone(record: Record, shower: Shower) -> Node:
    """A record that no webhook caused, or that a newer one took the row of."""
    shown = shower.show(record)
    return Node(
        what="record",
        title=shown.type or "no type",
        id=shown.id,
        at=shown.at,
        place=place_text(position_of(record)),
        size=shown.size,
        says=shown.event or {},
        notes=[shown.problem] if shown.problem else [],
        is_asked_for=True,
    )
