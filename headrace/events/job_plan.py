"""Which jobs a message leads to, and the names of their steps: who does the work and who audits it agree here."""

from collections.abc import Mapping
from typing import NamedTuple

from headrace.events.ids import derived_id
from headrace.events.jobs import JobType
from headrace.events.providers import PROVIDERS


class PlannedJob(NamedTuple):
    """A type of job: its name on the wire, the names of its steps in order, and what asks for it."""

    type: JobType
    #: A job that succeeded has finished or skipped each of them. `streams.jobs.types` has what they do.
    steps: tuple[str, ...]
    #: Types of jobs whose success asks for it; none where a provider's message does (`headrace.events.providers`).
    after: tuple[JobType, ...] = ()


#: Provider of an inbound message → the job that looks after it.
POST_PROCESS: Mapping[str, JobType] = {name: provider.job for name, provider in PROVIDERS.items()}
#: Follows a post-process job that succeeded.
SCORING: JobType = "LEAD_SCORING_POST_PROCESS"

_POST_PROCESS_STEPS = (
    "opt_out_and_bounce",
    "classify",
    "lead_state",
    "follow_up_timing",
    "booking_decision",
    "draft",
    "decide_reply",
)
#: Every job there is: one line each.
JOBS = (
    PlannedJob("SMS_INBOUND_POST_PROCESS", _POST_PROCESS_STEPS),
    PlannedJob("LINKEDIN_INBOUND_POST_PROCESS", _POST_PROCESS_STEPS),
    PlannedJob("SMARTLEAD_INBOUND_POST_PROCESS", _POST_PROCESS_STEPS),
    PlannedJob("INSTANTLY_INBOUND_POST_PROCESS", _POST_PROCESS_STEPS),
    PlannedJob("EMAIL_INBOUND_POST_PROCESS", _POST_PROCESS_STEPS),
    PlannedJob(SCORING, ("score",), after=tuple(POST_PROCESS.values())),
)
#: Job type → its steps, in order.
STEPS: Mapping[JobType, tuple[str, ...]] = {job.type: job.steps for job in JOBS}
#: (job type, type of a job its success asks for), each pair once.
FOLLOWED = tuple((earlier, job.type) for job in JOBS for earlier in dict.fromkeys(job.after))


def job_id(message_id: str, type_: str) -> str:
    """The id of a job: asking twice is asking once."""
    return derived_id("job", message_id, type_)


def followers(type_: str) -> tuple[JobType, ...]:
    """The types of the jobs that a job's success asks for."""
    return tuple(later for earlier, later in FOLLOWED if earlier == type_)


def job_types_of(provider: str) -> tuple[JobType, ...]:
    """Every type of job that a message of the provider can have: its own first, then what follows from it."""
    types = [POST_PROCESS[provider]]
    for type_ in types:
        types.extend(later for later in followers(type_) if later not in types)
    return tuple(types)
