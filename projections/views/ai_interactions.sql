CREATE OR REPLACE VIEW {analytics}.ai_interactions AS
SELECT
    call.workspace_id,
    call.event_id,
    coalesce(moved.lead_id, survivor.survivor_id, call.lead_id) AS lead_id,
    call.message_id,
    call.job_id,
    call.step,
    call.attempt,
    call.call,
    call.called_at,
    (call.called_at AT TIME ZONE 'UTC')::date AS called_date,
    call.source,
    call.feature,
    call.prompt_key,
    call.prompt_version,
    call.prompt_sha256,
    call.provider,
    call.api,
    call.model,
    call.structure,
    call.input_tokens,
    call.cached_tokens,
    call.cache_write_tokens,
    call.output_tokens,
    call.reasoning_tokens,
    call.input_tokens + call.output_tokens AS total_tokens,
    call.usage_source,
    call.billing,
    call.cost_micro_usd,
    round(call.cost_micro_usd / 1000000.0, 6) AS cost_usd,
    call.price_version,
    call.latency_ms,
    call.status,
    call.error_class,
    call.error,
    call.http_status,
    call.finish,
    call.response_id,
    call.request_id,
    call.is_injection_suspected,
    call.trace_id,
    call.receipt_id,
    call.src_topic,
    call.src_partition,
    call.src_offset
FROM {proj}.ai_interactions AS call
LEFT JOIN {proj}.lead_survivors AS survivor
    ON survivor.workspace_id = call.workspace_id AND survivor.lead_id = call.lead_id
LEFT JOIN {proj}.moved_messages AS moved
    ON moved.workspace_id = call.workspace_id AND moved.message_id = call.message_id;

COMMENT ON VIEW {analytics}.ai_interactions IS 'One row for each call to a model, failed ones too: what it was for, what it took, how it ended. No text.';
COMMENT ON COLUMN {analytics}.ai_interactions.workspace_id IS 'The workspace the call was made for.';
COMMENT ON COLUMN {analytics}.ai_interactions.event_id IS 'The call''s id.';
COMMENT ON COLUMN {analytics}.ai_interactions.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on; after a split, the one its message belongs to. Joins analytics.leads.';
COMMENT ON COLUMN {analytics}.ai_interactions.message_id IS 'The message it was about. Joins analytics.messages.';
COMMENT ON COLUMN {analytics}.ai_interactions.job_id IS 'The job it was made for. Joins analytics.jobs.';
COMMENT ON COLUMN {analytics}.ai_interactions.step IS 'The step of the job.';
COMMENT ON COLUMN {analytics}.ai_interactions.attempt IS 'The job''s attempt.';
COMMENT ON COLUMN {analytics}.ai_interactions.call IS 'Which try of the step and attempt.';
COMMENT ON COLUMN {analytics}.ai_interactions.called_at IS 'When it ended.';
COMMENT ON COLUMN {analytics}.ai_interactions.called_date IS 'The UTC day of called_at.';
COMMENT ON COLUMN {analytics}.ai_interactions.source IS 'On whose behalf, such as background-job/sms-inbound-post-process.';
COMMENT ON COLUMN {analytics}.ai_interactions.feature IS 'What was asked: sentiment.classify, draft.generate, auto_send.evaluate, followup.extract_timing, meeting.extract or lead_scoring.score.';
COMMENT ON COLUMN {analytics}.ai_interactions.prompt_key IS 'The prompt''s name.';
COMMENT ON COLUMN {analytics}.ai_interactions.prompt_version IS 'The prompt''s version.';
COMMENT ON COLUMN {analytics}.ai_interactions.prompt_sha256 IS 'Hash of the prompt''s text, before facts: hex.';
COMMENT ON COLUMN {analytics}.ai_interactions.provider IS 'openai or local.';
COMMENT ON COLUMN {analytics}.ai_interactions.api IS 'How it was asked: chat_completions or local.';
COMMENT ON COLUMN {analytics}.ai_interactions.model IS 'The model that answered, else the one that was asked.';
COMMENT ON COLUMN {analytics}.ai_interactions.structure IS 'How structure was asked for: json_schema, json_object or text.';
COMMENT ON COLUMN {analytics}.ai_interactions.input_tokens IS 'Tokens in, cached and written ones included.';
COMMENT ON COLUMN {analytics}.ai_interactions.cached_tokens IS 'Those of them read from the provider''s cache.';
COMMENT ON COLUMN {analytics}.ai_interactions.cache_write_tokens IS 'Those of them written to it.';
COMMENT ON COLUMN {analytics}.ai_interactions.output_tokens IS 'Tokens out, reasoning included.';
COMMENT ON COLUMN {analytics}.ai_interactions.reasoning_tokens IS 'Those of them spent on reasoning.';
COMMENT ON COLUMN {analytics}.ai_interactions.total_tokens IS 'All tokens, none counted twice.';
COMMENT ON COLUMN {analytics}.ai_interactions.usage_source IS 'Who counted: reported (the provider), estimated (Headrace) or none.';
COMMENT ON COLUMN {analytics}.ai_interactions.billing IS 'metered, estimated, none, or unknown (it broke off and may be billed).';
COMMENT ON COLUMN {analytics}.ai_interactions.cost_micro_usd IS 'Millionths of a US dollar; null when unknown, which is not 0.';
COMMENT ON COLUMN {analytics}.ai_interactions.cost_usd IS 'The same in US dollars.';
COMMENT ON COLUMN {analytics}.ai_interactions.price_version IS 'Fingerprint of the price table behind the cost.';
COMMENT ON COLUMN {analytics}.ai_interactions.latency_ms IS 'How long it took, milliseconds.';
COMMENT ON COLUMN {analytics}.ai_interactions.status IS 'ok, error or cancelled.';
COMMENT ON COLUMN {analytics}.ai_interactions.error_class IS 'What is done about the failure: transient, permanent, rate_limited, over_budget or dependency_down.';
COMMENT ON COLUMN {analytics}.ai_interactions.error IS 'What failed: timeout, rate_limited, bad_key …';
COMMENT ON COLUMN {analytics}.ai_interactions.http_status IS 'The server''s status.';
COMMENT ON COLUMN {analytics}.ai_interactions.finish IS 'Why the model stopped.';
COMMENT ON COLUMN {analytics}.ai_interactions.response_id IS 'The server''s id of the reply.';
COMMENT ON COLUMN {analytics}.ai_interactions.request_id IS 'The server''s name for the request, to quote to its support.';
COMMENT ON COLUMN {analytics}.ai_interactions.is_injection_suspected IS 'True when the lead''s text tries to steer a model.';
COMMENT ON COLUMN {analytics}.ai_interactions.trace_id IS 'W3C trace id; empty without one.';
COMMENT ON COLUMN {analytics}.ai_interactions.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN {analytics}.ai_interactions.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN {analytics}.ai_interactions.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.ai_interactions.src_offset IS 'Lineage: its offset.';
