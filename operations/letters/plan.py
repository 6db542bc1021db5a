"""What a redrive or a discard would do, counted before anything is done."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from headrace.settings import Settings
from operations.jobs.job_list import JobFilter, find_jobs
from operations.letters.kept_records import kept_records
from operations.letters.letter import Letter
from operations.letters.quarantine import Assigning
from operations.letters.remedy import Action, InVain, Known, Remedy, Reproject, Resend, action_of, remedy_for

Work = tuple[Letter, Remedy]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Letters of one kind."""

    stage: str
    error_class: str
    action: Action
    letters: int


class Vain(msgspec.Struct, frozen=True, kw_only=True):
    """Letters that are left as they are, for one reason."""

    why: str
    what_to_do: str
    letters: int
    #: One of them, to look at.
    example: str


class RedrivePlan(msgspec.Struct, kw_only=True):
    """What a redrive would do."""

    letters: int = 0
    groups: list[Group] = []
    in_vain: list[Vain] = []
    #: Workspace → quarantined webhooks that go there.
    assigned: dict[str, int] = {}
    #: Records to write, and their bytes without headers; each has one event more that tells of it.
    events: int = 0
    bytes: int = 0
    #: Records whose rows are written again.
    reprojected: int = 0
    #: Jobs that run again: their unfinished steps may ask a model, within the budgets of their workspaces.
    jobs: int = 0
    minutes: float = 0.0
    #: Of all that is no job.
    ai_cost_micro_usd: int = 0


def works(settings: Settings, letters: list[Letter], by: str, now: datetime) -> Iterator[list[Work]]:
    """Each letter with its remedy, in pieces that fit into memory. Raises KafkaUnreachable, psycopg.Error."""
    assigning = Assigning.of(settings) if any(one.is_quarantined for one in letters) else None
    for piece in kept_records(settings, letters):
        wanted = JobFilter(job_ids=tuple({one.job_id for one, _ in piece if one.job_id is not None}))
        jobs = {job.job_id: job for job in find_jobs(settings.database_url, wanted, now)} if wanted.job_ids else {}
        known = Known(settings=settings, jobs=jobs, assigning=assigning, by=by, now=now)
        yield [(letter, remedy_for(letter, record, known)) for letter, record in piece]


def planned(pieces: Iterable[list[Work]], rate: float) -> RedrivePlan:
    """The plan of these works at so many records a second."""
    plan = RedrivePlan()
    groups: Counter[tuple[str, str, Action]] = Counter()
    vain: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    assigned: Counter[str] = Counter()
    for letter, remedy in (one for piece in pieces for one in piece):
        plan.letters += 1
        groups[letter.stage, letter.error_class, action_of(remedy)] += 1
        match remedy:
            case InVain():
                vain[remedy.why, remedy.what_to_do] += 1
                examples.setdefault((remedy.why, remedy.what_to_do), letter.id)
            case Reproject():
                plan.reprojected += 1
                plan.bytes += remedy.bytes
            case Resend():
                plan.events += 1
                plan.bytes += len(remedy.record.value or b"")
                plan.jobs += remedy.request is not None
                assigned.update([remedy.assigned_to] if remedy.assigned_to else [])
    plan.groups = [
        Group(stage=stage, error_class=error, action=action, letters=count)
        for (stage, error, action), count in sorted(groups.items())
    ]
    plan.in_vain = [
        Vain(why=why, what_to_do=what, letters=count, example=examples[why, what])
        for (why, what), count in sorted(vain.items())
    ]
    plan.assigned = dict(assigned)
    plan.minutes = round((plan.events + plan.reprojected) / rate / 60, 2)
    return plan
