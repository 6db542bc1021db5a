"""What Prometheus learns of the jobs app."""

from prometheus_client import Counter, Gauge, Histogram

#: Jobs that run in this process now.
RUNNING = Gauge("headrace_jobs_running", "Jobs running in this process")
#: Jobs of this process's partitions that wait: due or not.
WAITING = Gauge("headrace_jobs_waiting", "Open jobs of this process's partitions that are not running")
#: 1 once this process may run jobs: the log is read to its end.
READY = Gauge("headrace_jobs_ready", "1 when the fold of the log has caught up and jobs may run")
#: By type and the event that ended the attempt: JobSucceeded, JobRetryScheduled, JobDied, JobCancelled.
ATTEMPTS_ENDED = Counter("headrace_job_attempts_ended", "Attempts of jobs that ended", ["type", "ended_by"])
#: By how they ended: `ok` was answered, `cancelled` was under way and may be billed all the same.
CALLS_THROWN_AWAY = Counter(
    "headrace_ai_calls_thrown_away", "Calls of a model whose step was cut off before its end was written", ["status"]
)
#: What they cost, or may have cost at most.
THROWN_AWAY_MICRO_USD = Counter(
    "headrace_ai_thrown_away_micro_usd", "What those calls cost or may have cost at most, millionths of a US dollar"
)
#: Duration of a step, failed ones too.
STEP_SECONDS = Histogram(
    "headrace_job_step_seconds",
    "Duration of a step",
    ["step"],
    buckets=(0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120),
)
#: 0 closed, 1 half open, 2 open.
BREAKER = Gauge("headrace_breaker_state", "Circuit breaker: 0 closed, 1 half open, 2 open", ["dependency"])
