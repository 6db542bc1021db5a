"""What holds for the events of all jobs, whatever was killed."""

from collections import Counter

from headrace.events.jobs import JobEvent, JobStarted, JobStepFinished

Events = dict[str, list[JobEvent]]
ENDS = ("JobSucceeded", "JobDied", "JobCancelled")


def check_each_ended_once(events: Events, expected: int) -> None:
    assert len(events) == expected
    for job_id, job in events.items():
        ends = Counter(event.generation for event in job if type(event).__name__ in ENDS)
        assert ends == Counter({1: 1}), f"{job_id}: {[type(event).__name__ for event in job]}"


def check_no_finished_step_was_repeated(events: Events) -> None:
    for job_id, job in events.items():
        steps = Counter(event.step for event in job if isinstance(event, JobStepFinished))
        assert max(steps.values()) == 1, f"{job_id}: {steps}"


def workers(events: Events) -> set[str]:
    return {event.worker for job in events.values() for event in job if isinstance(event, JobStarted)}
