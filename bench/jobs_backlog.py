"""Does the backlog's size matter? Memory of a jobs worker over 200,000 open jobs, and seconds to start and share."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from bench.jobs_log import JobTimes, filling, lead, make_workspaces, workspace, write_messages
from bench.jobs_worker import Worker, running_worker
from bench.measures import Values
from bench.place import broker, temporary_home, wait
from bench.progress import Say
from bench.topics import Filling, write
from headrace.events.ids import derived_id
from headrace.events.job_plan import job_id
from headrace.events.jobs import JobRequested, JobType
from headrace.events.topics import JOBS
from headrace.kafka.topics import create_topics
from headrace.settings import Settings
from operations.dev.home import Home

_TYPE: JobType = "SMS_INBOUND_POST_PROCESS"
_WORKSPACES = 20
_JOBS_EACH = 2
_PATIENCE = 300.0
_TICK = 0.2


class BacklogSizes(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs that are due tomorrow, and messages whose jobs are due at once."""

    jobs: int = 200_000
    messages: int = 2_000


def measure_backlog(sizes: BacklogSizes, say: Say) -> Values:
    """Start over the backlog, start again after kill -9, work beside it, share it. Raises BenchmarkFailed."""
    with temporary_home() as home, broker(home) as settings:
        create_topics(settings)
        make_workspaces(settings, _WORKSPACES)
        write(settings, JOBS, _due_tomorrow(settings, sizes.jobs))
        say(f"{sizes.jobs:,} jobs are open")
        with running_worker(home, settings, "nothing") as first:
            first_mib = first.peak_mib
            say(f"first start: {first.ready_s:.1f} s, {first_mib:,.0f} MiB")
            first.process.kill()
            first.process.wait()
        with running_worker(home, settings, "nothing") as again:
            say(f"start after kill -9: {again.ready_s:.1f} s, {again.peak_mib:,.0f} MiB")
            speed = _beside(sizes, settings, home, again)
            with running_worker(home, settings, "nothing", variables={"HEADRACE_INSTANCE_ID": "1"}) as second:
                peak = max(first_mib, again.peak_mib, second.peak_mib)
                say(f"a second worker takes half: {second.ready_s:.1f} s; largest of all {peak:,.0f} MiB")
    return {
        "jobs.backlog": sizes.jobs,
        "jobs.backlog_peak_mib": peak,
        "jobs.backlog_first_start_s": first.ready_s,
        "jobs.backlog_restart_s": again.ready_s,
        "jobs.backlog_second_worker_s": second.ready_s,
        "jobs.backlog_jobs_per_s": speed,
    }


def _beside(sizes: BacklogSizes, settings: Settings, home: Home, worker: Worker) -> float:
    """Jobs a second that are due at once, beside all those that are not."""
    times = JobTimes(settings)
    began = time.time()
    write_messages(settings, range(sizes.jobs, sizes.jobs + sizes.messages), _WORKSPACES)

    def all_ended() -> bool:
        times.read()
        return times.succeeded >= _JOBS_EACH * sizes.messages

    wait(all_ended, _PATIENCE, worker.process, home.log("jobs_worker"), _TICK)
    times.close()
    return _JOBS_EACH * sizes.messages / (times.last_success - began)


def _due_tomorrow(settings: Settings, count: int) -> Iterator[Filling]:
    """Requests, each of a lead of its own."""
    due = datetime.now(UTC) + timedelta(days=1)
    for number in range(count):
        message_id = derived_id("message", str(number))
        request = JobRequested(
            job_id=job_id(message_id, _TYPE),
            workspace=workspace(number % _WORKSPACES),
            lead_id=lead(number),
            type=_TYPE,
            message_id=message_id,
            receipt_id=derived_id("receipt", str(number)),
            at=due - timedelta(days=1),
            due_at=due,
        )
        yield filling(settings, request.lead_id, request)
