CREATE OR REPLACE VIEW {analytics}.enrichments AS
SELECT
    step.workspace_id,
    step.job_id,
    step.step,
    step.job_type,
    step.message_id,
    coalesce(moved.lead_id, survivor.survivor_id, step.lead_id) AS lead_id,
    CASE WHEN step.skip_reason IS NULL THEN 'done' ELSE 'skipped' END AS outcome,
    step.skip_reason,
    step.event_type,
    step.details,
    step.concluded_at,
    (step.concluded_at AT TIME ZONE 'UTC')::date AS concluded_date,
    step.ai_provider,
    step.ai_model,
    step.prompt_key,
    step.prompt_version,
    step.prompt_sha256,
    step.receipt_id,
    step.src_topic,
    step.src_partition,
    step.src_offset
FROM {proj}.enrichments AS step
LEFT JOIN {proj}.lead_survivors AS survivor
    ON survivor.workspace_id = step.workspace_id AND survivor.lead_id = step.lead_id
LEFT JOIN {proj}.moved_messages AS moved
    ON moved.workspace_id = step.workspace_id AND moved.message_id = step.message_id;

COMMENT ON VIEW {analytics}.enrichments IS 'One row for each step of a job that was done or skipped, with what it concluded: the newest conclusion counts.';
COMMENT ON COLUMN {analytics}.enrichments.workspace_id IS 'The workspace the message belongs to.';
COMMENT ON COLUMN {analytics}.enrichments.job_id IS 'The job. Joins analytics.jobs.';
COMMENT ON COLUMN {analytics}.enrichments.step IS 'The step''s name: opt_out_and_bounce, classify, lead_state, follow_up_timing, booking_decision, draft, decide_reply or score.';
COMMENT ON COLUMN {analytics}.enrichments.job_type IS 'The job''s type.';
COMMENT ON COLUMN {analytics}.enrichments.message_id IS 'The message the job is about. Joins analytics.messages.';
COMMENT ON COLUMN {analytics}.enrichments.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on; after a split, the one its message belongs to. Joins analytics.leads.';
COMMENT ON COLUMN {analytics}.enrichments.outcome IS 'done or skipped.';
COMMENT ON COLUMN {analytics}.enrichments.skip_reason IS 'Why there was nothing to do; null when it was done.';
COMMENT ON COLUMN {analytics}.enrichments.event_type IS 'The event''s name and version, such as message.classified.v1.';
COMMENT ON COLUMN {analytics}.enrichments.details IS 'What was concluded, as JSON, without anybody''s text.';
COMMENT ON COLUMN {analytics}.enrichments.concluded_at IS 'When.';
COMMENT ON COLUMN {analytics}.enrichments.concluded_date IS 'The UTC day of concluded_at.';
COMMENT ON COLUMN {analytics}.enrichments.ai_provider IS 'Who answered: openai, local; null where no model was asked.';
COMMENT ON COLUMN {analytics}.enrichments.ai_model IS 'The model.';
COMMENT ON COLUMN {analytics}.enrichments.prompt_key IS 'The prompt''s name.';
COMMENT ON COLUMN {analytics}.enrichments.prompt_version IS 'The prompt''s version.';
COMMENT ON COLUMN {analytics}.enrichments.prompt_sha256 IS 'Hash of the prompt''s text, before facts: hex.';
COMMENT ON COLUMN {analytics}.enrichments.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN {analytics}.enrichments.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN {analytics}.enrichments.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.enrichments.src_offset IS 'Lineage: its offset.';
