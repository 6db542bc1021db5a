CREATE OR REPLACE VIEW {analytics}.ai_cost_daily AS
SELECT
    call.workspace_id,
    (call.called_at AT TIME ZONE 'UTC')::date AS called_date,
    call.source,
    split_part(call.source, '/', 1) AS source_kind,
    call.feature,
    call.provider,
    call.model,
    count(*) AS n,
    count(*) FILTER (WHERE call.status <> 'ok') AS failed_count,
    round(count(*) FILTER (WHERE call.status <> 'ok') / count(*)::numeric, 6) AS error_rate,
    sum(call.input_tokens) AS input_tokens,
    sum(call.cached_tokens) AS cached_tokens,
    sum(call.output_tokens) AS output_tokens,
    sum(call.reasoning_tokens) AS reasoning_tokens,
    sum(call.cost_micro_usd) AS cost_micro_usd,
    round(sum(call.cost_micro_usd) / 1000000.0, 6) AS cost_usd,
    count(*) FILTER (WHERE call.cost_micro_usd IS NULL) AS unknown_cost_count,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY call.latency_ms) AS p50_ms,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY call.latency_ms) AS p95_ms
FROM {proj}.ai_interactions AS call
GROUP BY
    call.workspace_id,
    (call.called_at AT TIME ZONE 'UTC')::date,
    call.source,
    call.feature,
    call.provider,
    call.model;

COMMENT ON VIEW {analytics}.ai_cost_daily IS 'Calls to models by workspace, UTC day, source, feature and model: number, tokens, cost, failures.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.workspace_id IS 'The workspace the calls were made for.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.called_date IS 'The UTC day they ended.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.source IS 'On whose behalf, such as background-job/sms-inbound-post-process.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.source_kind IS 'The part of source before the slash.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.feature IS 'What was asked.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.provider IS 'openai or local.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.model IS 'The model.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.n IS 'Calls, failed ones too.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.failed_count IS 'Calls without an answer.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.error_rate IS 'Their share, 0 to 1.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.input_tokens IS 'Tokens in.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.cached_tokens IS 'Those of them read from the provider''s cache.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.output_tokens IS 'Tokens out.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.reasoning_tokens IS 'Those of them spent on reasoning.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.cost_micro_usd IS 'Millionths of a US dollar, of the calls whose cost is known; null when none is.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.cost_usd IS 'The same in US dollars.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.unknown_cost_count IS 'Calls whose cost nobody knows: they come on top.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.p50_ms IS 'Half of the calls took at most so many milliseconds.';
COMMENT ON COLUMN {analytics}.ai_cost_daily.p95_ms IS '95 % of them took at most so many.';
