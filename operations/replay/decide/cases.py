"""Reads out of the log all that deciding a window's messages again takes: leads, jobs, conclusions, workspaces."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from headrace.events.codec import UndecodableEvent, UnknownEventType
from headrace.events.enrichments import Enrichment
from headrace.events.envelope import Envelope, EnvelopeError, read_envelope
from headrace.events.job_plan import job_id, job_types_of
from headrace.events.jobs import JobEvent, JobType
from headrace.events.messages import Message
from headrace.events.records import Record
from headrace.events.topics import ENRICHMENTS, JOBS, MESSAGES, WORKSPACES
from headrace.kafka.log_offsets import LogOffsets, LogRange
from headrace.kafka.log_offsets import Place as LogPlace
from headrace.kafka.log_records import read_ranges
from headrace.settings import Settings
from operations.replay.decide.known import LeadFact, LeadStory
from operations.replay.decide.lives import Life
from operations.replay.decide.refusal import DecideRefused
from operations.replay.decide.workspaces_then import WorkspacesThen
from operations.replay.webhooks.window import Window, derived_ranges
from projections.projection import BadRecord, decode_event
from streams.jobs.open_job import Place
from streams.jobs.requests import asks_for_work

#: Called with a phase and how many records were looked at in it.
Progress = Callable[[str, int], None]
_STEP = 5000


class LeadCase(msgspec.Struct, kw_only=True):
    """One lead, with those of its messages that are to be decided again."""

    story: LeadStory
    #: Job id → its life, of all jobs of the lead.
    lives: dict[str, Life]
    #: Message ids → the provider it came from.
    messages: dict[str, str]


class Cases(msgspec.Struct, kw_only=True):
    """A whole window."""

    #: By lead id.
    leads: dict[str, LeadCase]
    workspaces: WorkspacesThen
    #: Up to where `jobs` was read.
    jobs_read: dict[LogPlace, int]

    @property
    def message_count(self) -> int:
        """Messages of the window that ask for work."""
        return sum(len(case.messages) for case in self.leads.values())


def jobs_of(provider: str, message_id: str) -> tuple[tuple[JobType, str], ...]:
    """The jobs of a message that somebody wrote: type and id."""
    return tuple((type_, job_id(message_id, type_)) for type_ in job_types_of(provider))


def read_cases(settings: Settings, window: Window, progress: Progress) -> Cases:
    """The leads of the window's messages. Raises KafkaUnreachable, TopicsMissing, DecideRefused."""
    log = LogOffsets(settings)
    whole = {topic.name: log.ranges([settings.topic(topic)]) for topic in (MESSAGES, JOBS, ENRICHMENTS)}
    _check_complete(whole.values())
    wanted = _told(read_ranges(settings, derived_ranges(settings, log, window, MESSAGES)), "window", progress)
    leads: dict[str, LeadCase] = {}
    for event, _envelope, _record in wanted:
        if isinstance(event, Message) and asks_for_work(event) and _is_in(window, event):
            case = leads.setdefault(event.lead_id, LeadCase(story=LeadStory(), lives={}, messages={}))
            case.messages[event.message_id] = event.provider
    keys = {lead_id.encode() for lead_id in leads}
    for topic, take in ((MESSAGES, _take_fact), (JOBS, _take_job), (ENRICHMENTS, _take_conclusion)):
        records = (record for record in read_ranges(settings, whole[topic.name]) if record.key in keys)
        for event, envelope, record in _told(records, topic.name, progress):
            take(leads[record.key.decode()], event, envelope, record)
    return Cases(
        leads=leads,
        workspaces=WorkspacesThen(read_ranges(settings, log.ranges([settings.topic(WORKSPACES)]))),
        jobs_read={place: one.end for place, one in whole[JOBS.name].items()},
    )


def jobs_moved(settings: Settings, cases: Cases) -> set[str]:
    """The jobs of which something was written since `jobs` was read; from now on, it is read.

    Raises KafkaUnreachable.
    """
    ends = LogOffsets(settings).ends(cases.jobs_read)
    news = {place: LogRange(start, ends[place]) for place, start in cases.jobs_read.items()}
    cases.jobs_read = ends
    return {event.job_id for event, _, _ in _told(read_ranges(settings, news)) if isinstance(event, JobEvent)}


def _check_complete(ranges: Iterable[Mapping[LogPlace, LogRange]]) -> None:
    """What jobs saw is folded from the first record on."""
    for one in ranges:
        for (topic, partition), found in one.items():
            if found.start > 0:
                raise DecideRefused(
                    f"{topic}[{partition}] begins at offset {found.start:,}: retention removed what was before it, and "
                    "nobody can tell any more what jobs saw. A topic of decisions must be kept for ever."
                )


def _is_in(window: Window, message: Message) -> bool:
    return (
        message.provider == window.provider
        and window.start <= message.received_at < window.end
        and window.workspace in (None, message.workspace)
    )


def _told(
    records: Iterable[Record], phase: str = "", progress: Progress = lambda _phase, _count: None
) -> Iterator[tuple[Any, Envelope, Record]]:
    """The events of records; those that are dead letters everywhere else are left out."""
    for number, record in enumerate(records, start=1):
        if number % _STEP == 0:
            progress(phase, number)
        try:
            yield decode_event(record), read_envelope(record.headers), record
        except (EnvelopeError, UnknownEventType, UndecodableEvent, BadRecord):
            continue


def _take_fact(case: LeadCase, event: Any, envelope: Envelope, record: Record) -> None:
    if isinstance(event, LeadFact):
        case.story.tell(event, envelope, record.timestamp_ms)


def _take_job(case: LeadCase, event: Any, envelope: Envelope, record: Record) -> None:
    if isinstance(event, JobEvent):
        place = Place(record.partition, record.offset, record.timestamp_ms, envelope.traceparent)
        case.lives.setdefault(event.job_id, Life()).take(event, place)  # type: ignore[arg-type]
    else:
        _take_fact(case, event, envelope, record)


def _take_conclusion(case: LeadCase, event: Any, envelope: Envelope, record: Record) -> None:
    if isinstance(event, Enrichment):
        case.lives.setdefault(event.job_id, Life()).conclude(event, envelope, record.timestamp_ms)  # type: ignore[arg-type]
