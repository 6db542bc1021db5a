"""`--depth decide`: a window's messages decided again, what would change, and what stands in the way."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from headrace.events.enrichments import BookingDeclined, ReplyDecided
from headrace.events.messages import LeadSuppressed
from headrace.settings import Settings
from operations.records.field_changes import DiffSummary
from operations.replay.decide.cases import Cases, LeadCase, Progress, jobs_of, read_cases
from operations.replay.decide.deciding import (
    Asking,
    DecidedJob,
    DecidedStep,
    Job,
    LeadDecided,
    LeadDeciding,
    ProfileThen,
    Undecided,
)
from operations.replay.decide.held import REASON
from operations.replay.decide.records import Redecisions
from operations.replay.decide.settings_of import SettingsOf
from operations.replay.webhooks.window import Window
from streams.jobs.types import JOB_TYPES

_STEP = 500


class DecidePlan(msgspec.Struct, kw_only=True):
    """What deciding a window again would change. Counts are of jobs unless they say otherwise."""

    messages: int = 0
    leads: int = 0
    jobs: int = 0
    same: int = 0
    would_change: int = 0
    #: Of those, jobs of which nobody can tell what a step saw: the change may be none.
    guessed: int = 0
    #: Why jobs are left alone: open, died, cancelled, not asked for.
    left_alone: dict[str, int] = {}
    #: Step → jobs that can't be decided for want of a model's answer.
    missing_answers: dict[str, int] = {}
    #: Workspace → jobs whose settings of that time nobody knows any more.
    missing_settings: dict[str, int] = {}
    #: Step and reason → jobs that today's code can't decide.
    failed: dict[str, int] = {}
    #: The first of those that can't be decided.
    undecided: list[Undecided] = []
    #: Conclusions that would change, and how.
    conclusions: DiffSummary
    #: Leads that would be suppressed, and suppressions that today's rules don't hear: they stay.
    new_suppressions: int = 0
    kept_suppressions: int = 0
    #: Replies that may have gone out, and about which something changes.
    released: int = 0
    #: Replies and bookings that today's code would release: a person decides instead.
    held: int = 0
    #: Records to write, and their bytes without headers.
    events: int = 0
    bytes: int = 0
    ai_cost_micro_usd: int = 0

    @property
    def lacking(self) -> int:
        """Jobs that can't be decided."""
        missing = (self.missing_answers, self.missing_settings, self.failed)
        return sum(sum(counts.values()) for counts in missing)


class DecideWork(msgspec.Struct, kw_only=True):
    """A plan with what is needed to carry it out."""

    cases: Cases
    profile_then: ProfileThen
    #: By lead id.
    decided: dict[str, LeadDecided]
    plan: DecidePlan


def look(settings: Settings, window: Window, settings_of: SettingsOf, show: int, progress: Progress) -> DecideWork:
    """Decide the window again from recorded answers. Raises KafkaUnreachable, TopicsMissing, DecideRefused."""
    cases = read_cases(settings, window, progress)
    then = cases.workspaces.at if settings_of == "then" else cases.workspaces.now
    decided = asyncio.run(_decide(cases, then, progress))
    plan = planned(cases, decided, Redecisions(settings, "planned", "nobody", window.end), show)
    return DecideWork(cases=cases, profile_then=then, decided=decided, plan=plan)


async def _decide(cases: Cases, then: ProfileThen, progress: Progress) -> dict[str, LeadDecided]:
    decided: dict[str, LeadDecided] = {}
    for number, (lead_id, case) in enumerate(cases.leads.items(), start=1):
        decided[lead_id] = await decide_lead(case, then)
        if number % _STEP == 0:
            progress("deciding", number)
    return decided


async def decide_lead(case: LeadCase, then: ProfileThen, asking: Asking | None = None) -> LeadDecided:
    """The lead's jobs in the window, decided again; those that are open or never succeeded are left alone."""
    return await LeadDeciding(case.story, case.lives, list(jobs_in(case)), then, asking).run()


def jobs_in(case: LeadCase) -> Iterable[Job]:
    """The jobs of the case's messages that succeeded."""
    for message_id, provider in case.messages.items():
        message = case.story.message(message_id)
        for type_, job_id in jobs_of(provider, message_id):
            life = case.lives.get(job_id)
            if message is None or life is None or life.request is None or life.standing != "succeeded":
                continue
            yield Job(life=life, request=life.request, message=message, steps=tuple(JOB_TYPES[type_]))


def planned(cases: Cases, decided: Mapping[str, LeadDecided], redecisions: Redecisions, show: int) -> DecidePlan:
    """The plan for what was decided. `show` is how many examples it keeps."""
    plan = DecidePlan(messages=cases.message_count, leads=len(cases.leads), conclusions=DiffSummary())
    left_alone: Counter[str] = Counter()
    for lead_id, one in decided.items():
        left_alone.update(_left_alone(cases.leads[lead_id]))
        plan.jobs += len(one.decided) + len(one.undecided)
        for job in one.decided:
            _add(plan, job, cases.leads[lead_id], redecisions, show)
        for undecided in one.undecided:
            _add_undecided(plan, undecided, show)
    plan.left_alone = dict(left_alone)
    return plan


def _left_alone(case: LeadCase) -> Iterable[str]:
    for message_id, provider in case.messages.items():
        for _type, job_id in jobs_of(provider, message_id):
            life = case.lives.get(job_id)
            standing = "not asked for" if life is None else life.standing
            if standing != "succeeded":
                yield standing


def _add(plan: DecidePlan, job: DecidedJob, case: LeadCase, redecisions: Redecisions, show: int) -> None:
    heard = [event for step in job.steps for event in step.suppressions]
    plan.kept_suppressions += sum(_is_unheard(event, job, heard) for event in case.story.heard)
    if not job.is_written:
        plan.same += 1
        return
    plan.would_change += 1
    plan.guessed += job.is_guess
    plan.new_suppressions += len(job.suppressions)
    for step in job.steps:
        if step.changes:
            plan.conclusions.add(job.job.request.message_id, step.changes, show)
            plan.held += _is_held(step)
            plan.released += _was_released(step, job)
    out = [*redecisions.conclusions(job), redecisions.end(job)]
    plan.events += len(out)
    plan.bytes += sum(len(record.value or b"") for record in out)


def _is_unheard(event: LeadSuppressed, job: DecidedJob, heard: list[LeadSuppressed]) -> bool:
    """A job of this message concluded it then, and no job does now. Counted once, with the job that screens."""
    return len(job.steps) > 1 and event.receipt_id == job.job.message.receipt_id and event not in heard


def _is_held(step: DecidedStep) -> bool:
    event = step.conclusion
    return (isinstance(event, ReplyDecided) and event.reasons == (REASON,)) or (
        isinstance(event, BookingDeclined) and event.reason == REASON
    )


def _was_released(step: DecidedStep, job: DecidedJob) -> bool:
    recorded = job.job.life.conclusions.get(step.step)
    event: Any = None if recorded is None else recorded.event
    return isinstance(event, ReplyDecided) and event.decision == "send_at"


def _add_undecided(plan: DecidePlan, one: Undecided, show: int) -> None:
    counts, name = {
        "answer": (plan.missing_answers, one.step),
        "settings": (plan.missing_settings, one.reason),
        "failed": (plan.failed, f"{one.step}: {one.reason}"),
    }[one.lacks]
    counts[name] = counts.get(name, 0) + 1
    if len(plan.undecided) < show:
        plan.undecided.append(one)
