"""What became of a job: its state, its steps with the moment each one saw, and all that models answered it. Pure."""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from headrace.events.enrichments import AnyEnrichment, Enrichment
from headrace.events.envelope import Envelope
from headrace.events.jobs import (
    AnyJobEvent,
    JobRedecided,
    JobRequested,
    JobStarted,
    JobStepFinished,
    RedecidedStep,
    StepAnswer,
)
from streams.jobs.open_job import ClosedJob, Entry, Place, fold, milliseconds
from streams.jobs.steps.decide_reply import NAME as DECIDE_REPLY
from streams.jobs.steps.draft import NAME as DRAFT

#: Generation and attempt.
Run = tuple[int, int]


class RecordedStep(msgspec.Struct, frozen=True, kw_only=True):
    """A finished step: the newest word on it, and the run that saw the world."""

    run: Run
    at: datetime
    #: When it was looked at the world, where that was after the attempt began.
    saw_at: datetime | None = None
    #: See `streams.jobs.seen`; empty where it was not told.
    saw: str = ""
    result: dict[str, Any]
    skipped: str = ""
    ends_job: str = ""


class Conclusion(msgspec.Struct, frozen=True, kw_only=True):
    """What a step said in `enrichments`."""

    #: The newest word.
    event: Enrichment
    #: From when on anybody knew a conclusion of this step, milliseconds of the brokers' clock.
    known_ms: int
    #: The replay that wrote the newest word; empty for a worker.
    correction: str = ""


class _Answered(NamedTuple):
    """The answers of one life to a step."""

    answers: tuple[StepAnswer, ...]
    #: The draft they judge.
    draft: str | None


class Life:
    """One job, as its events tell it. They are taken in their order."""

    def __init__(self) -> None:
        self.entry: Entry | None = None
        self.request: JobRequested | None = None
        self.steps: dict[str, RecordedStep] = {}
        self.conclusions: dict[str, Conclusion] = {}
        #: Replays whose corrections are complete.
        self.replays: set[str] = set()
        self._started: dict[Run, int] = {}
        self._answers: dict[str, list[_Answered]] = {}

    def take(self, event: AnyJobEvent, place: Place) -> None:
        """The next event. What the queue ignores is ignored here, too."""
        before = self.entry
        self.entry = fold(before, event, place)
        if self.entry is before:
            return
        match event:
            case JobRequested():
                self.request = event
            case JobStarted():
                self._started[event.generation, event.attempt] = place.timestamp_ms
            case JobStepFinished():
                self._finished(event)
            case JobRedecided():
                self.replays.add(event.run_id)
                for step in event.steps:
                    self._redecided(event, step)

    def conclude(self, event: AnyEnrichment, envelope: Envelope, appended_ms: int) -> None:
        """The next conclusion of one of its steps."""
        if event.withdrawn:
            # No word of the step's: whoever tells its lead of a suppression takes back what it says then and now.
            return
        known = self.conclusions.get(event.step)
        first_ms = milliseconds(envelope.time) if envelope.correction else appended_ms
        self.conclusions[event.step] = Conclusion(
            event=event, known_ms=first_ms if known is None else known.known_ms, correction=envelope.correction
        )

    @property
    def generation(self) -> int:
        """Of the life that ended last."""
        return self.entry.generation if isinstance(self.entry, ClosedJob) else 0

    @property
    def standing(self) -> str:
        """`succeeded`, or why the job is left alone: `open`, `died`, `cancelled`, `not asked for`."""
        if self.entry is None:
            return "not asked for"
        return self.entry.outcome if isinstance(self.entry, ClosedJob) else "open"

    @property
    def is_half_corrected(self) -> bool:
        """A replay was cut off between the conclusions and the word that the job was decided again."""
        return any(one.correction and one.correction not in self.replays for one in self.conclusions.values())

    def answers(self, step: str, draft: str | None) -> list[StepAnswer]:
        """What models answered the step, in the order asked: the newest life's first, each once.

        `draft` is the text that is judged now: a judgement holds for no other.
        """
        found: list[StepAnswer] = []
        for life in reversed(self._answers.get(step, [])):
            if life.draft == (draft if step == DECIDE_REPLY else None):
                found += [answer for answer in life.answers if answer not in found]
        return found

    def saw_ms(self, step: RecordedStep) -> int | None:
        """When what the step rests on was read: at the beginning of the attempt that finished it, or later.

        Milliseconds, as far as possible of the brokers' clock; None if nobody knows.
        """
        return self._started.get(step.run) if step.saw_at is None else milliseconds(step.saw_at)

    def _finished(self, event: JobStepFinished) -> None:
        self.steps[event.step] = RecordedStep(
            run=(event.generation, event.attempt),
            at=event.at,
            saw_at=event.saw_at,
            saw=event.saw,
            result=event.result,
            skipped=event.skipped,
            ends_job=event.ends_job,
        )
        self._keep(event.step, event.answers)

    def _redecided(self, event: JobRedecided, step: RedecidedStep) -> None:
        """Nobody ran it, so what it saw is what the run before it saw."""
        known = self.steps.get(step.step)
        self.steps[step.step] = RecordedStep(
            run=known.run if known is not None else self._last_run(),
            at=known.at if known is not None else event.at,
            saw_at=known.saw_at if known is not None else None,
            saw=known.saw if known is not None else "",
            result=step.result,
            skipped=step.skipped,
            ends_job=step.ends_job,
        )
        self._keep(step.step, step.answers)

    def _last_run(self) -> Run:
        return max(self._started, default=(0, 0))

    def _keep(self, step: str, answers: tuple[StepAnswer, ...]) -> None:
        draft = self.steps[DRAFT].result.get("body") if step == DECIDE_REPLY and DRAFT in self.steps else None
        if answers:
            self._answers.setdefault(step, []).append(_Answered(answers, draft))
