-- Every call to a model and what it cost; at last what is unfinished, which reads views of all kinds.

CREATE VIEW analytics.ai_interactions AS
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
    call.cost_micro_usd / 1000000.0 AS cost_usd,
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
FROM proj_v1.ai_interactions AS call
LEFT JOIN proj_v1.lead_survivors AS survivor
    ON survivor.workspace_id = call.workspace_id AND survivor.lead_id = call.lead_id
LEFT JOIN proj_v1.moved_messages AS moved
    ON moved.workspace_id = call.workspace_id AND moved.message_id = call.message_id;

COMMENT ON VIEW analytics.ai_interactions IS 'One row for each call to a model, failed ones too: what it was for, what it took, how it ended. No text.';
COMMENT ON COLUMN analytics.ai_interactions.workspace_id IS 'The workspace the call was made for.';
COMMENT ON COLUMN analytics.ai_interactions.event_id IS 'The call''s id.';
COMMENT ON COLUMN analytics.ai_interactions.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on; after a split, the one its message belongs to. Joins analytics.leads.';
COMMENT ON COLUMN analytics.ai_interactions.message_id IS 'The message it was about. Joins analytics.messages.';
COMMENT ON COLUMN analytics.ai_interactions.job_id IS 'The job it was made for. Joins analytics.jobs.';
COMMENT ON COLUMN analytics.ai_interactions.step IS 'The step of the job.';
COMMENT ON COLUMN analytics.ai_interactions.attempt IS 'The job''s attempt.';
COMMENT ON COLUMN analytics.ai_interactions.call IS 'Which try of the step and attempt.';
COMMENT ON COLUMN analytics.ai_interactions.called_at IS 'When it ended.';
COMMENT ON COLUMN analytics.ai_interactions.called_date IS 'The UTC day of called_at.';
COMMENT ON COLUMN analytics.ai_interactions.source IS 'On whose behalf, such as background-job/sms-inbound-post-process.';
COMMENT ON COLUMN analytics.ai_interactions.feature IS 'What was asked: sentiment.classify, draft.generate, auto_send.evaluate, followup.extract_timing, meeting.extract or lead_scoring.score.';
COMMENT ON COLUMN analytics.ai_interactions.prompt_key IS 'The prompt''s name.';
COMMENT ON COLUMN analytics.ai_interactions.prompt_version IS 'The prompt''s version.';
COMMENT ON COLUMN analytics.ai_interactions.prompt_sha256 IS 'Hash of the prompt''s text, before facts: hex.';
COMMENT ON COLUMN analytics.ai_interactions.provider IS 'openai or local.';
COMMENT ON COLUMN analytics.ai_interactions.api IS 'How it was asked: chat_completions or local.';
COMMENT ON COLUMN analytics.ai_interactions.model IS 'The model that answered, else the one that was asked.';
COMMENT ON COLUMN analytics.ai_interactions.structure IS 'How structure was asked for: json_schema, json_object or text.';
COMMENT ON COLUMN analytics.ai_interactions.input_tokens IS 'Tokens in, cached and written ones included.';
COMMENT ON COLUMN analytics.ai_interactions.cached_tokens IS 'Those of them read from the provider''s cache.';
COMMENT ON COLUMN analytics.ai_interactions.cache_write_tokens IS 'Those of them written to it.';
COMMENT ON COLUMN analytics.ai_interactions.output_tokens IS 'Tokens out, reasoning included.';
COMMENT ON COLUMN analytics.ai_interactions.reasoning_tokens IS 'Those of them spent on reasoning.';
COMMENT ON COLUMN analytics.ai_interactions.total_tokens IS 'All tokens, none counted twice.';
COMMENT ON COLUMN analytics.ai_interactions.usage_source IS 'Who counted: reported (the provider), estimated (Headrace) or none.';
COMMENT ON COLUMN analytics.ai_interactions.billing IS 'metered, estimated, none, or unknown (it broke off and may be billed).';
COMMENT ON COLUMN analytics.ai_interactions.cost_micro_usd IS 'Millionths of a US dollar; null when unknown, which is not 0.';
COMMENT ON COLUMN analytics.ai_interactions.cost_usd IS 'The same in US dollars.';
COMMENT ON COLUMN analytics.ai_interactions.price_version IS 'Fingerprint of the price table behind the cost.';
COMMENT ON COLUMN analytics.ai_interactions.latency_ms IS 'How long it took, milliseconds.';
COMMENT ON COLUMN analytics.ai_interactions.status IS 'ok, error or cancelled.';
COMMENT ON COLUMN analytics.ai_interactions.error_class IS 'What is done about the failure: transient, permanent, rate_limited, over_budget or dependency_down.';
COMMENT ON COLUMN analytics.ai_interactions.error IS 'What failed: timeout, rate_limited, bad_key …';
COMMENT ON COLUMN analytics.ai_interactions.http_status IS 'The server''s status.';
COMMENT ON COLUMN analytics.ai_interactions.finish IS 'Why the model stopped.';
COMMENT ON COLUMN analytics.ai_interactions.response_id IS 'The server''s id of the reply.';
COMMENT ON COLUMN analytics.ai_interactions.request_id IS 'The server''s name for the request, to quote to its support.';
COMMENT ON COLUMN analytics.ai_interactions.is_injection_suspected IS 'True when the lead''s text tries to steer a model.';
COMMENT ON COLUMN analytics.ai_interactions.trace_id IS 'W3C trace id; empty without one.';
COMMENT ON COLUMN analytics.ai_interactions.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.ai_interactions.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.ai_interactions.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.ai_interactions.src_offset IS 'Lineage: its offset.';

CREATE VIEW analytics.ai_cost_daily AS
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
    sum(call.cost_micro_usd) / 1000000.0 AS cost_usd,
    count(*) FILTER (WHERE call.cost_micro_usd IS NULL) AS unknown_cost_count,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY call.latency_ms) AS p50_ms,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY call.latency_ms) AS p95_ms
FROM proj_v1.ai_interactions AS call
GROUP BY
    call.workspace_id,
    (call.called_at AT TIME ZONE 'UTC')::date,
    call.source,
    call.feature,
    call.provider,
    call.model;

COMMENT ON VIEW analytics.ai_cost_daily IS 'Calls to models by workspace, UTC day, source, feature and model: number, tokens, cost, failures.';
COMMENT ON COLUMN analytics.ai_cost_daily.workspace_id IS 'The workspace the calls were made for.';
COMMENT ON COLUMN analytics.ai_cost_daily.called_date IS 'The UTC day they ended.';
COMMENT ON COLUMN analytics.ai_cost_daily.source IS 'On whose behalf, such as background-job/sms-inbound-post-process.';
COMMENT ON COLUMN analytics.ai_cost_daily.source_kind IS 'The part of source before the slash.';
COMMENT ON COLUMN analytics.ai_cost_daily.feature IS 'What was asked.';
COMMENT ON COLUMN analytics.ai_cost_daily.provider IS 'openai or local.';
COMMENT ON COLUMN analytics.ai_cost_daily.model IS 'The model.';
COMMENT ON COLUMN analytics.ai_cost_daily.n IS 'Calls, failed ones too.';
COMMENT ON COLUMN analytics.ai_cost_daily.failed_count IS 'Calls without an answer.';
COMMENT ON COLUMN analytics.ai_cost_daily.error_rate IS 'Their share, 0 to 1.';
COMMENT ON COLUMN analytics.ai_cost_daily.input_tokens IS 'Tokens in.';
COMMENT ON COLUMN analytics.ai_cost_daily.cached_tokens IS 'Those of them read from the provider''s cache.';
COMMENT ON COLUMN analytics.ai_cost_daily.output_tokens IS 'Tokens out.';
COMMENT ON COLUMN analytics.ai_cost_daily.reasoning_tokens IS 'Those of them spent on reasoning.';
COMMENT ON COLUMN analytics.ai_cost_daily.cost_micro_usd IS 'Millionths of a US dollar, of the calls whose cost is known; null when none is.';
COMMENT ON COLUMN analytics.ai_cost_daily.cost_usd IS 'The same in US dollars.';
COMMENT ON COLUMN analytics.ai_cost_daily.unknown_cost_count IS 'Calls whose cost nobody knows: they come on top.';
COMMENT ON COLUMN analytics.ai_cost_daily.p50_ms IS 'Half of the calls took at most so many milliseconds.';
COMMENT ON COLUMN analytics.ai_cost_daily.p95_ms IS '95 % of them took at most so many.';

-- One part a kind of unfinished work, each with the time since when it could have been finished. What was received but
-- not judged yet stands in Kafka alone: `headrace audit` tells.
CREATE VIEW analytics.oldest_unprocessed AS
WITH open_jobs AS (
    SELECT
        job.workspace_id,
        job.due_at,
        CASE
            WHEN hold.is_paused THEN 'jobs:paused'
            WHEN progress.is_running THEN 'jobs:running'
            WHEN progress.error_class IN ('over_budget', 'dependency_down') THEN 'jobs:' || progress.error_class
            WHEN progress.error_class IS NOT NULL THEN 'jobs:retrying'
            ELSE 'jobs:waiting'
        END AS stage
    FROM proj_v1.jobs AS job
    LEFT JOIN proj_v1.job_progress AS progress
        ON progress.workspace_id = job.workspace_id
        AND progress.job_id = job.job_id
        AND progress.generation = job.generation
    LEFT JOIN proj_v1.job_holds AS hold
        ON hold.workspace_id = job.workspace_id AND hold.job_id = job.job_id AND hold.generation = job.generation
    WHERE job.due_at <= now()
        AND NOT EXISTS (
            SELECT FROM proj_v1.job_ends AS finish
            WHERE finish.workspace_id = job.workspace_id
                AND finish.job_id = job.job_id
                AND finish.generation = job.generation
        )
        AND NOT EXISTS (
            SELECT FROM proj_v1.jobs AS later
            WHERE later.workspace_id = job.workspace_id
                AND later.job_id = job.job_id
                AND later.generation > job.generation
        )
),

without_job AS (
    SELECT message.workspace_id, message.received_at
    FROM proj_v1.messages AS message
    WHERE message.direction = 'inbound'
        AND message.source = 'direct'
        AND NOT EXISTS (
            SELECT FROM proj_v1.jobs AS job
            WHERE job.workspace_id = message.workspace_id AND job.message_id = message.message_id
        )
),

-- The oldest record that is not projected came after the newest that is. An app that has not looked at the broker for
-- a minute does not know what came since.
projections AS (
    SELECT
        place.projection,
        greatest(broker.end_offset - coalesce(position.next_offset, broker.start_offset), 0) AS lag,
        CASE
            WHEN broker.end_offset > coalesce(position.next_offset, broker.start_offset) THEN position.event_time_max
            ELSE broker.observed_at
        END AS projected_until
    FROM ctl.broker_offsets AS broker
    JOIN (
        SELECT DISTINCT known.projection, known.topic
        FROM ctl.projection_offsets AS known
        WHERE known.version = coalesce(
            (
                SELECT live.version FROM ctl.projection_versions AS live
                WHERE live.projection = known.projection AND live.state = 'live'
            ),
            1
        )
    ) AS place
        ON place.topic = broker.topic
    LEFT JOIN ctl.projection_offsets AS position
        ON position.projection = place.projection
        AND position.version = coalesce(
            (
                SELECT live.version FROM ctl.projection_versions AS live
                WHERE live.projection = position.projection AND live.state = 'live'
            ),
            1
        )
        AND position.topic = broker.topic
        AND position.partition = broker.partition
    WHERE broker.end_offset > coalesce(position.next_offset, broker.start_offset)
        OR broker.observed_at < now() - interval '60 seconds'
),

unfinished (workspace_id, stage, n, oldest_at) AS (
    SELECT open_jobs.workspace_id, open_jobs.stage, count(*), min(open_jobs.due_at)
    FROM open_jobs
    GROUP BY open_jobs.workspace_id, open_jobs.stage
    UNION ALL
    SELECT without_job.workspace_id, 'messages:without_job', count(*), min(without_job.received_at)
    FROM without_job
    GROUP BY without_job.workspace_id
    UNION ALL
    SELECT letter.workspace_id, 'dead_letters:' || letter.stage, count(*), min(letter.first_failed_at)
    FROM analytics.dead_letters AS letter
    WHERE letter.state IN ('open', 'failed again')
    GROUP BY letter.workspace_id, letter.stage
    UNION ALL
    SELECT NULL, 'project:' || projections.projection, sum(projections.lag)::bigint, min(projections.projected_until)
    FROM projections
    GROUP BY projections.projection
)

SELECT
    unfinished.workspace_id,
    unfinished.stage,
    unfinished.n,
    unfinished.oldest_at,
    greatest(round(extract(epoch FROM now() - unfinished.oldest_at), 1), 0) AS age_seconds
FROM unfinished;

COMMENT ON VIEW analytics.oldest_unprocessed IS 'Work that is not finished, by stage and workspace, with the age of the oldest: what to look at first. No row: nothing is unfinished there.';
COMMENT ON COLUMN analytics.oldest_unprocessed.workspace_id IS 'The workspace; null where nobody knows, as for records that are not projected yet.';
COMMENT ON COLUMN analytics.oldest_unprocessed.stage IS 'project:<projection> (records that are not rows yet), messages:without_job (a person''s message, no job asked for yet), jobs:waiting, jobs:running, jobs:retrying, jobs:over_budget, jobs:dependency_down, jobs:paused (by a person), or dead_letters:<stage> (set aside, and neither sent again nor discarded).';
COMMENT ON COLUMN analytics.oldest_unprocessed.n IS 'How many. For project:… as of the last comparison with the broker; 0 when that is over a minute ago and nothing was left then.';
COMMENT ON COLUMN analytics.oldest_unprocessed.oldest_at IS 'Since when the oldest could have been finished: jobs by when they were first due, messages by receipt, dead letters by their first failure. For project:… the newest record that is a row, so that the oldest that is not came later; null when none is.';
COMMENT ON COLUMN analytics.oldest_unprocessed.age_seconds IS 'Seconds since oldest_at; for project:… the age is at most that.';
