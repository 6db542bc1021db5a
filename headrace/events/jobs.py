"""The life of a job (topic `jobs`, keyed by lead): an event-sourced queue has no other state than these."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from headrace.events.caps import Actor, CutFields, PlainJson, PlainName, Reason, Ref, Word, entries
from headrace.events.visibility import DETAIL

#: The name of a job in `headrace.events.job_plan.JOBS`.
JobType = str
#: What to do about a failed attempt.
ErrorClass = Literal["transient", "permanent", "rate_limited", "over_budget", "dependency_down"]


class JobEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every event of a job says. Its id is derived from message and type: asking twice is asking once."""

    job_id: Ref
    workspace: Ref
    lead_id: Ref
    #: A plain string on the wire: a type this program doesn't know must reach the dead letters, not break the fold.
    type: Word
    message_id: Ref
    #: The receipt of the webhook that caused it.
    receipt_id: Ref
    #: Counted up when a person asks again: same job, new life.
    generation: int = 1
    at: datetime
    cut: CutFields = ()


class JobRequested(JobEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody wants it done, not before `due_at`."""

    due_at: datetime
    requested_by: Annotated[Word, DETAIL] = "pipeline"
    #: Of a later generation: steps that finished in an earlier one are done again. A job that succeeded always is.
    from_start: bool = False


class JobStarted(JobEvent, frozen=True, kw_only=True, omit_defaults=True):
    """An attempt began. Attempts count from 1 within a generation."""

    attempt: int
    worker: Annotated[Word, DETAIL]
    #: Nothing else is in flight in the worker for as long as it runs: were the worker lost, it would be this job.
    alone: bool = False


#: Fields that are named of an answer that could not be used.
MOST_WRONG_FIELDS = 4


class StepAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a model answered a step: whoever has it need not ask, and so never pays, again."""

    #: What was asked: `sentiment.classify`, `draft.generate` …
    feature: Word
    #: The answer as its schema has it, plain JSON.
    value: PlainJson
    provider: Word
    model: PlainName
    prompt_key: Word
    prompt_version: int
    #: Of the prompt's text with its shared part, before facts: hex.
    prompt_sha256: Word
    #: Of the lead's words the question was about: hex. Other words make it another question.
    words_sha256: Annotated[Word, DETAIL]
    #: The provider that needs no network gave it, for a second opinion.
    embedded: bool = False
    injection_suspected: bool = False
    needs_review: bool = False
    #: The deterministic rule that decided, where one did.
    rule: Word | None = None
    #: Why it was none that could be used, and a person was asked instead; empty for an answer. `value` is empty then.
    failure: Word = ""
    #: Names of fields of ours that it had wrong.
    wrong_fields: Annotated[tuple[Word, ...], entries(MOST_WRONG_FIELDS)] = ()


#: A step asks at most four things, and one of them twice.
Answers = Annotated[tuple[StepAnswer, ...], entries(8)]


class JobStepFinished(JobEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A step of the running attempt is done and will not be repeated by a retry."""

    step: Word
    attempt: int
    #: What later steps need of it, plain JSON.
    result: PlainJson = {}
    #: Why there was nothing to do; empty when it was done.
    skipped: Reason = ""
    #: Why the steps behind it are not needed; empty when they are.
    ends_job: Reason = ""
    #: What models answered, in the order asked. Not for rows: also the text of drafts that the checks refused.
    answers: Answers = ()
    #: When what the step rests on was read from the log; None: when the attempt began.
    saw_at: datetime | None = None
    #: Of what the worker had folded about the lead by then, however late it was: see `streams.jobs.seen`.
    saw: Annotated[Word, DETAIL] = ""


class JobAttemptEnded(JobEvent, frozen=True, kw_only=True, omit_defaults=True):
    """What the end of an attempt says, so that it tells the whole attempt without its beginning."""

    #: 0 when the job was put off before its first attempt.
    attempt: int
    #: None when this attempt never began.
    started_at: datetime | None = None
    worker: Annotated[Word, DETAIL] = ""


class JobRetryScheduled(JobAttemptEnded, frozen=True, kw_only=True, omit_defaults=True):
    """The attempt failed and will be repeated from the failed step."""

    due_at: datetime
    step: Word
    error_class: ErrorClass
    #: A word or two, never content.
    reason: Reason
    #: False when the fault was not the job's: breaker open, over budget, worker stopping.
    spends_attempt: bool = True
    #: Nobody saw the attempt end: its worker is gone.
    lost: bool = False


class JobSucceeded(JobAttemptEnded, frozen=True, kw_only=True, omit_defaults=True):
    """All steps are done or skipped."""


class JobDied(JobAttemptEnded, frozen=True, kw_only=True, omit_defaults=True):
    """No attempt is left, or none would help. A dead letter has the details."""

    step: Word
    error_class: ErrorClass
    reason: Reason


class JobCancelled(JobEvent, frozen=True, kw_only=True, omit_defaults=True):
    """It is not wanted any more: the lead was suppressed, or a person said so."""

    reason: Reason
    cancelled_by: Actor = "headrace"


class JobPaused(JobEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A person holds it back."""

    paused_by: Actor


class JobResumed(JobEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A person lets it go on."""

    resumed_by: Actor


class RedecidedStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step as a replay concluded it; see `JobStepFinished`."""

    step: Word
    result: PlainJson = {}
    skipped: Reason = ""
    ends_job: Reason = ""
    answers: Answers = ()


class JobRedecided(JobEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A job that succeeded was decided again from what models had answered: a whole life, which nobody ran.

    One event, so that no process ever sees an open job. It counts only for the generation after one that succeeded.
    """

    #: The run that did it.
    run_id: Word
    decided_by: Actor
    steps: Annotated[tuple[RedecidedStep, ...], entries(16)]


AnyJobEvent = (
    JobRequested
    | JobStarted
    | JobStepFinished
    | JobRetryScheduled
    | JobSucceeded
    | JobDied
    | JobCancelled
    | JobPaused
    | JobResumed
    | JobRedecided
)
