"""The jobs worker: conversations and open jobs folded from the log, and the pool that runs what is due."""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from headrace.events.topics import AI_INTERACTIONS, ENRICHMENTS, JOBS, MESSAGES
from headrace.kafka.faust.worker import Worker
from headrace.kafka.topic_tail import TopicTail
from headrace.settings import Settings
from headrace.workspaces.follow import WorkspaceFollower
from streams.jobs.budget_ledger import BudgetLedger
from streams.jobs.context import AiOf, Profile, ProfileOf, Reach
from streams.jobs.conversations import Conversations
from streams.jobs.execute_agent import ExecuteAgent
from streams.jobs.executor import Executor
from streams.jobs.journal import Journal
from streams.jobs.label_agent import LabelAgent
from streams.jobs.labelling import LabelOf
from streams.jobs.open_jobs import OpenJobs
from streams.jobs.raised_budgets import RaisedBudgets
from streams.jobs.reading_pool import ReadingPool
from streams.jobs.request_agent import RequestAgent
from streams.jobs.runner import JobRunner, JobTypes
from streams.jobs.schedule import Schedule
from streams.jobs.tenure import Spending, Tenure
from streams.jobs.void_jobs import VoidJobs

_DAY_SECONDS = 86_400


class AiSeam(msgspec.Struct, frozen=True):
    """How steps reach a model."""

    #: Makes the seam of one run of a step.
    of: AiOf
    #: Keeps the budgets that `of` reserves from; None where nothing costs anything.
    ledger: BudgetLedger | None = None
    #: Reads what leads wrote; the worker's own unless the models need it, too.
    readers: ReadingPool | None = None


def jobs_worker(
    settings: Settings,
    types: JobTypes,
    ai: AiSeam,
    label_of: LabelOf,
    cancelled_when_suppressed: frozenset[str] = frozenset(),
    name: str = "jobs",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Worker:
    """One process or several: partitions are shared out, and a job runs where its lead's partition is.

    `types`: job type → its steps in order. `label_of` reads the label out of an event of `enrichments`.
    `cancelled_when_suppressed`: types of jobs that end when their lead is suppressed. `name` is the group's.
    `now` is the wall clock, aware.
    """
    worker = Worker(settings, name)
    conversations = Conversations(worker.table("conversations"), settings.job_memory_days)
    open_jobs = OpenJobs(
        worker.table("open_jobs"),
        worker.table("closed_jobs", ttl_seconds=settings.job_memory_days * _DAY_SECONDS),
    )
    schedule = Schedule(settings.job_slots, settings.job_workspace_slots)
    void = VoidJobs(cancelled_when_suppressed, open_jobs, schedule.jobs_of)
    workspaces = WorkspaceFollower(settings)
    ledger = ai.ledger
    spending = None if ledger is None else Spending(ledger, TopicTail(settings, AI_INTERACTIONS, ledger, ledger.since))
    journal = Journal(worker.outbox)
    readers = ai.readers or ReadingPool(settings)
    reach = Reach(ai.of, readers.of)
    runner = JobRunner(settings, journal, conversations, types, _profiles(workspaces), reach, now)
    executor = Executor(schedule, open_jobs, void, runner, journal, conversations, now)
    request = RequestAgent(settings, worker.outbox, conversations, open_jobs.needs, void.cancellations)
    execute = ExecuteAgent(settings, worker.outbox, open_jobs, conversations, executor, void.cancellations)
    label = LabelAgent(settings, worker.outbox, conversations, label_of)
    followers = [
        worker.follow("request", (MESSAGES,), request.process),
        worker.follow("execute", (JOBS,), execute.process),
        worker.follow("label", (ENRICHMENTS,), label.process),
    ]
    tenure = Tenure(worker.app, settings.partitions, followers, execute, executor, workspaces, spending)
    # Stopped in this order: nothing new begins, running jobs are handed back, what they wrote is sent, readers end.
    worker.services.extend((tenure, executor, journal, readers))
    if ledger is not None:
        worker.services.append(RaisedBudgets(workspaces, executor, ledger))
    # Others have its jobs, but nobody else knows which calls it made.
    worker.last_acts.extend((executor.drop, journal.calls_flushed))
    return worker


def _profiles(workspaces: WorkspaceFollower) -> ProfileOf:
    def profile_of(workspace_id: str) -> Profile | None:
        found = workspaces.directory.get(workspace_id)
        if found is None:
            return None
        return Profile(found.id, found.name, found.timezone, found.settings)

    return profile_of
