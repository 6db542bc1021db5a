"""Job events → `jobs`, `job_progress`, `job_attempts`, `job_steps`, `job_ends`, `job_holds`.

Each table is moved by its own kinds of events alone: a command that came too late can't overwrite what happened.
"""

from typing import Any, Literal

from headrace.events.conversations import ConversationMoved
from headrace.events.jobs import (
    JobAttemptEnded,
    JobCancelled,
    JobDied,
    JobEvent,
    JobPaused,
    JobRedecided,
    JobRequested,
    JobResumed,
    JobRetryScheduled,
    JobStarted,
    JobStepFinished,
    JobSucceeded,
)
from headrace.events.records import Record
from headrace.events.topics import JOBS
from projections.projection import Projection, RowOp


def project_request(_record: Record, event: JobRequested) -> list[RowOp]:
    """What was asked for."""
    row = {
        **_key(event),
        **_subject(event),
        "requested_at": event.at,
        "requested_by": event.requested_by,
        "due_at": event.due_at,
        "from_start": event.from_start,
        "receipt_id": event.receipt_id,
    }
    return [RowOp("jobs", row)]


def project_start(_record: Record, event: JobStarted) -> list[RowOp]:
    """The job runs, and has one more attempt."""
    progress = {**_progress(event, event.attempt), "is_running": True, "worker": event.worker}
    attempt = {
        **_key(event),
        **_subject(event),
        "attempt": event.attempt,
        "worker": event.worker,
        "started_at": event.at,
        "ended_at": None,
        "outcome": None,
        "step": None,
        "error_class": None,
        "reason": None,
        "spends_attempt": None,
        "next_due_at": None,
        "receipt_id": event.receipt_id,
    }
    return [RowOp("job_progress", progress), RowOp("job_attempts", attempt)]


def project_step(_record: Record, event: JobStepFinished) -> list[RowOp]:
    """One more step is done or skipped."""
    row = {
        **_key(event),
        "step": event.step,
        "attempt": event.attempt,
        "finished_at": event.at,
        "result": event.result,
        "skipped": event.skipped,
        "ends_job": event.ends_job,
        "receipt_id": event.receipt_id,
    }
    return [RowOp("job_steps", row)]


def project_retry(_record: Record, event: JobRetryScheduled) -> list[RowOp]:
    """The job waits again; the attempt has failed, if there was one."""
    progress = {
        **_progress(event, event.attempt),
        "due_at": event.due_at,
        "step": event.step,
        "error_class": event.error_class,
        "reason": event.reason,
    }
    return [
        RowOp("job_progress", progress),
        *_attempt(
            event,
            "failed",
            step=event.step,
            error_class=event.error_class,
            reason=event.reason,
            spends_attempt=event.spends_attempt,
            next_due_at=event.due_at,
        ),
    ]


def project_success(record: Record, event: JobSucceeded) -> list[RowOp]:
    """It ended well."""
    return [_end(record, event, "succeeded", event.attempt), *_attempt(event, "succeeded")]


def project_death(record: Record, event: JobDied) -> list[RowOp]:
    """It ended for want of attempts or hope."""
    why = {"step": event.step, "error_class": event.error_class, "reason": event.reason}
    return [_end(record, event, "died", event.attempt, **why), *_attempt(event, "died", **why)]


def project_cancellation(record: Record, event: JobCancelled) -> list[RowOp]:
    """Nobody wants it any more."""
    return [_end(record, event, "cancelled", 0, reason=event.reason, ended_by=event.cancelled_by)]


def project_redecision(record: Record, event: JobRedecided) -> list[RowOp]:
    """A whole life at once: asked for, every step, ended well. Nobody ran it, so it has no attempt."""
    request = {
        **_key(event),
        **_subject(event),
        "requested_at": event.at,
        "requested_by": event.decided_by,
        "due_at": event.at,
        "from_start": True,
        "receipt_id": event.receipt_id,
    }
    steps = [
        RowOp(
            "job_steps",
            {
                **_key(event),
                "step": step.step,
                "attempt": 0,
                "finished_at": event.at,
                "result": step.result,
                "skipped": step.skipped,
                "ends_job": step.ends_job,
                "receipt_id": event.receipt_id,
            },
        )
        for step in event.steps
    ]
    return [RowOp("jobs", request), *steps, _end(record, event, "succeeded", 0)]


def project_pause(_record: Record, event: JobPaused) -> list[RowOp]:
    """A person holds it back."""
    return [_hold(event, paused=True, by=event.paused_by)]


def project_resumption(_record: Record, event: JobResumed) -> list[RowOp]:
    """A person lets it go on."""
    return [_hold(event, paused=False, by=event.resumed_by)]


def project_nothing(_record: Record, _event: ConversationMoved) -> list[RowOp]:
    """A conversation that moves to another lead is the jobs app's own business: views follow merges by themselves."""
    return []


def _key(event: JobEvent) -> dict[str, Any]:
    return {"workspace_id": event.workspace, "job_id": event.job_id, "generation": event.generation}


def _subject(event: JobEvent) -> dict[str, Any]:
    return {"type": event.type, "lead_id": event.lead_id, "message_id": event.message_id}


def _progress(event: JobEvent, attempt: int) -> dict[str, Any]:
    return {
        **_key(event),
        "is_running": False,
        "attempt": attempt,
        "due_at": None,
        "step": None,
        "error_class": None,
        "reason": None,
        "worker": None,
        "changed_at": event.at,
    }


def _attempt(event: JobAttemptEnded, outcome: str, **details: Any) -> list[RowOp]:
    if event.started_at is None:
        return []
    row = {
        **_key(event),
        **_subject(event),
        "attempt": event.attempt,
        "worker": event.worker,
        "started_at": event.started_at,
        "ended_at": event.at,
        "outcome": outcome,
        "step": None,
        "error_class": None,
        "reason": None,
        "spends_attempt": True,
        "next_due_at": None,
        "receipt_id": event.receipt_id,
    }
    return [RowOp("job_attempts", {**row, **details})]


def _end(
    record: Record, event: JobEvent, outcome: Literal["succeeded", "died", "cancelled"], attempt: int, **details: Any
) -> RowOp:
    row = {
        **_key(event),
        "outcome": outcome,
        "first_offset": record.offset,
        "ended_at": event.at,
        "attempt": attempt,
        "step": None,
        "error_class": None,
        "reason": None,
        "ended_by": None,
    }
    return RowOp("job_ends", {**row, **details})


def _hold(event: JobEvent, *, paused: bool, by: str) -> RowOp:
    return RowOp("job_holds", {**_key(event), "is_paused": paused, "changed_by": by, "changed_at": event.at})


PROJECTION = Projection(
    name="jobs",
    topic=JOBS,
    rev=1,
    tables=("jobs", "job_progress", "job_attempts", "job_steps", "job_ends", "job_holds"),
    projectors={
        JobRequested: project_request,
        JobStarted: project_start,
        JobStepFinished: project_step,
        JobRetryScheduled: project_retry,
        JobSucceeded: project_success,
        JobDied: project_death,
        JobCancelled: project_cancellation,
        JobPaused: project_pause,
        JobResumed: project_resumption,
        JobRedecided: project_redecision,
        ConversationMoved: project_nothing,
    },
)
