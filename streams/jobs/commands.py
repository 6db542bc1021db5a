"""What people do to jobs, as events: pure but for `publish`, which writes them to `jobs`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from headrace.events.jobs import AnyJobEvent, JobCancelled, JobPaused, JobRequested, JobResumed
from headrace.kafka.faust.outbox import Outbox
from headrace.settings import Settings
from streams.jobs.job_records import JobRecords

Verb = Literal["retry", "cancel", "pause", "resume"]

#: The states in which a verb does something; a job in another state is left alone.
FITTING_STATES: dict[Verb, frozenset[str]] = {
    "retry": frozenset({"waiting", "died", "cancelled"}),
    "cancel": frozenset({"waiting", "running", "paused"}),
    "pause": frozenset({"waiting", "running"}),
    "resume": frozenset({"paused"}),
}


class KnownJob(Protocol):
    """What a command must know of a job."""

    @property
    def workspace(self) -> str: ...
    @property
    def job_id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def generation(self) -> int: ...
    @property
    def lead_id(self) -> str: ...
    @property
    def message_id(self) -> str: ...
    @property
    def receipt_id(self) -> str: ...


def fits(verb: Verb, job: KnownJob, *, from_start: bool = False) -> bool:
    """Does the verb do anything to this job? One that succeeded is only done again from the start."""
    return job.state in FITTING_STATES[verb] or (verb == "retry" and from_start and job.state == "succeeded")


def command(verb: Verb, job: KnownJob, by: str, at: datetime, *, from_start: bool = False) -> AnyJobEvent:
    """The event of a verb."""
    about = _about(job, at)
    match verb:
        case "retry":
            again = about | {"generation": job.generation + 1}
            return JobRequested(**again, due_at=at, requested_by=by, from_start=from_start)
        case "cancel":
            return JobCancelled(**about, reason="cancelled by a person", cancelled_by=by)
        case "pause":
            return JobPaused(**about, paused_by=by)
        case "resume":
            return JobResumed(**about, resumed_by=by)


async def publish(settings: Settings, events: Sequence[AnyJobEvent]) -> None:
    """Write the events and wait until the brokers have them. Raises KafkaError."""
    records = JobRecords(settings, "/cli/jobs")
    outbox = Outbox(settings)
    await outbox.start()
    try:
        await outbox.send(records.job(event) for event in events)
    finally:
        await outbox.stop()


def _about(job: KnownJob, at: datetime) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "workspace": job.workspace,
        "lead_id": job.lead_id,
        "type": job.type,
        "message_id": job.message_id,
        "receipt_id": job.receipt_id,
        "generation": job.generation,
        "at": at,
    }
