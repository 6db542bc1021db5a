-- What is done about messages: jobs, their attempts, steps and ends.

-- A job is its newest generation; the first of its ends counts, by the log's order.
CREATE VIEW analytics.jobs AS
SELECT
    job.workspace_id,
    job.job_id,
    job.type,
    CASE
        WHEN ended.outcome IS NOT NULL THEN ended.outcome
        WHEN hold.is_paused THEN 'paused'
        WHEN progress.is_running THEN 'running'
        ELSE 'waiting'
    END AS state,
    job.generation,
    greatest(progress.attempt, ended.attempt, 0) AS attempts,
    coalesce(moved.lead_id, survivor.survivor_id, job.lead_id) AS lead_id,
    job.lead_id AS original_lead_id,
    job.message_id,
    job.requested_at,
    (job.requested_at AT TIME ZONE 'UTC')::date AS requested_date,
    job.requested_by,
    CASE WHEN ended.outcome IS NULL THEN coalesce(progress.due_at, job.due_at) END AS due_at,
    CASE WHEN ended.outcome IS NULL AND progress.is_running THEN progress.changed_at END AS running_since_at,
    CASE WHEN ended.outcome IS NULL AND progress.is_running THEN progress.worker END AS worker,
    ended.ended_at,
    CASE WHEN ended.outcome IS NULL THEN progress.step ELSE ended.step END AS step,
    CASE WHEN ended.outcome IS NULL THEN progress.error_class ELSE ended.error_class END AS error_class,
    CASE WHEN ended.outcome IS NULL THEN progress.reason ELSE ended.reason END AS reason,
    CASE WHEN ended.outcome IS NOT NULL THEN ended.ended_by WHEN hold.is_paused THEN hold.changed_by END AS decided_by,
    job.receipt_id,
    job.src_topic,
    job.src_partition,
    job.src_offset
FROM proj_v1.jobs AS job
LEFT JOIN LATERAL (
    SELECT finish.*
    FROM proj_v1.job_ends AS finish
    WHERE finish.workspace_id = job.workspace_id
        AND finish.job_id = job.job_id
        AND finish.generation = job.generation
    ORDER BY finish.first_offset
    LIMIT 1
) AS ended ON TRUE
LEFT JOIN proj_v1.job_progress AS progress
    ON progress.workspace_id = job.workspace_id
    AND progress.job_id = job.job_id
    AND progress.generation = job.generation
LEFT JOIN proj_v1.job_holds AS hold
    ON hold.workspace_id = job.workspace_id AND hold.job_id = job.job_id AND hold.generation = job.generation
LEFT JOIN proj_v1.lead_survivors AS survivor
    ON survivor.workspace_id = job.workspace_id AND survivor.lead_id = job.lead_id
LEFT JOIN proj_v1.moved_messages AS moved
    ON moved.workspace_id = job.workspace_id AND moved.message_id = job.message_id
WHERE NOT EXISTS (
    SELECT FROM proj_v1.jobs AS later
    WHERE later.workspace_id = job.workspace_id AND later.job_id = job.job_id AND later.generation > job.generation
);

COMMENT ON VIEW analytics.jobs IS 'One row for each job: work that an inbound message asked for, and how it stands.';
COMMENT ON COLUMN analytics.jobs.workspace_id IS 'The workspace the job belongs to.';
COMMENT ON COLUMN analytics.jobs.job_id IS 'Headrace''s id, derived from message and type: asking twice is one job.';
COMMENT ON COLUMN analytics.jobs.type IS 'What is done, such as SMS_INBOUND_POST_PROCESS or LEAD_SCORING_POST_PROCESS.';
COMMENT ON COLUMN analytics.jobs.state IS 'waiting (for its time, its turn or a retry), running, paused (by a person), succeeded, died (no attempt left; see analytics.dead_letters) or cancelled.';
COMMENT ON COLUMN analytics.jobs.generation IS '1; counted up whenever a person asks for the job again.';
COMMENT ON COLUMN analytics.jobs.attempts IS 'Attempts begun in this generation.';
COMMENT ON COLUMN analytics.jobs.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on; after a split, the one its message belongs to. Joins analytics.leads.';
COMMENT ON COLUMN analytics.jobs.original_lead_id IS 'The lead the job was asked for; differs from lead_id after a merge or split.';
COMMENT ON COLUMN analytics.jobs.message_id IS 'The inbound message the job is about. Joins analytics.messages.';
COMMENT ON COLUMN analytics.jobs.requested_at IS 'When this generation was asked for.';
COMMENT ON COLUMN analytics.jobs.requested_date IS 'The UTC day of requested_at.';
COMMENT ON COLUMN analytics.jobs.requested_by IS 'pipeline, the job type it followed from, or the person who asked again.';
COMMENT ON COLUMN analytics.jobs.due_at IS 'When it may run, or may run again; null once it ended.';
COMMENT ON COLUMN analytics.jobs.running_since_at IS 'When the running attempt began; null unless it is running.';
COMMENT ON COLUMN analytics.jobs.worker IS 'The worker that runs it; null unless it is running.';
COMMENT ON COLUMN analytics.jobs.ended_at IS 'When it ended; null while it is open.';
COMMENT ON COLUMN analytics.jobs.step IS 'The step that failed last, while it waits for a retry or after it died.';
COMMENT ON COLUMN analytics.jobs.error_class IS 'What kind of fault it was: transient, permanent, rate_limited, over_budget, dependency_down.';
COMMENT ON COLUMN analytics.jobs.reason IS 'Why the last attempt failed, or why it was cancelled: a word or two, never content.';
COMMENT ON COLUMN analytics.jobs.decided_by IS 'Who cancelled or paused it.';
COMMENT ON COLUMN analytics.jobs.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.jobs.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.jobs.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.jobs.src_offset IS 'Lineage: its offset.';

CREATE VIEW analytics.job_attempts AS
SELECT
    attempt.workspace_id,
    attempt.job_id,
    attempt.type,
    attempt.generation,
    attempt.attempt,
    coalesce(
        attempt.outcome,
        CASE
            WHEN EXISTS (
                SELECT FROM proj_v1.job_attempts AS later
                WHERE later.workspace_id = attempt.workspace_id
                    AND later.job_id = attempt.job_id
                    AND (later.generation, later.attempt) > (attempt.generation, attempt.attempt)
            ) OR EXISTS (
                SELECT FROM proj_v1.job_ends AS finish
                WHERE finish.workspace_id = attempt.workspace_id
                    AND finish.job_id = attempt.job_id
                    AND finish.generation = attempt.generation
            ) THEN 'cut off'
            ELSE 'running'
        END
    ) AS outcome,
    attempt.started_at,
    (attempt.started_at AT TIME ZONE 'UTC')::date AS started_date,
    attempt.ended_at,
    round(extract(epoch FROM attempt.ended_at - attempt.started_at) * 1000)::bigint AS duration_ms,
    attempt.step,
    attempt.error_class,
    attempt.reason,
    attempt.spends_attempt,
    attempt.next_due_at,
    attempt.worker,
    attempt.message_id,
    attempt.receipt_id,
    attempt.src_topic,
    attempt.src_partition,
    attempt.src_offset
FROM proj_v1.job_attempts AS attempt;

COMMENT ON VIEW analytics.job_attempts IS 'One row for each attempt at a job, of all its generations.';
COMMENT ON COLUMN analytics.job_attempts.workspace_id IS 'The workspace the job belongs to.';
COMMENT ON COLUMN analytics.job_attempts.job_id IS 'The job. Joins analytics.jobs.';
COMMENT ON COLUMN analytics.job_attempts.type IS 'The job''s type.';
COMMENT ON COLUMN analytics.job_attempts.generation IS 'The job''s generation.';
COMMENT ON COLUMN analytics.job_attempts.attempt IS '1 for the first attempt of the generation.';
COMMENT ON COLUMN analytics.job_attempts.outcome IS 'running, succeeded, failed (it is tried again), died (the last one), or cut off (the worker was lost, or the job was cancelled or asked for anew).';
COMMENT ON COLUMN analytics.job_attempts.started_at IS 'When it began.';
COMMENT ON COLUMN analytics.job_attempts.started_date IS 'The UTC day of started_at.';
COMMENT ON COLUMN analytics.job_attempts.ended_at IS 'When it ended; null while it runs and when it was cut off.';
COMMENT ON COLUMN analytics.job_attempts.duration_ms IS 'Milliseconds from start to end.';
COMMENT ON COLUMN analytics.job_attempts.step IS 'The step that failed.';
COMMENT ON COLUMN analytics.job_attempts.error_class IS 'What kind of fault it was: transient, permanent, rate_limited, over_budget, dependency_down.';
COMMENT ON COLUMN analytics.job_attempts.reason IS 'Why it failed, in a word or two, never content.';
COMMENT ON COLUMN analytics.job_attempts.spends_attempt IS 'False when the fault was not the job''s, so that it does not count towards its death.';
COMMENT ON COLUMN analytics.job_attempts.next_due_at IS 'When the next attempt was due.';
COMMENT ON COLUMN analytics.job_attempts.worker IS 'The worker that ran it.';
COMMENT ON COLUMN analytics.job_attempts.message_id IS 'The inbound message the job is about.';
COMMENT ON COLUMN analytics.job_attempts.receipt_id IS 'The webhook that caused the job. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.job_attempts.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.job_attempts.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.job_attempts.src_offset IS 'Lineage: its offset.';

CREATE VIEW analytics.job_steps AS
SELECT
    step.workspace_id,
    step.job_id,
    step.generation,
    step.step,
    step.attempt,
    step.finished_at,
    step.skipped,
    step.ends_job,
    step.result,
    step.receipt_id,
    step.src_topic,
    step.src_partition,
    step.src_offset
FROM proj_v1.job_steps AS step;

COMMENT ON VIEW analytics.job_steps IS 'One row for each finished or skipped step of a job. A retry does not repeat it.';
COMMENT ON COLUMN analytics.job_steps.workspace_id IS 'The workspace the job belongs to.';
COMMENT ON COLUMN analytics.job_steps.job_id IS 'The job. Joins analytics.jobs.';
COMMENT ON COLUMN analytics.job_steps.generation IS 'The generation in which the step was done; later ones keep it unless they began anew.';
COMMENT ON COLUMN analytics.job_steps.step IS 'The step''s name.';
COMMENT ON COLUMN analytics.job_steps.attempt IS 'The attempt that finished it.';
COMMENT ON COLUMN analytics.job_steps.finished_at IS 'When it was done.';
COMMENT ON COLUMN analytics.job_steps.skipped IS 'Why there was nothing to do; empty when it was done.';
COMMENT ON COLUMN analytics.job_steps.ends_job IS 'Why the steps behind it were not needed; empty when they were.';
COMMENT ON COLUMN analytics.job_steps.result IS 'What later steps need of it, as JSON.';
COMMENT ON COLUMN analytics.job_steps.receipt_id IS 'The webhook that caused the job. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.job_steps.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.job_steps.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.job_steps.src_offset IS 'Lineage: its offset.';

CREATE VIEW analytics.job_outcomes_daily AS
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
FROM analytics.jobs AS job
WHERE job.ended_at IS NOT NULL
GROUP BY job.workspace_id, job.type, (job.ended_at AT TIME ZONE 'UTC')::date;

COMMENT ON VIEW analytics.job_outcomes_daily IS 'Ended jobs by workspace, type and day.';
COMMENT ON COLUMN analytics.job_outcomes_daily.workspace_id IS 'The workspace.';
COMMENT ON COLUMN analytics.job_outcomes_daily.type IS 'The job type.';
COMMENT ON COLUMN analytics.job_outcomes_daily.ended_date IS 'The UTC day on which the jobs ended.';
COMMENT ON COLUMN analytics.job_outcomes_daily.jobs IS 'Jobs that ended.';
COMMENT ON COLUMN analytics.job_outcomes_daily.succeeded IS 'Those that succeeded.';
COMMENT ON COLUMN analytics.job_outcomes_daily.died IS 'Those that died.';
COMMENT ON COLUMN analytics.job_outcomes_daily.cancelled IS 'Those that were cancelled.';
COMMENT ON COLUMN analytics.job_outcomes_daily.attempts IS 'Attempts they took in all.';
COMMENT ON COLUMN analytics.job_outcomes_daily.retried IS 'Jobs that took more than one attempt.';
COMMENT ON COLUMN analytics.job_outcomes_daily.median_seconds IS 'Median time from request to end, seconds.';
COMMENT ON COLUMN analytics.job_outcomes_daily.p95_seconds IS '95th percentile of the time from request to end, seconds.';
