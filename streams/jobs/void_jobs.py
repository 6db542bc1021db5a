"""Which open jobs make no sense any more once their lead is suppressed, and the events that end them."""

from collections.abc import Callable
from datetime import datetime

from headrace.events.jobs import JobCancelled
from streams.jobs.attempt import cancelled
from streams.jobs.open_job import OpenJob
from streams.jobs.open_jobs import OpenJobs

#: Why they end.
LEAD_SUPPRESSED = "lead suppressed"


class VoidJobs:
    """`types`: of jobs that must not run for a suppressed lead. `jobs_of`: lead → ids of its jobs that wait or run."""

    def __init__(self, types: frozenset[str], open_jobs: OpenJobs, jobs_of: Callable[[str], list[str]]) -> None:
        self._types = types
        self._open_jobs = open_jobs
        self._jobs_of = jobs_of

    def is_void(self, job: OpenJob) -> bool:
        """True for a job that must not run for a suppressed lead."""
        return job.request.type in self._types

    def cancellations(self, partition: int, lead_id: str, at: datetime) -> list[JobCancelled]:
        """What ends the void jobs of a lead that was suppressed. Paused ones end when they resume."""
        if not self._types:
            return []
        jobs = (self._open_jobs.job(partition, job_id) for job_id in self._jobs_of(lead_id))
        return [cancelled(job, at, LEAD_SUPPRESSED) for job in jobs if job is not None and self.is_void(job)]
