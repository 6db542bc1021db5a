"""Decides the jobs of one lead again: each step with today's code, over what it saw then and what was answered it.

Steps of all the lead's jobs come in the order in which they were concluded, so that a corrected label is known to
whatever came after it. A job that can't be decided keeps its recorded conclusions, for itself and for others.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from headrace.events.codec import Codec
from headrace.events.enrichments import Enrichment
from headrace.events.jobs import JobRequested, StepAnswer
from headrace.events.messages import LeadSuppressed, Message
from headrace.events.topics import ENRICHMENTS
from operations.records.field_changes import FieldChange, changes_between
from operations.replay.decide.answers import AnswerMissing, RecordedAi
from operations.replay.decide.held import held
from operations.replay.decide.known import HeardThen, Known, LabelThen, LeadStory, Moment
from operations.replay.decide.lives import Life
from operations.replay.decide.moments import FOLD_AHEAD, FOLD_LAG, LONGEST_LAG, SEARCHED, cuts, moments
from streams.jobs.context import Context, Profile, StepCall
from streams.jobs.open_job import milliseconds
from streams.jobs.seen import Signs, signs, signs_of
from streams.jobs.step import Emitted, JobInput, Step, StepFailed, StepOutcome
from streams.jobs.step_ai import StepAi
from streams.jobs.steps.decide_reply import NAME as DECIDE_REPLY
from streams.jobs.steps.draft import NAME as DRAFT
from streams.jobs.types import label_of

_CODEC = Codec()

#: answer: no model answered that then. settings: nobody knows the workspace as it was. failed: the step says no.
Lacks = Literal["answer", "settings", "failed"]
#: The workspace as it was at a moment, milliseconds; None when nobody knows any more.
ProfileThen = Callable[[str, int], Profile | None]
#: Makes the AI seam of a step, given what models answered it then.
Asking = Callable[[StepCall, Sequence[StepAnswer]], StepAi]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job to be decided again."""

    life: Life
    request: JobRequested
    #: As it reads now.
    message: Message
    steps: tuple[Step, ...]


class DecidedStep(msgspec.Struct, frozen=True, kw_only=True):
    """What today's code concludes."""

    step: str
    #: When the step was concluded, and so what it took for now.
    at: datetime
    outcome: StepOutcome
    answers: tuple[StepAnswer, ...] = ()
    #: None for a step that was not needed.
    conclusion: Enrichment | None = None
    suppressions: tuple[LeadSuppressed, ...] = ()
    changes: tuple[FieldChange, ...] = ()
    #: Nobody can tell what the step saw: it was decided over the likeliest.
    is_guess: bool = False


class DecidedJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job with all its steps."""

    job: Job
    steps: tuple[DecidedStep, ...]
    #: Suppressions nobody heard of yet.
    suppressions: tuple[LeadSuppressed, ...] = ()

    @property
    def is_guess(self) -> bool:
        """Something is other than recorded, perhaps for want of knowing what a step saw."""
        return any(step.changes and step.is_guess for step in self.steps)

    @property
    def is_written(self) -> bool:
        """Something is other than recorded, or a replay that corrected it was cut off."""
        is_changed = bool(self.suppressions) or any(step.changes for step in self.steps)
        return is_changed or self.job.life.is_half_corrected


class Undecided(msgspec.Struct, frozen=True, kw_only=True):
    """A job that can't be decided again."""

    message_id: str
    job_id: str
    step: str
    lacks: Lacks
    #: A word or two, never content.
    reason: str = ""


class LeadDecided(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one lead."""

    decided: tuple[DecidedJob, ...]
    undecided: tuple[Undecided, ...]


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one job, when it is due."""

    job: Job
    step: Step
    #: What the step takes for now.
    at: datetime
    saw_ms: int
    #: The sign of what it saw; empty where it was not told.
    saw: str
    attempt: int
    #: Its place among the steps of all jobs.
    order: datetime


class LeadDeciding:
    """The jobs of one lead. `lives` are all its jobs, also those nobody decides again: their labels count."""

    def __init__(
        self,
        story: LeadStory,
        lives: Mapping[str, Life],
        jobs: Sequence[Job],
        profile_then: ProfileThen,
        asking: Asking | None = None,
    ) -> None:
        self._story = story
        self._lives = lives
        self._jobs = jobs
        self._profile_then = profile_then
        self._asking = asking
        self._decided: dict[str, dict[str, DecidedStep]] = {}

    async def run(self) -> LeadDecided:
        """Every job, decided or not."""
        undecided: dict[str, Undecided] = {}
        while (stopped := await self._first_stop(undecided)) is not None:
            undecided[stopped.job_id] = stopped
        decided = (self._whole(job) for job in self._jobs if job.request.job_id not in undecided)
        return LeadDecided(decided=tuple(decided), undecided=tuple(undecided.values()))

    async def try_step(self, turn: Turn, seam: Asking) -> DecidedStep | Undecided:
        """One step alone, over the recorded results of the others: what it would have said, nothing held back."""
        results = {name: recorded.result for name, recorded in turn.job.life.steps.items()}
        return await self._run(turn, self._views(turn)[0][0], results, seam)

    async def _first_stop(self, left_out: Mapping[str, Undecided]) -> Undecided | None:
        """Decide all but those left out. The first that can't be decided, None when all were."""
        jobs = [job for job in self._jobs if job.request.job_id not in left_out]
        self._decided = {job.request.job_id: {} for job in jobs}
        for turn in sorted(turns(jobs), key=lambda turn: turn.order):
            done = self._decided[turn.job.request.job_id]
            decided = await self._take(turn, done)
            if isinstance(decided, Undecided):
                return decided
            done[turn.step.name] = decided
        return None

    async def _take(self, turn: Turn, done: Mapping[str, DecidedStep]) -> DecidedStep | Undecided:
        """As recorded, if the step may have seen what leads there; else by what the log says it saw."""
        if ended := next((step.outcome.ends_job for step in done.values() if step.outcome.ends_job), ""):
            return _judged(turn, StepOutcome(skipped=ended, emitted=_said_for(turn, done.values())), ())
        views, is_guess = self._views(turn)
        results = {name: step.outcome.result for name, step in done.items()}
        draft_changed = turn.step.name == DECIDE_REPLY and DRAFT in done and bool(done[DRAFT].changes)
        tried: list[DecidedStep | Undecided] = []
        for moment in views:
            tried.append(_held(turn, await self._run(turn, moment, results, RecordedAi), draft_changed))
            if _is_as_recorded(tried[-1]):
                return tried[-1]
        if self._asking is not None and _lacks_an_answer(tried[0]):
            return _held(turn, await self._run(turn, views[0], results, self._asking), draft_changed)
        first = tried[0]
        return msgspec.structs.replace(first, is_guess=is_guess) if isinstance(first, DecidedStep) else first

    def _views(self, turn: Turn) -> tuple[list[Moment], bool]:
        """What the step saw; else what it may have seen, the likeliest first, and that it is a guess."""
        found = self._moment_it_saw(turn) if turn.saw else None
        if found is not None:
            return [found], False
        facts = self._story.changes_between(turn.saw_ms - FOLD_LAG, turn.saw_ms + FOLD_AHEAD)
        return list(moments(turn.saw_ms, facts, (label.known_ms for label in self._labels()))), True

    def _moment_it_saw(self, turn: Turn) -> Moment | None:
        """By its signs, over what is recorded: whatever is decided otherwise now. None when nothing has them."""
        saw, at = signs_of(turn.saw), turn.saw_ms
        recorded = list(self._recorded_labels())
        facts = cuts(at, self._story.changes_between(at - LONGEST_LAG, at + FOLD_AHEAD), LONGEST_LAG)
        labels = cuts(at, [label.known_ms for label in recorded], LONGEST_LAG)

        def signs_at(moment: Moment) -> Signs:
            return signs(_input(turn, self._story.at(moment, recorded, put_right=False)))

        seen_facts = next((cut for cut in facts[:SEARCHED] if signs_at(Moment(cut, at, at)).facts == saw.facts), None)
        seen_label = next((cut for cut in labels[:SEARCHED] if signs_at(Moment(at, cut, at)).label == saw.label), None)
        return None if seen_facts is None or seen_label is None else Moment(seen_facts, seen_label, at)

    async def _run(
        self, turn: Turn, moment: Moment, results: Mapping[str, dict[str, Any]], seam: Asking
    ) -> DecidedStep | Undecided:
        profile = self._profile_then(turn.job.request.workspace, turn.saw_ms)
        if profile is None:
            return _undecided(turn, "settings", turn.job.request.workspace)
        call = StepCall(
            job=_input(turn, self._story.at(moment, self._labels(), self._heard())),
            step=turn.step.name,
            workspace=profile,
            receipt_id=turn.job.request.receipt_id,
            traceparent="",
        )
        ai = seam(call, turn.job.life.answers(turn.step.name, results.get(DRAFT, {}).get("body")))
        outcome = await _outcome(turn, Context(call.job, profile, results, turn.at, ai))
        return outcome if isinstance(outcome, Undecided) else _judged(turn, outcome, ai.take_answers())

    def _labels(self) -> Iterator[LabelThen]:
        """What the lead's jobs concluded; where one was decided again already, what it concludes now."""
        for job_id, life in self._lives.items():
            for step, recorded in life.conclusions.items():
                decided = self._decided.get(job_id, {}).get(step)
                event = recorded.event if decided is None else decided.conclusion
                labelled = label_of(event)  # type: ignore[arg-type]
                if labelled is not None:
                    yield LabelThen(recorded.known_ms, labelled.label, labelled.label_at, labelled.message_id)

    def _recorded_labels(self) -> Iterator[LabelThen]:
        for life in self._lives.values():
            for recorded in life.conclusions.values():
                labelled = label_of(recorded.event)  # type: ignore[arg-type]
                if labelled is not None:
                    yield LabelThen(recorded.known_ms, labelled.label, labelled.label_at, labelled.message_id)

    def _heard(self) -> Iterator[HeardThen]:
        """Whom the jobs that were decided again suppress, and nobody did then."""
        for steps in self._decided.values():
            for step in steps.values():
                yield from (HeardThen(milliseconds(step.at), event) for event in self._news(step))

    def _whole(self, job: Job) -> DecidedJob:
        steps = tuple(self._decided[job.request.job_id].values())
        new = (event for step in steps for event in self._news(step))
        return DecidedJob(job=job, steps=steps, suppressions=tuple(new))

    def _news(self, step: DecidedStep) -> list[LeadSuppressed]:
        """What the step suppresses that the log doesn't hold."""
        known = self._story.suppressions() if step.suppressions else []
        return [event for event in step.suppressions if event not in known]


def _input(turn: Turn, known: Known) -> JobInput:
    """The job as it was with this knowledge of its lead."""
    request, own = turn.job.request, turn.job.message
    return JobInput(
        job_id=request.job_id,
        type=request.type,
        attempt=turn.attempt,
        generation=request.generation,
        workspace=request.workspace,
        lead_id=request.lead_id,
        message=own,
        conversation=_conversation(known, own),
        lead=known.head.lead,
        suppressed_reason=known.head.suppressed_reason,
        label=known.head.label,
        label_at=known.head.label_at,
        signals=known.head.signals,
    )


def turns(jobs: Sequence[Job]) -> Iterator[Turn]:
    """The steps of jobs, those of a job in their order. A step that is new since then comes with the one before it."""
    for job in jobs:
        at = order = job.request.at
        saw_ms, saw, attempt = milliseconds(at), "", 1
        for step in job.steps:
            recorded, concluded = job.life.steps.get(step.name), job.life.conclusions.get(step.name)
            if recorded is not None:
                at = recorded.at if concluded is None else concluded.event.at
                saw_ms = job.life.saw_ms(recorded) or milliseconds(at)
                saw, attempt = recorded.saw, recorded.run[1]
            order = max(order, at)
            yield Turn(job=job, step=step, at=at, saw_ms=saw_ms, saw=saw, attempt=attempt, order=order)


async def _outcome(turn: Turn, context: Context) -> StepOutcome | Undecided:
    """What the step says, or why it says nothing."""
    run: Callable[[Any], Awaitable[StepOutcome]] = turn.step.run
    try:
        return await run(context)
    except AnswerMissing as missing:
        return _undecided(turn, "answer", missing.task.feature)
    except StepFailed as failure:
        return _undecided(turn, "failed", failure.reason)
    except LookupError as error:
        # A result of an earlier step that is not there: the steps of today don't fit the job of then.
        return _undecided(turn, "failed", type(error).__name__)


def _undecided(turn: Turn, lacks: Lacks, reason: str) -> Undecided:
    request = turn.job.request
    return Undecided(
        message_id=request.message_id, job_id=request.job_id, step=turn.step.name, lacks=lacks, reason=reason
    )


def _conversation(known: Known, own: Message) -> tuple[Message, ...]:
    messages = {message.message_id: message for message in (*known.messages, own)}
    return tuple(sorted(messages.values(), key=lambda m: (m.sent_at, m.received_at, m.message_id)))


def _held(turn: Turn, tried: DecidedStep | Undecided, draft_changed: bool) -> DecidedStep | Undecided:
    """What was decided, but for what a replay never decides by itself."""
    if isinstance(tried, Undecided):
        return tried
    concluded = turn.job.life.conclusions.get(turn.step.name)
    outcome = held(tried.outcome, None if concluded is None else concluded.event, draft_changed=draft_changed)
    return tried if outcome is tried.outcome else _judged(turn, outcome, tried.answers)


def _said_for(turn: Turn, done: Iterable[DecidedStep]) -> tuple[Emitted, ...]:
    """What the step that ended the job concluded in the place of one behind it."""
    emitted = (one for step in done for one in step.outcome.emitted if one.topic == ENRICHMENTS.name)
    return tuple(one for one in emitted if one.event.step == turn.step.name)


def _judged(turn: Turn, outcome: StepOutcome, answers: tuple[StepAnswer, ...]) -> DecidedStep:
    """The outcome beside what is recorded of the step, both as they come from the wire."""
    concluded = turn.job.life.conclusions.get(turn.step.name)
    recorded = None if concluded is None else concluded.event
    outcome = _from_wire(outcome)
    conclusion = next((one.event for one in outcome.emitted if one.topic == ENRICHMENTS.name), None)
    return DecidedStep(
        step=turn.step.name,
        at=turn.at,
        outcome=outcome,
        answers=answers,
        conclusion=conclusion,
        suppressions=tuple(one.event for one in outcome.emitted if isinstance(one.event, LeadSuppressed)),
        changes=tuple(_changes(turn, recorded, conclusion, outcome)),
    )


def _changes(
    turn: Turn, recorded: Enrichment | None, conclusion: Enrichment | None, outcome: StepOutcome
) -> Iterator[FieldChange]:
    if recorded is None or conclusion is None or type(recorded) is not type(conclusion):
        yield FieldChange(field=_field(turn, "event_type"), before=_name(recorded), after=_name(conclusion))
    empty: dict[str, Any] = {}
    for change in changes_between(empty if recorded is None else recorded, empty if conclusion is None else conclusion):
        yield FieldChange(field=_field(turn, change.field), before=change.before, after=change.after)
    known = turn.job.life.steps.get(turn.step.name)
    if known is None or known.result != outcome.result:
        yield FieldChange(field=_field(turn, "result"), before=known and known.result, after=outcome.result)
    if known is not None and (known.skipped, known.ends_job) != (outcome.skipped, outcome.ends_job):
        yield FieldChange(field=_field(turn, "skipped"), before=known.skipped, after=outcome.skipped)


def _is_as_recorded(tried: DecidedStep | Undecided) -> bool:
    return isinstance(tried, DecidedStep) and not tried.changes


def _lacks_an_answer(tried: DecidedStep | Undecided) -> bool:
    return isinstance(tried, Undecided) and tried.lacks == "answer"


def _field(turn: Turn, name: str) -> str:
    return f"{turn.step.name}.{name}"


def _name(event: object) -> str | None:
    return None if event is None else _CODEC.type_of(event)


def _from_wire(outcome: StepOutcome) -> StepOutcome:
    """The outcome as everybody else gets it: zones are offsets on the wire, for one."""
    emitted = tuple(
        msgspec.structs.replace(one, event=_CODEC.decode(_CODEC.type_of(one.event), _CODEC.encode(one.event)))
        for one in outcome.emitted
    )
    result = msgspec.json.decode(msgspec.json.encode(outcome.result))
    return msgspec.structs.replace(outcome, emitted=emitted, result=result)
