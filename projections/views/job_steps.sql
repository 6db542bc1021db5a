CREATE OR REPLACE VIEW {analytics}.job_steps AS
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
FROM {proj}.job_steps AS step;

COMMENT ON VIEW {analytics}.job_steps IS 'One row for each finished or skipped step of a job. A retry does not repeat it.';
COMMENT ON COLUMN {analytics}.job_steps.workspace_id IS 'The workspace the job belongs to.';
COMMENT ON COLUMN {analytics}.job_steps.job_id IS 'The job. Joins analytics.jobs.';
COMMENT ON COLUMN {analytics}.job_steps.generation IS 'The generation in which the step was done; later ones keep it unless they began anew.';
COMMENT ON COLUMN {analytics}.job_steps.step IS 'The step''s name.';
COMMENT ON COLUMN {analytics}.job_steps.attempt IS 'The attempt that finished it.';
COMMENT ON COLUMN {analytics}.job_steps.finished_at IS 'When it was done.';
COMMENT ON COLUMN {analytics}.job_steps.skipped IS 'Why there was nothing to do; empty when it was done.';
COMMENT ON COLUMN {analytics}.job_steps.ends_job IS 'Why the steps behind it were not needed; empty when they were.';
COMMENT ON COLUMN {analytics}.job_steps.result IS 'What later steps need of it, as JSON.';
COMMENT ON COLUMN {analytics}.job_steps.receipt_id IS 'The webhook that caused the job. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN {analytics}.job_steps.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN {analytics}.job_steps.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.job_steps.src_offset IS 'Lineage: its offset.';
