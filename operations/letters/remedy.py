"""What redriving a letter means: to which topic it goes, which job is asked for, or why it would be in vain. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from headrace.events.codec import Codec, NewerEvent, UndecodableEvent, UnknownEventType
from headrace.events.dead_letters import Redrive
from headrace.events.envelope import EnvelopeError, header_map, read_envelope
from headrace.events.job_plan import STEPS
from headrace.events.jobs import JobRequested
from headrace.events.records import Record
from headrace.kafka.faust.outbox import OutRecord
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings
from operations.jobs.job_list import JobRow
from operations.letters.letter import FITTING, Letter
from operations.letters.quarantine import Assigning, Unassignable
from streams.jobs.commands import command, fits
from streams.jobs.job_records import JobRecords

_CODEC = Codec()
#: Of `messages`: they carry their own time, so that it doesn't matter how late they come.
_FACTS_OF_LEADS = ("message.received", "message.sent", "lead.suppressed", "lead.signalled")


class Resend(msgspec.Struct, frozen=True, kw_only=True):
    """The record, or the request of its job, is written to its topic under its own identity."""

    record: OutRecord
    redrive: Redrive
    #: What asks for a job to run again, if it is one: it may ask models.
    request: JobRequested | None = None
    #: The workspace that a quarantined webhook goes to.
    assigned_to: str | None = None


class Reproject(msgspec.Struct, frozen=True, kw_only=True):
    """The record's rows are written by today's projector."""

    projection: str
    bytes: int


class InVain(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is done: it would change nothing, or do harm."""

    why: str
    what_to_do: str


Remedy = Resend | Reproject | InVain
Action = Literal["send again", "ask for its job again", "project again", "in vain"]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a remedy depends on besides letter and record."""

    settings: Settings
    #: By id: the jobs that died.
    jobs: Mapping[str, JobRow]
    #: None unless quarantined webhooks are among the letters.
    assigning: Assigning | None
    by: str
    now: datetime


def action_of(remedy: Remedy) -> Action:
    """The remedy in a word or two."""
    match remedy:
        case Reproject():
            return "project again"
        case InVain():
            return "in vain"
        case _:
            return "send again" if remedy.request is None else "ask for its job again"


def remedy_for(letter: Letter, record: Record | None, known: Known) -> Remedy:
    """What to do about a letter. Nothing is asked of anybody: what can go wrong later is the letter's outcome."""
    if letter.state not in (*FITTING, "discarded"):
        return InVain(why=f"it is {letter.state}", what_to_do="nothing" if letter.state == "fixed" else "wait for it")
    if record is None:
        return InVain(why="its record is not kept any more", what_to_do="discard it")
    if letter.projection is not None:
        return Reproject(projection=letter.projection, bytes=len(record.value or b""))
    if letter.is_quarantined:
        return _out_of_quarantine(letter, record, known)
    if letter.stage == "dedupe":
        return _again(letter, record)
    return _event(letter, record, known)


def _out_of_quarantine(letter: Letter, record: Record, known: Known) -> Remedy:
    if known.assigning is None:
        raise ValueError("quarantined webhooks can only be assigned by whoever knows the workspaces")
    try:
        found = known.assigning.assigned(record)
    except Unassignable as error:
        return InVain(why=error.why, what_to_do=error.what_to_do)
    except (EnvelopeError, KeyError):
        return InVain(why="ingest did not write it", what_to_do="discard it")
    settings, redrive = known.settings, _redrive(letter)
    out = OutRecord(
        settings.topic(found.topic),
        key_partition(found.key, settings.partitions),
        found.key,
        record.value,
        [*found.headers, *redrive.headers()],
    )
    return Resend(record=out, redrive=redrive, assigned_to=found.workspace)


def _event(letter: Letter, record: Record, known: Known) -> Remedy:
    """Of a record that is an event of ours: one that this program can't read would only fail again."""
    try:
        type_ = read_envelope(record.headers).type
        event = _CODEC.decode(type_, record.value or b"")
    except NewerEvent as error:
        return InVain(why=str(error), what_to_do="upgrade Headrace, then redrive it")
    except (EnvelopeError, UnknownEventType, UndecodableEvent) as error:
        return InVain(
            why=f"this program can't read it either: {error}",
            what_to_do="redrive it with a program that can, or discard it",
        )
    if letter.stage == "resolve":
        return _again(letter, record)
    if letter.stage == "request" and type_.startswith(tuple(f"{name}.v" for name in _FACTS_OF_LEADS)):
        return _again(letter, record)
    if letter.stage == "execute" and isinstance(event, JobRequested):
        return _job(letter, record, event, known)
    return InVain(
        why=f"a {type_} sent again would stand above newer ones",
        what_to_do="have its job done anew with `headrace jobs retry --from-start`, or discard it",
    )


def _again(letter: Letter, record: Record) -> Resend:
    redrive = _redrive(letter)
    headers = [*record.headers, *redrive.headers()]
    out = OutRecord(record.topic, record.partition, record.key, record.value, headers)
    return Resend(record=out, redrive=redrive)


def _job(letter: Letter, record: Record, request: JobRequested, known: Known) -> Remedy:
    if request.type not in STEPS:
        return InVain(
            why=f"no program of this version knows jobs of the type {request.type}",
            what_to_do="upgrade Headrace, then redrive it",
        )
    job = known.jobs.get(request.job_id)
    if job is None:
        return InVain(
            why="Postgres doesn't have its job",
            what_to_do="see `headrace proj status`, and redrive it once the rows are up to date",
        )
    if not fits("retry", job):
        return InVain(why=f"its job is {job.state}", what_to_do=f"see `headrace jobs show {job.job_id}`")
    again, redrive = command("retry", job, known.by, known.now), _redrive(letter)
    trace = header_map(record.headers).get("traceparent", "")
    out = JobRecords(known.settings, "/cli/dlq").job(again, trace)
    out = msgspec.structs.replace(out, headers=[*out.headers, *redrive.headers()])
    return Resend(record=out, redrive=redrive, request=again if isinstance(again, JobRequested) else None)


def _redrive(letter: Letter) -> Redrive:
    return Redrive(letter.id, letter.generation + 1)
