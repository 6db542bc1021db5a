CREATE OR REPLACE VIEW {analytics}.job_outcomes_daily AS
SELECT
    job.workspace_id,
    job.type,
    (job.ended_at AT TIME ZONE 'UTC')::date AS ended_date,
    count(*) AS jobs,
    count(*) FILTER (WHERE job.state = 'succeeded') AS succeeded,
    count(*) FILTER (WHERE job.state = 'died') AS died,
    count(*) FILTER (WHERE job.state = 'cancelled') AS cancelled,
    sum(job.attempts)::bigint AS attempts,
    count(*) FILTER (WHERE job.attempts > 1) AS retried,
    round(
        (percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM job.ended_at - job.requested_at)))::numeric, 3
    ) AS median_seconds,
    round(
        (percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM job.ended_at - job.requested_at)))::numeric, 3
    ) AS p95_seconds
FROM {analytics}.jobs AS job
WHERE job.ended_at IS NOT NULL
GROUP BY job.workspace_id, job.type, (job.ended_at AT TIME ZONE 'UTC')::date;

COMMENT ON VIEW {analytics}.job_outcomes_daily IS 'Ended jobs by workspace, type and day.';
COMMENT ON COLUMN {analytics}.job_outcomes_daily.workspace_id IS 'The workspace.';
COMMENT ON COLUMN {analytics}.job_outcomes_daily.type IS 'The job type.';
COMMENT ON COLUMN {analytics}.job_outcomes_daily.ended_date IS 'The UTC day on which the jobs ended.';
COMMENT ON COLUMN {analytics}.job_outcomes_daily.jobs IS 'Jobs that ended.';
COMMENT ON COLUMN {analytics}.job_outcomes_daily.succeeded IS 'Those that succeeded.';
COMMENT ON COLUMN {analytics}.job_outcomes_daily.died IS 'Those that died.';
COMMENT ON COLUMN {analytics}.job_outcomes_daily.cancelled IS 'Those that were cancelled.';
COMMENT ON COLUMN {analytics}.job_outcomes_daily.attempts IS 'Attempts they took in all.';
COMMENT ON COLUMN {analytics}.job_outcomes_daily.retried IS 'Jobs that took more than one attempt.';
COMMENT ON COLUMN {analytics}.job_outcomes_daily.median_seconds IS 'Median time from request to end, seconds.';
COMMENT ON COLUMN {analytics}.job_outcomes_daily.p95_seconds IS '95th percentile of the time from request to end, seconds.';
