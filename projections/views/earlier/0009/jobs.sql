-- A job is its newest generation; the first of its ends counts, by the log's order.
CREATE OR REPLACE VIEW {analytics}.jobs AS
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
    coalesce(survivor.survivor_id, job.lead_id) AS lead_id,
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
FROM {proj}.jobs AS job
LEFT JOIN LATERAL (
    SELECT finish.*
    FROM {proj}.job_ends AS finish
    WHERE finish.workspace_id = job.workspace_id
        AND finish.job_id = job.job_id
        AND finish.generation = job.generation
    ORDER BY finish.first_offset
    LIMIT 1
) AS ended ON TRUE
LEFT JOIN {proj}.job_progress AS progress
    ON progress.workspace_id = job.workspace_id
    AND progress.job_id = job.job_id
    AND progress.generation = job.generation
LEFT JOIN {proj}.job_holds AS hold
    ON hold.workspace_id = job.workspace_id AND hold.job_id = job.job_id AND hold.generation = job.generation
LEFT JOIN {proj}.lead_survivors AS survivor
    ON survivor.workspace_id = job.workspace_id AND survivor.lead_id = job.lead_id
WHERE NOT EXISTS (
    SELECT FROM {proj}.jobs AS later
    WHERE later.workspace_id = job.workspace_id AND later.job_id = job.job_id AND later.generation > job.generation
);

COMMENT ON VIEW {analytics}.jobs IS 'One row for each job: work that an inbound message asked for, and how it stands.';
COMMENT ON COLUMN {analytics}.jobs.workspace_id IS 'The workspace the job belongs to.';
COMMENT ON COLUMN {analytics}.jobs.job_id IS 'Headrace''s id, derived from message and type: asking twice is one job.';
COMMENT ON COLUMN {analytics}.jobs.type IS 'What is done, such as SMS_INBOUND_POST_PROCESS or LEAD_SCORING_POST_PROCESS.';
COMMENT ON COLUMN {analytics}.jobs.state IS 'waiting (for its time, its turn or a retry), running, paused (by a person), succeeded, died (no attempt left; see analytics.dead_letters) or cancelled.';
COMMENT ON COLUMN {analytics}.jobs.generation IS '1; counted up whenever a person asks for the job again.';
COMMENT ON COLUMN {analytics}.jobs.attempts IS 'Attempts begun in this generation.';
COMMENT ON COLUMN {analytics}.jobs.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on. Joins analytics.leads.';
COMMENT ON COLUMN {analytics}.jobs.original_lead_id IS 'The lead the job was asked for; differs from lead_id after a merge.';
COMMENT ON COLUMN {analytics}.jobs.message_id IS 'The inbound message the job is about. Joins analytics.messages.';
COMMENT ON COLUMN {analytics}.jobs.requested_at IS 'When this generation was asked for.';
COMMENT ON COLUMN {analytics}.jobs.requested_date IS 'The UTC day of requested_at.';
COMMENT ON COLUMN {analytics}.jobs.requested_by IS 'pipeline, the job type it followed from, or the person who asked again.';
COMMENT ON COLUMN {analytics}.jobs.due_at IS 'When it may run, or may run again; null once it ended.';
COMMENT ON COLUMN {analytics}.jobs.running_since_at IS 'When the running attempt began; null unless it is running.';
COMMENT ON COLUMN {analytics}.jobs.worker IS 'The worker that runs it; null unless it is running.';
COMMENT ON COLUMN {analytics}.jobs.ended_at IS 'When it ended; null while it is open.';
COMMENT ON COLUMN {analytics}.jobs.step IS 'The step that failed last, while it waits for a retry or after it died.';
COMMENT ON COLUMN {analytics}.jobs.error_class IS 'What kind of fault it was: transient, permanent, rate_limited, over_budget, dependency_down.';
COMMENT ON COLUMN {analytics}.jobs.reason IS 'Why the last attempt failed, or why it was cancelled: a word or two, never content.';
COMMENT ON COLUMN {analytics}.jobs.decided_by IS 'Who cancelled or paused it.';
COMMENT ON COLUMN {analytics}.jobs.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN {analytics}.jobs.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN {analytics}.jobs.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.jobs.src_offset IS 'Lineage: its offset.';
