"""The input of a job, out of the engine's tables."""

from streams.jobs.conversations import Conversations, conversation_of
from streams.jobs.open_job import OpenJob
from streams.jobs.step import JobInput, StepFailed


def job_input(conversations: Conversations, job: OpenJob, partition: int, attempt: int) -> JobInput:
    """What the job is about, as the log has it now. Raises StepFailed when its message is nowhere."""
    request = job.request
    view = conversations.read(partition)
    message = view.message(request.lead_id, request.message_id)
    if message is None:
        raise StepFailed("message unknown", "permanent")
    head = view.head(request.lead_id)
    return JobInput(
        job_id=request.job_id,
        type=request.type,
        attempt=attempt,
        generation=request.generation,
        workspace=request.workspace,
        lead_id=request.lead_id,
        message=message,
        conversation=conversation_of(view, request.lead_id, head, message),
        lead=head.lead,
        suppressed_reason=head.suppressed_reason,
        label=head.label,
        label_at=head.label_at,
        signals=head.signals,
    )
