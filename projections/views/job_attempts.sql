CREATE OR REPLACE VIEW {analytics}.job_attempts AS
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
                SELECT FROM {proj}.job_attempts AS later
                WHERE later.workspace_id = attempt.workspace_id
                    AND later.job_id = attempt.job_id
                    AND (later.generation, later.attempt) > (attempt.generation, attempt.attempt)
            ) OR EXISTS (
                SELECT FROM {proj}.job_ends AS finish
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
FROM {proj}.job_attempts AS attempt;

COMMENT ON VIEW {analytics}.job_attempts IS 'One row for each attempt at a job, of all its generations.';
COMMENT ON COLUMN {analytics}.job_attempts.workspace_id IS 'The workspace the job belongs to.';
COMMENT ON COLUMN {analytics}.job_attempts.job_id IS 'The job. Joins analytics.jobs.';
COMMENT ON COLUMN {analytics}.job_attempts.type IS 'The job''s type.';
COMMENT ON COLUMN {analytics}.job_attempts.generation IS 'The job''s generation.';
COMMENT ON COLUMN {analytics}.job_attempts.attempt IS '1 for the first attempt of the generation.';
COMMENT ON COLUMN {analytics}.job_attempts.outcome IS 'running, succeeded, failed (it is tried again), died (the last one), or cut off (the worker was lost, or the job was cancelled or asked for anew).';
COMMENT ON COLUMN {analytics}.job_attempts.started_at IS 'When it began.';
COMMENT ON COLUMN {analytics}.job_attempts.started_date IS 'The UTC day of started_at.';
COMMENT ON COLUMN {analytics}.job_attempts.ended_at IS 'When it ended; null while it runs and when it was cut off.';
COMMENT ON COLUMN {analytics}.job_attempts.duration_ms IS 'Milliseconds from start to end.';
COMMENT ON COLUMN {analytics}.job_attempts.step IS 'The step that failed.';
COMMENT ON COLUMN {analytics}.job_attempts.error_class IS 'What kind of fault it was: transient, permanent, rate_limited, over_budget, dependency_down.';
COMMENT ON COLUMN {analytics}.job_attempts.reason IS 'Why it failed, in a word or two, never content.';
COMMENT ON COLUMN {analytics}.job_attempts.spends_attempt IS 'False when the fault was not the job''s, so that it does not count towards its death.';
COMMENT ON COLUMN {analytics}.job_attempts.next_due_at IS 'When the next attempt was due.';
COMMENT ON COLUMN {analytics}.job_attempts.worker IS 'The worker that ran it.';
COMMENT ON COLUMN {analytics}.job_attempts.message_id IS 'The inbound message the job is about.';
COMMENT ON COLUMN {analytics}.job_attempts.receipt_id IS 'The webhook that caused the job. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN {analytics}.job_attempts.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN {analytics}.job_attempts.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.job_attempts.src_offset IS 'Lineage: its offset.';
