"""The fold of a job's events: what is kept of an open job, and of one that ended. Values in, values out."""

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from headrace.events.jobs import (
    AnyJobEvent,
    JobCancelled,
    JobDied,
    JobPaused,
    JobRedecided,
    JobRequested,
    JobResumed,
    JobRetryScheduled,
    JobStarted,
    JobStepFinished,
    JobSucceeded,
)


class FinishedStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step that is done: a retry doesn't repeat it."""

    step: str
    result: dict[str, Any] = {}
    ends_job: str = ""


class OpenJob(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="is", tag="open"):
    """A job that has not ended."""

    request: JobRequested
    #: Where the request stands in `jobs`, and the broker's append time of it, milliseconds.
    partition: int
    request_offset: int
    request_ms: int
    traceparent: str = ""
    #: Offset of the newest event folded in: reading events again changes nothing.
    offset: int
    due_ms: int
    #: Attempts begun.
    attempt: int = 0
    #: Those that count towards its death.
    spent: int = 0
    #: Times it was put off without blame since it last ran.
    deferrals: int = 0
    running: bool = False
    started_at: datetime | None = None
    worker: str = ""
    #: The running attempt has its worker for itself.
    alone: bool = False
    #: Attempts whose worker was lost since a step last finished, and those of them that ran alone.
    losses: int = 0
    lone_losses: int = 0
    paused: bool = False
    steps: tuple[FinishedStep, ...] = ()

    @property
    def is_waiting(self) -> bool:
        """It may run once it is due. One that runs in the log but nowhere else waits to be told lost."""
        return not (self.paused or self.running)


class ClosedJob(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="is", tag="closed"):
    """A job that ended: asked for again in the same generation, it is not done again.

    One that died is kept until it is asked for anew, any other as long as `job_memory_days` says.
    """

    generation: int
    outcome: Literal["succeeded", "died", "cancelled"]
    offset: int
    #: What the next generation need not repeat; empty when it succeeded.
    steps: tuple[FinishedStep, ...] = ()


Entry = OpenJob | ClosedJob


class Place(msgspec.Struct, frozen=True):
    """Where an event of `jobs` stands."""

    partition: int
    offset: int
    timestamp_ms: int
    traceparent: str = ""


def fold(entry: Entry | None, event: AnyJobEvent, place: Place) -> Entry | None:
    """The job after an event; the same object when it changes nothing: read before, of an older life, or late."""
    if entry is not None and place.offset <= entry.offset:
        return entry
    if isinstance(event, JobRequested):
        return _requested(entry, event, place)
    if isinstance(event, JobRedecided):
        return _redecided(entry, event, place)
    if not isinstance(entry, OpenJob) or entry.request.generation != event.generation:
        return entry
    return _advanced(entry, event, place.offset)


def ends_run(event: AnyJobEvent) -> bool:
    """True for the events after which nobody runs the job, if they change it at all."""
    return isinstance(event, JobRequested | JobRetryScheduled | JobSucceeded | JobDied | JobCancelled)


def _requested(entry: Entry | None, event: JobRequested, place: Place) -> Entry:
    if entry is not None and event.generation <= _generation(entry):
        return entry
    kept = () if entry is None or event.from_start else entry.steps
    return OpenJob(
        request=event,
        partition=place.partition,
        request_offset=place.offset,
        request_ms=place.timestamp_ms,
        traceparent=place.traceparent,
        offset=place.offset,
        due_ms=milliseconds(event.due_at),
        steps=kept,
    )


def _redecided(entry: Entry | None, event: JobRedecided, place: Place) -> Entry | None:
    """A life that is over before anybody sees it. Whoever asked for the job meanwhile has it done anew."""
    if isinstance(entry, OpenJob) or (entry is not None and event.generation != entry.generation + 1):
        return entry
    return ClosedJob(generation=event.generation, outcome="succeeded", offset=place.offset)


def _generation(entry: Entry) -> int:
    return entry.request.generation if isinstance(entry, OpenJob) else entry.generation


def _advanced(job: OpenJob, event: AnyJobEvent, offset: int) -> Entry:
    match event:
        case JobStarted() if event.attempt > job.attempt:
            changes: dict[str, Any] = {
                "attempt": event.attempt,
                "spent": job.spent + 1,
                "running": True,
                "started_at": event.at,
                "worker": event.worker,
                "alone": event.alone,
            }
        case JobStepFinished() if all(step.step != event.step for step in job.steps):
            changes = _stepped_on(job, event)
        case JobRetryScheduled() if event.attempt >= job.attempt:
            changes = _put_off(job, event)
        case JobPaused() | JobResumed():
            changes = {"paused": isinstance(event, JobPaused)}
        case JobSucceeded():
            return ClosedJob(generation=event.generation, outcome="succeeded", offset=offset)
        case JobDied():
            return ClosedJob(generation=event.generation, outcome="died", offset=offset, steps=job.steps)
        case JobCancelled():
            return ClosedJob(generation=event.generation, outcome="cancelled", offset=offset, steps=job.steps)
        case _:
            return job
    return msgspec.structs.replace(job, offset=offset, **changes)


def _stepped_on(job: OpenJob, event: JobStepFinished) -> dict[str, Any]:
    """Whatever its worker was lost in, it wasn't this step: suspicion begins anew."""
    steps = (*job.steps, FinishedStep(event.step, event.result, event.ends_job))
    return {"steps": steps, "deferrals": 0, "losses": 0, "lone_losses": 0}


def _put_off(job: OpenJob, event: JobRetryScheduled) -> dict[str, Any]:
    refunded = 1 if job.running and not event.spends_attempt else 0
    lost = event.lost and job.running
    deferrals = job.deferrals if event.lost else job.deferrals + 1
    return {
        "due_ms": milliseconds(event.due_at),
        "running": False,
        "started_at": None,
        "worker": "",
        "alone": False,
        "losses": job.losses + lost,
        "lone_losses": job.lone_losses + (lost and job.alone),
        "spent": job.spent - refunded,
        "deferrals": 0 if event.spends_attempt else deferrals,
    }


def milliseconds(time: datetime) -> int:
    """Milliseconds since the epoch."""
    return round(time.timestamp() * 1000)


def from_milliseconds(time_ms: int) -> datetime:
    """The inverse, in UTC."""
    return datetime.fromtimestamp(time_ms / 1000, UTC)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)


def encode_entry(entry: Entry) -> bytes:
    """As stored in the table: JSON, readable with any Kafka tool in the changelog."""
    return _encoder.encode(entry)


def decode_entry(value: bytes) -> Any:
    """The inverse."""
    return _decoder.decode(value)
