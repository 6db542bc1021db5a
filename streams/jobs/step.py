"""What a step of a job gets, and what it gives back."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from headrace.events.messages import LeadChanged, LeadSignalled, Message
from headrace.events.needs_person import StepReason
from streams.ai.reading import Read
from streams.jobs.step_ai import StepAi


class WorkspaceProfile(Protocol):
    """What steps may know of a workspace: its settings, never its secrets."""

    id: str
    name: str
    timezone: str
    #: The workspace file's settings for jobs (response mode, thresholds, hours, facts for drafts), validated at apply.
    settings: Any


class JobInput(msgspec.Struct, frozen=True, kw_only=True):
    """What a job is about, as folded from the log when its attempt began."""

    job_id: str
    type: str
    attempt: int
    generation: int
    workspace: str
    lead_id: str
    #: The inbound message the job was requested for.
    message: Message
    #: The newest messages of the lead on all channels, oldest first by (sent_at, received_at, id), each once,
    #: the job's own message included.
    conversation: tuple[Message, ...]
    lead: LeadChanged | None
    #: Why and when nobody may write to the lead; None while they may.
    suppressed_reason: str | None
    #: The newest label of the lead and the sent_at of the message it came from; None before the first.
    label: str | None
    label_at: datetime | None
    #: What the provider said about the lead, oldest first: without it no meeting counts as booked.
    signals: tuple[LeadSignalled, ...] = ()


class Emitted(msgspec.Struct, frozen=True, kw_only=True):
    """An event for another topic than `jobs`, keyed by the lead."""

    #: `enrichments` (`headrace.events.enrichments`), or `messages` (LeadSuppressed only).
    topic: str
    event: Any


class StepOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """A finished step. Its events are acknowledged before the step counts as done."""

    #: Plain JSON for later steps, small: kept in the open job.
    result: dict[str, Any] = {}
    #: Why there was nothing to do; empty when something was done.
    skipped: str = ""
    emitted: tuple[Emitted, ...] = ()
    #: The other steps are not needed: the job succeeds here, and each is recorded as skipped with this reason.
    ends_job: str = ""


class StepFailed(Exception):
    """A step could not be done. The engine decides about retry from the class and never treats it as a result."""

    def __init__(
        self, reason: str, error_class: str, retry_after: float | None = None, emitted: Sequence[Emitted] = ()
    ) -> None:
        super().__init__(reason)
        #: A word or two, never content.
        self.reason = reason
        #: `headrace.events.jobs.ErrorClass`.
        self.error_class = error_class
        #: Seconds the dependency asked for.
        self.retry_after = retry_after
        #: What must be recorded all the same, such as the AI call that failed.
        self.emitted = tuple(emitted)


class ForPerson(StepFailed):
    """A model gave no answer that could be used, and would give none: a person answers the message."""

    def __init__(self, reason: str, person_reason: StepReason, fields: Sequence[str]) -> None:
        super().__init__(reason, "permanent")
        self.person_reason = person_reason
        #: Names of fields of ours that the answer had wrong.
        self.fields = tuple(fields)


class Overtaken(Exception):
    """What the step rests on is outdated, in a way that makes its conclusion another one. Not a failure."""


class StepContext(Protocol):
    """The world of a step: values, plus the few things that reach outside."""

    job: JobInput
    workspace: WorkspaceProfile
    #: Results of the finished steps of this job, by name.
    results: Mapping[str, dict[str, Any]]
    now: datetime
    ai: StepAi
    #: Where the words of strangers are read; nothing else in a step may look into them.
    read: Read

    def is_overtaken(self) -> bool:
        """True once the log holds something that overtook the step: see `Step.overtaken`."""


#: `run` is pure but for `context.ai`, and what it reads through `context.read`.
Run = Callable[[StepContext], Awaitable[StepOutcome]]


class Step(msgspec.Struct, frozen=True):
    """A named unit of work: done once per job, repeated only when it failed."""

    name: str
    run: Run
    #: The breaker it belongs to: `ai` or None.
    dependency: str | None = None
    #: Seconds an attempt of it may take.
    deadline: float = 60.0
    #: True for an input over which it asks no model, and concludes what no model's answer can change: the lead may not
    #: be written to. Looked at again after each model call, and before the conclusion is written.
    overtaken: Callable[[JobInput], bool] | None = None


def is_suppressed(job: JobInput) -> bool:
    """Nobody may write to the lead."""
    return job.suppressed_reason is not None
