"""Which jobs an event asks for. The one place that knows when work begins."""

from datetime import datetime, timedelta

from headrace.events.job_plan import POST_PROCESS, followers, job_id, job_types_of
from headrace.events.jobs import JobRequested
from headrace.events.messages import Message

#: The label a score rests on is folded by another agent, from another topic: a moment's patience spares a retry.
SCORING_PATIENCE = timedelta(seconds=1)


def asks_for_work(message: Message) -> bool:
    """True for what a person wrote to us. Bounces and campaign sends have no jobs."""
    return message.direction == "inbound" and message.source == "direct"


def job_ids(message: Message) -> tuple[str, ...]:
    """The ids of all jobs a message can have."""
    return tuple(job_id(message.message_id, type_) for type_ in job_types_of(message.provider))


def job_for(message: Message) -> JobRequested | None:
    """The job of a message that a person wrote; None for bounces and campaign sends."""
    if not asks_for_work(message):
        return None
    type_ = POST_PROCESS[message.provider]
    return JobRequested(
        job_id=job_id(message.message_id, type_),
        workspace=message.workspace,
        lead_id=message.lead_id,
        type=type_,
        message_id=message.message_id,
        receipt_id=message.receipt_id,
        at=message.received_at,
        due_at=message.received_at,
    )


def jobs_after(request: JobRequested, at: datetime) -> tuple[JobRequested, ...]:
    """The jobs that follow a finished one: a post-processed message is scored."""
    return tuple(
        JobRequested(
            job_id=job_id(request.message_id, type_),
            workspace=request.workspace,
            lead_id=request.lead_id,
            type=type_,
            message_id=request.message_id,
            receipt_id=request.receipt_id,
            at=at,
            due_at=at + SCORING_PATIENCE,
            requested_by=request.type,
        )
        for type_ in followers(request.type)
    )
