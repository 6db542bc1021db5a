-- Views whose questions take no longer than they must, and new ones.
CREATE TABLE ctl.value_meanings (
    view_name text NOT NULL,
    column_name text NOT NULL,
    value text NOT NULL,
    meaning text NOT NULL,
    CONSTRAINT pk_value_meanings PRIMARY KEY (view_name, column_name, value)
);

-- What merged leads bring along is computed for them alone, and so are the times of leads that were split, out of their
-- messages: they are few. Everything is joined to the lead from the outside: what a question does not ask for is left
-- out, and no estimate falls below the number of leads.
CREATE OR REPLACE VIEW analytics.leads AS
WITH survivor AS (
    SELECT gone.workspace_id, gone.lead_id, gone.survivor_id
    FROM {leads}.lead_survivors AS gone
),

merged AS (
    SELECT
        survivor.workspace_id,
        survivor.survivor_id AS lead_id,
        array_agg(survivor.lead_id ORDER BY survivor.lead_id) AS merged_lead_ids,
        min(activity.first_message_at) AS first_message_at,
        max(activity.last_message_at) AS last_message_at,
        min(activity.first_inbound_at) AS first_inbound_at,
        max(activity.last_inbound_at) AS last_inbound_at,
        min(activity.first_outbound_at) AS first_outbound_at,
        max(activity.last_outbound_at) AS last_outbound_at
    FROM survivor
    LEFT JOIN {leads}.lead_activity AS activity
        ON activity.workspace_id = survivor.workspace_id AND activity.lead_id = survivor.lead_id
    WHERE survivor.survivor_id <> survivor.lead_id
    GROUP BY survivor.workspace_id, survivor.survivor_id
),

suppression AS (
    SELECT DISTINCT ON (any_of.workspace_id, coalesce(survivor.survivor_id, any_of.lead_id))
        any_of.workspace_id,
        coalesce(survivor.survivor_id, any_of.lead_id) AS lead_id,
        any_of.reason,
        any_of.occurred_at
    FROM {leads}.lead_suppressions AS any_of
    LEFT JOIN survivor ON survivor.workspace_id = any_of.workspace_id AND survivor.lead_id = any_of.lead_id
    ORDER BY
        any_of.workspace_id,
        coalesce(survivor.survivor_id, any_of.lead_id),
        any_of.occurred_at,
        any_of.event_id
),

split_lead AS (
    SELECT DISTINCT half.workspace_id, coalesce(survivor.survivor_id, half.lead_id) AS lead_id
    FROM (
        SELECT split.workspace_id, split.lead_id FROM {leads}.lead_splits AS split
        UNION
        SELECT split.workspace_id, split.new_lead_id FROM {leads}.lead_splits AS split
    ) AS half
    LEFT JOIN survivor ON survivor.workspace_id = half.workspace_id AND survivor.lead_id = half.lead_id
),

split_message AS (
    SELECT whole.workspace_id, whole.lead_id, kept.sent_at, kept.direction
    FROM (
        SELECT split_lead.workspace_id, split_lead.lead_id, split_lead.lead_id AS part_id FROM split_lead
        UNION
        SELECT split_lead.workspace_id, split_lead.lead_id, survivor.lead_id
        FROM split_lead
        JOIN survivor
            ON survivor.workspace_id = split_lead.workspace_id AND survivor.survivor_id = split_lead.lead_id
    ) AS whole
    CROSS JOIN LATERAL (
        SELECT message.sent_at, message.direction
        FROM {leads}.messages AS message
        WHERE message.workspace_id = whole.workspace_id
            AND message.lead_id = whole.part_id
            AND NOT EXISTS (
                SELECT FROM {leads}.message_moves AS move
                WHERE move.workspace_id = message.workspace_id AND move.message_id = message.message_id
            )
    ) AS kept
    UNION ALL
    SELECT split_lead.workspace_id, split_lead.lead_id, taken.sent_at, taken.direction
    FROM split_lead
    JOIN {leads}.moved_messages AS elsewhere
        ON elsewhere.workspace_id = split_lead.workspace_id AND elsewhere.lead_id = split_lead.lead_id
    JOIN {leads}.messages AS taken
        ON taken.workspace_id = elsewhere.workspace_id AND taken.message_id = elsewhere.message_id
),

split_rollup AS (
    SELECT
        split_lead.workspace_id,
        split_lead.lead_id,
        min(message.sent_at) AS first_message_at,
        max(message.sent_at) AS last_message_at,
        min(message.sent_at) FILTER (WHERE message.direction = 'inbound') AS first_inbound_at,
        max(message.sent_at) FILTER (WHERE message.direction = 'inbound') AS last_inbound_at,
        min(message.sent_at) FILTER (WHERE message.direction = 'outbound') AS first_outbound_at,
        max(message.sent_at) FILTER (WHERE message.direction = 'outbound') AS last_outbound_at
    FROM split_lead
    LEFT JOIN split_message AS message
        ON message.workspace_id = split_lead.workspace_id AND message.lead_id = split_lead.lead_id
    GROUP BY split_lead.workspace_id, split_lead.lead_id
)

SELECT
    lead.workspace_id,
    lead.lead_id,
    CASE
        WHEN suppression.lead_id IS NOT NULL THEN 'suppressed'
        WHEN rollup.last_inbound_at IS NOT NULL THEN 'replied'
        WHEN rollup.last_outbound_at IS NOT NULL THEN 'contacted'
        ELSE 'new'
    END AS status,
    suppression.lead_id IS NOT NULL AS is_suppressed,
    suppression.reason AS suppression_reason,
    suppression.occurred_at AS suppressed_at,
    lead.first_name,
    lead.last_name,
    lead.company,
    lead.title,
    lead.email,
    lead.alternate_emails,
    lead.phone,
    lead.linkedin_url,
    lead.company_linkedin_url,
    lead.campaign_id,
    lead.campaign_name,
    lead.account,
    lead.current_replier_email,
    lead.current_replier_name,
    lead.current_replier_since_at,
    lead.created_at,
    (lead.created_at AT TIME ZONE 'UTC')::date AS created_date,
    lead.changed_at,
    rollup.first_message_at,
    rollup.last_message_at,
    rollup.first_inbound_at,
    rollup.last_inbound_at,
    rollup.first_outbound_at,
    rollup.last_outbound_at,
    CASE
        WHEN rollup.last_inbound_at IS NULL AND rollup.last_outbound_at IS NULL THEN NULL
        WHEN rollup.last_outbound_at IS NULL OR rollup.last_inbound_at >= rollup.last_outbound_at THEN 'inbound'
        ELSE 'outbound'
    END AS last_message_direction,
    coalesce(merged.merged_lead_ids, '{}') AS merged_lead_ids,
    lead.receipt_id,
    lead.src_topic,
    lead.src_partition,
    lead.src_offset
FROM {leads}.leads AS lead
LEFT JOIN {leads}.lead_activity AS activity
    ON activity.workspace_id = lead.workspace_id AND activity.lead_id = lead.lead_id
LEFT JOIN merged
    ON merged.workspace_id = lead.workspace_id AND merged.lead_id = lead.lead_id
LEFT JOIN split_rollup
    ON split_rollup.workspace_id = lead.workspace_id AND split_rollup.lead_id = lead.lead_id
LEFT JOIN suppression ON suppression.workspace_id = lead.workspace_id AND suppression.lead_id = lead.lead_id
CROSS JOIN LATERAL (
    SELECT
        CASE WHEN split_rollup.lead_id IS NULL THEN least(activity.first_message_at, merged.first_message_at)
            ELSE split_rollup.first_message_at END AS first_message_at,
        CASE WHEN split_rollup.lead_id IS NULL THEN greatest(activity.last_message_at, merged.last_message_at)
            ELSE split_rollup.last_message_at END AS last_message_at,
        CASE WHEN split_rollup.lead_id IS NULL THEN least(activity.first_inbound_at, merged.first_inbound_at)
            ELSE split_rollup.first_inbound_at END AS first_inbound_at,
        CASE WHEN split_rollup.lead_id IS NULL THEN greatest(activity.last_inbound_at, merged.last_inbound_at)
            ELSE split_rollup.last_inbound_at END AS last_inbound_at,
        CASE WHEN split_rollup.lead_id IS NULL THEN least(activity.first_outbound_at, merged.first_outbound_at)
            ELSE split_rollup.first_outbound_at END AS first_outbound_at,
        CASE WHEN split_rollup.lead_id IS NULL THEN greatest(activity.last_outbound_at, merged.last_outbound_at)
            ELSE split_rollup.last_outbound_at END AS last_outbound_at
) AS rollup
WHERE NOT EXISTS (
    SELECT FROM {leads}.lead_survivors AS gone
    WHERE gone.workspace_id = lead.workspace_id AND gone.lead_id = lead.lead_id AND gone.survivor_id <> gone.lead_id
);

COMMENT ON VIEW analytics.leads IS 'One row for each person known today. A lead that was merged away is not shown: its messages, times and suppression count for the lead it lives on in.';
COMMENT ON COLUMN analytics.leads.workspace_id IS 'The workspace the lead belongs to.';
COMMENT ON COLUMN analytics.leads.lead_id IS 'The lead''s id.';
COMMENT ON COLUMN analytics.leads.status IS 'suppressed (nobody may write to it), else replied (it wrote to us), else contacted (we wrote to it), else new.';
COMMENT ON COLUMN analytics.leads.is_suppressed IS 'True when nobody may write to the lead any more.';
COMMENT ON COLUMN analytics.leads.suppression_reason IS 'Why, by the earliest suppression: unsubscribed, bounced, blacklisted or wrong_person.';
COMMENT ON COLUMN analytics.leads.suppressed_at IS 'When the earliest suppression happened.';
COMMENT ON COLUMN analytics.leads.first_name IS 'First name, the first one any provider told.';
COMMENT ON COLUMN analytics.leads.last_name IS 'Last name, the first one any provider told.';
COMMENT ON COLUMN analytics.leads.company IS 'Company, the first one any provider told.';
COMMENT ON COLUMN analytics.leads.title IS 'Job title, the first one any provider told.';
COMMENT ON COLUMN analytics.leads.email IS 'The lead''s own address, lower-cased.';
COMMENT ON COLUMN analytics.leads.alternate_emails IS 'Other addresses that answered for the lead.';
COMMENT ON COLUMN analytics.leads.phone IS 'Phone number in E.164 form.';
COMMENT ON COLUMN analytics.leads.linkedin_url IS 'The person''s LinkedIn profile.';
COMMENT ON COLUMN analytics.leads.company_linkedin_url IS 'The company''s LinkedIn page.';
COMMENT ON COLUMN analytics.leads.campaign_id IS 'The first campaign the lead was seen in.';
COMMENT ON COLUMN analytics.leads.campaign_name IS 'That campaign''s name.';
COMMENT ON COLUMN analytics.leads.account IS 'Our mailbox, phone number or account the lead was first seen through.';
COMMENT ON COLUMN analytics.leads.current_replier_email IS 'Somebody else answers for the lead from this address; null when the lead itself does.';
COMMENT ON COLUMN analytics.leads.current_replier_name IS 'That person''s display name.';
COMMENT ON COLUMN analytics.leads.current_replier_since_at IS 'Since when.';
COMMENT ON COLUMN analytics.leads.created_at IS 'When the lead was first seen.';
COMMENT ON COLUMN analytics.leads.created_date IS 'The UTC day of created_at.';
COMMENT ON COLUMN analytics.leads.changed_at IS 'When something was last learnt about the lead.';
COMMENT ON COLUMN analytics.leads.first_message_at IS 'sent_at of its earliest message in either direction.';
COMMENT ON COLUMN analytics.leads.last_message_at IS 'sent_at of its latest message in either direction.';
COMMENT ON COLUMN analytics.leads.first_inbound_at IS 'When it first wrote to us.';
COMMENT ON COLUMN analytics.leads.last_inbound_at IS 'When it last wrote to us.';
COMMENT ON COLUMN analytics.leads.first_outbound_at IS 'When we first wrote to it.';
COMMENT ON COLUMN analytics.leads.last_outbound_at IS 'When we last wrote to it.';
COMMENT ON COLUMN analytics.leads.last_message_direction IS 'inbound or outbound, of the latest message; inbound when both bear the same time.';
COMMENT ON COLUMN analytics.leads.merged_lead_ids IS 'Leads that turned out to be this one.';
COMMENT ON COLUMN analytics.leads.receipt_id IS 'The webhook that last changed the lead. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.leads.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.leads.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.leads.src_offset IS 'Lineage: its offset.';

-- Histograms of all processes, windows and statuses are added up bucket by bucket; a quantile is interpolated
-- within the bucket it falls into. Empty buckets are left out of the events, so a bucket's lower bound is the bound
-- before it, or 2^(1/4) below its own where that is nearer: buckets are no wider than that. The last one has no
-- bound of its own worth the name: the hour's longest response caps it. Both halves group by hour themselves, so that
-- a filter on it leaves all other hours out.
CREATE OR REPLACE VIEW analytics.webhook_latency_hourly AS
SELECT
    totals.route,
    totals.hour,
    totals.n,
    round(quantiles.p50_us::numeric / 1000, 3) AS p50_ms,
    round(quantiles.p95_us::numeric / 1000, 3) AS p95_ms,
    round(quantiles.p99_us::numeric / 1000, 3) AS p99_ms,
    round(totals.sum_us / nullif(totals.n, 0) / 1000, 3) AS mean_ms,
    round(totals.max_us::numeric / 1000, 3) AS max_ms,
    round(coalesce(totals.failed, 0) / nullif(totals.n, 0), 6) AS error_rate,
    round(coalesce(totals.refused, 0) / nullif(totals.n, 0), 6) AS refused_rate
FROM (
    SELECT
        latency.route,
        date_trunc('hour', latency.window_start_at, 'UTC') AS hour,
        sum(latency.request_count)::bigint AS n,
        sum(latency.request_count) FILTER (WHERE latency.status >= 500 OR latency.status = 429) AS failed,
        sum(latency.request_count) FILTER (WHERE latency.status BETWEEN 400 AND 499 AND latency.status <> 429)
            AS refused,
        sum(latency.sum_us) AS sum_us,
        max(latency.max_us) AS max_us
    FROM {ingest_latency}.ingest_latency AS latency
    GROUP BY latency.route, date_trunc('hour', latency.window_start_at, 'UTC')
) AS totals
LEFT JOIN (
    SELECT
        ranked.route,
        ranked.hour,
        max(bounds.us) FILTER (WHERE wanted.quantile = 0.5) AS p50_us,
        max(bounds.us) FILTER (WHERE wanted.quantile = 0.95) AS p95_us,
        max(bounds.us) FILTER (WHERE wanted.quantile = 0.99) AS p99_us
    FROM (
        SELECT
            bucket.route,
            bucket.hour,
            bucket.le_us,
            bucket.size,
            sum(bucket.size) OVER upwards AS up_to,
            sum(bucket.size) OVER (PARTITION BY bucket.route, bucket.hour) AS total,
            max(bucket.max_us) OVER (PARTITION BY bucket.route, bucket.hour) AS max_us,
            lag(bucket.le_us, 1, 0::bigint) OVER upwards AS previous_le_us
        FROM (
            SELECT
                latency.route,
                date_trunc('hour', latency.window_start_at, 'UTC') AS hour,
                part.le_us,
                sum(part.size) AS size,
                max(latency.max_us) AS max_us
            FROM {ingest_latency}.ingest_latency AS latency
            CROSS JOIN LATERAL unnest(latency.bucket_le_us, latency.bucket_counts) AS part (le_us, size)
            GROUP BY latency.route, date_trunc('hour', latency.window_start_at, 'UTC'), part.le_us
        ) AS bucket
        WINDOW upwards AS (PARTITION BY bucket.route, bucket.hour ORDER BY bucket.le_us)
    ) AS ranked
    CROSS JOIN (VALUES (0.5), (0.95), (0.99)) AS wanted (quantile)
    CROSS JOIN LATERAL (
        SELECT
            least(greatest(ranked.previous_le_us, ranked.le_us / 2 ^ 0.25), ranked.max_us) AS lower_us,
            least(ranked.le_us, ranked.max_us) AS upper_us
    ) AS edge
    CROSS JOIN LATERAL (
        SELECT
            edge.lower_us
            + (edge.upper_us - edge.lower_us)
            * (wanted.quantile * ranked.total - (ranked.up_to - ranked.size)) / ranked.size AS us
    ) AS bounds
    WHERE
        ranked.up_to >= wanted.quantile * ranked.total
        AND ranked.up_to - ranked.size < wanted.quantile * ranked.total
    GROUP BY ranked.route, ranked.hour
) AS quantiles
    ON quantiles.route = totals.route AND quantiles.hour = totals.hour;

COMMENT ON VIEW analytics.webhook_latency_hourly IS 'How long webhook senders waited for the answer, by route and UTC hour, over all processes and statuses. Quantiles come from log-spaced histograms: at most 19 % off.';
COMMENT ON COLUMN analytics.webhook_latency_hourly.route IS 'The route, such as /webhooks/ghl.';
COMMENT ON COLUMN analytics.webhook_latency_hourly.hour IS 'Start of the hour, UTC.';
COMMENT ON COLUMN analytics.webhook_latency_hourly.n IS 'Requests answered.';
COMMENT ON COLUMN analytics.webhook_latency_hourly.p50_ms IS 'Half of the requests were answered within so many milliseconds.';
COMMENT ON COLUMN analytics.webhook_latency_hourly.p95_ms IS '95 % of the requests were answered within so many milliseconds.';
COMMENT ON COLUMN analytics.webhook_latency_hourly.p99_ms IS '99 % of the requests were answered within so many milliseconds.';
COMMENT ON COLUMN analytics.webhook_latency_hourly.mean_ms IS 'Mean response time in milliseconds, exact.';
COMMENT ON COLUMN analytics.webhook_latency_hourly.max_ms IS 'Longest response in milliseconds, exact.';
COMMENT ON COLUMN analytics.webhook_latency_hourly.error_rate IS 'Share of requests we could not serve (5xx, or 429 where the provider only retries that), 0 to 1.';
COMMENT ON COLUMN analytics.webhook_latency_hourly.refused_rate IS 'Share of requests that were the sender''s fault (other 4xx), 0 to 1.';

-- Lag needs the broker's end offsets: the projections app leaves them in ctl.broker_offsets with each heartbeat.
CREATE OR REPLACE VIEW analytics.projection_freshness AS
SELECT
    place.projection,
    broker.topic,
    count(*) AS partition_count,
    sum(greatest(broker.end_offset - coalesce(position.next_offset, broker.start_offset), 0))::bigint AS lag,
    max(position.event_time_max) AS last_event_at,
    min(broker.observed_at) AS observed_at,
    round(extract(epoch FROM now() - min(broker.observed_at)), 1) AS heartbeat_age_seconds,
    (
        SELECT count(*)
        FROM ctl.dead_letters AS letter
        WHERE letter.projection = place.projection AND letter.version = coalesce((SELECT live.version FROM ctl.projection_versions AS live WHERE live.projection = letter.projection AND live.state = 'live'), 1) AND letter.state = 'open'
    ) AS open_dead_letter_count,
    now() - min(broker.observed_at) > interval '60 seconds' AS is_stale
FROM ctl.broker_offsets AS broker
JOIN (
    SELECT DISTINCT known.projection, known.topic
    FROM ctl.projection_offsets AS known
    WHERE known.version = coalesce((SELECT live.version FROM ctl.projection_versions AS live WHERE live.projection = known.projection AND live.state = 'live'), 1)
) AS place
    ON place.topic = broker.topic
LEFT JOIN ctl.projection_offsets AS position
    ON position.projection = place.projection
    AND position.version = coalesce((SELECT live.version FROM ctl.projection_versions AS live WHERE live.projection = position.projection AND live.state = 'live'), 1)
    AND position.topic = broker.topic
    AND position.partition = broker.partition
GROUP BY place.projection, broker.topic;

COMMENT ON VIEW analytics.projection_freshness IS 'How far the rows are behind the log, one row for each projection. Read it before trusting a number about the last minutes.';
COMMENT ON COLUMN analytics.projection_freshness.projection IS 'The projection: leads (also messages), webhook_receipts, ingest_latency, dead_letters, jobs, enrichments or ai_interactions.';
COMMENT ON COLUMN analytics.projection_freshness.topic IS 'The Kafka topic it reads.';
COMMENT ON COLUMN analytics.projection_freshness.partition_count IS 'Partitions it follows.';
COMMENT ON COLUMN analytics.projection_freshness.lag IS 'Records in the log that are not rows yet, as of observed_at.';
COMMENT ON COLUMN analytics.projection_freshness.last_event_at IS 'When the newest projected record was written to the log.';
COMMENT ON COLUMN analytics.projection_freshness.observed_at IS 'When the projections app last compared itself with the broker, for the partition where that is longest ago.';
COMMENT ON COLUMN analytics.projection_freshness.heartbeat_age_seconds IS 'Seconds since observed_at. Above a minute the app is not running, and lag is out of date.';
COMMENT ON COLUMN analytics.projection_freshness.open_dead_letter_count IS 'Records it could not project and set aside.';
COMMENT ON COLUMN analytics.projection_freshness.is_stale IS 'True when heartbeat_age_seconds is above 60: the rows may be older than they look.';

-- The newest message decides, by when it was written: what was processed late overwrites nothing. A machine's message
-- counts only for leads nobody has written for, and a suppression counts whatever is written after it.
CREATE OR REPLACE VIEW analytics.lead_states AS
WITH survivor AS (
    SELECT gone.workspace_id, gone.lead_id, gone.survivor_id
    FROM {leads}.lead_survivors AS gone
),

suppressed AS (
    SELECT
        suppression.workspace_id,
        coalesce(survivor.survivor_id, suppression.lead_id) AS lead_id
    FROM {leads}.lead_suppressions AS suppression
    LEFT JOIN survivor
        ON survivor.workspace_id = suppression.workspace_id AND survivor.lead_id = suppression.lead_id
    GROUP BY suppression.workspace_id, coalesce(survivor.survivor_id, suppression.lead_id)
),

newest AS (
    SELECT DISTINCT ON (state.workspace_id, coalesce(moved.lead_id, survivor.survivor_id, state.lead_id))
        state.workspace_id,
        coalesce(moved.lead_id, survivor.survivor_id, state.lead_id) AS lead_id,
        state.lead_id AS original_lead_id,
        survivor.survivor_id,
        moved.lead_id IS NOT NULL AS is_moved,
        state.status,
        state.label,
        state.message_id,
        state.sent_at,
        state.concluded_at,
        state.receipt_id,
        state.src_topic,
        state.src_partition,
        state.src_offset
    FROM {enrichments}.lead_states AS state
    LEFT JOIN survivor ON survivor.workspace_id = state.workspace_id AND survivor.lead_id = state.lead_id
    LEFT JOIN {leads}.moved_messages AS moved
        ON moved.workspace_id = state.workspace_id AND moved.message_id = state.message_id
    WHERE (
        SELECT (step.src_partition, step.src_offset) = (state.src_partition, state.src_offset)
        FROM {enrichments}.enrichments AS step
        WHERE step.workspace_id = state.workspace_id AND step.job_id = state.job_id AND step.step = 'lead_state'
    )
    ORDER BY
        state.workspace_id,
        coalesce(moved.lead_id, survivor.survivor_id, state.lead_id),
        state.is_automated,
        state.sent_at DESC,
        state.received_at DESC,
        state.message_id DESC
)

SELECT
    state.workspace_id,
    state.lead_id,
    CASE WHEN suppressed.lead_id IS NOT NULL THEN 'blacklisted' ELSE state.status END AS status,
    state.label,
    state.label IN ('Meeting Booked', 'Meeting Requested', 'Call Requested', 'Information Requested', 'Interested')
        AS is_positive,
    suppressed.lead_id IS NOT NULL AS is_suppressed,
    state.message_id,
    state.sent_at AS state_since_at,
    state.concluded_at,
    score.fit,
    score.intent,
    score.overall,
    score.reasoning,
    state.receipt_id,
    state.src_topic,
    state.src_partition,
    state.src_offset
FROM newest AS state
LEFT JOIN suppressed ON suppressed.workspace_id = state.workspace_id AND suppressed.lead_id = state.lead_id
LEFT JOIN LATERAL (
    SELECT newest.fit, newest.intent, newest.overall, newest.reasoning
    FROM (
        SELECT kept.*
        FROM {enrichments}.lead_scores AS kept
        WHERE NOT state.is_moved
            AND kept.workspace_id = state.workspace_id
            AND kept.lead_id IN (state.original_lead_id, state.survivor_id)
            AND NOT EXISTS (
                SELECT FROM {leads}.message_moves AS move
                WHERE move.workspace_id = kept.workspace_id AND move.message_id = kept.message_id
            )
        UNION ALL
        SELECT kept.*
        FROM {enrichments}.lead_scores AS kept
        WHERE state.is_moved AND kept.workspace_id = state.workspace_id AND kept.message_id = state.message_id
    ) AS newest
    ORDER BY newest.sent_at DESC, newest.received_at DESC, newest.message_id DESC
    LIMIT 1
) AS score ON TRUE;

COMMENT ON VIEW analytics.lead_states IS 'One row for each lead that has written: its status, label and score as of its newest message.';
COMMENT ON COLUMN analytics.lead_states.workspace_id IS 'The workspace the lead belongs to.';
COMMENT ON COLUMN analytics.lead_states.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on; after a split, the one that wrote the message. Joins analytics.leads.';
COMMENT ON COLUMN analytics.lead_states.status IS 'new, qualified, meeting-requested, meeting-booked, not-interested or blacklisted (nobody may write to it).';
COMMENT ON COLUMN analytics.lead_states.label IS 'The label of its newest message; of a machine''s message only while no person has written.';
COMMENT ON COLUMN analytics.lead_states.is_positive IS 'True when the label says that the lead wants to go on.';
COMMENT ON COLUMN analytics.lead_states.is_suppressed IS 'True when nobody may write to the lead.';
COMMENT ON COLUMN analytics.lead_states.message_id IS 'The message that decided. Joins analytics.messages.';
COMMENT ON COLUMN analytics.lead_states.state_since_at IS 'When that message was written.';
COMMENT ON COLUMN analytics.lead_states.concluded_at IS 'When that was concluded.';
COMMENT ON COLUMN analytics.lead_states.fit IS 'How well the lead fits, 1 (wrong) to 4 (ideal), by its newest score; null before the first.';
COMMENT ON COLUMN analytics.lead_states.intent IS 'How much it wants, 1 (nothing) to 4 (ready to book).';
COMMENT ON COLUMN analytics.lead_states.overall IS 'Both together, 1 (drop) to 4 (best).';
COMMENT ON COLUMN analytics.lead_states.reasoning IS 'What the score rests on.';
COMMENT ON COLUMN analytics.lead_states.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.lead_states.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.lead_states.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.lead_states.src_offset IS 'Lineage: its offset.';

-- A suppression or a newer message counts for the whole person, whichever of its merged leads it was addressed to. What
-- merged leads bring along is computed for them alone: they are few. So are the messages that a split gave to another
-- lead: they count there, and no longer where they came in.
--
-- Everything is joined to the message from the outside, and whether a step still says so is asked row by row: inner
-- joins over several columns of one meaning are estimated at next to no rows, and then nothing stops a plan that
-- compares each with each.
CREATE OR REPLACE VIEW analytics.conversations AS
WITH survivor AS (
    SELECT gone.workspace_id, gone.lead_id, gone.survivor_id
    FROM {leads}.lead_survivors AS gone
),

merged_suppression AS (
    SELECT
        survivor.workspace_id,
        survivor.survivor_id AS lead_id,
        min(least(suppression.occurred_at, suppression.received_at)) AS suppressed_at
    FROM survivor
    JOIN {leads}.lead_suppressions AS suppression
        ON suppression.workspace_id = survivor.workspace_id AND suppression.lead_id = survivor.lead_id
    GROUP BY survivor.workspace_id, survivor.survivor_id
),

brought_along AS (
    SELECT survivor.workspace_id, survivor.survivor_id AS lead_id, newest.sent_at, newest.received_at, newest.message_id
    FROM survivor
    CROSS JOIN LATERAL (
        SELECT merged.sent_at, merged.received_at, merged.message_id
        FROM {leads}.messages AS merged
        WHERE merged.workspace_id = survivor.workspace_id
            AND merged.lead_id = survivor.lead_id
            AND merged.direction = 'inbound'
            AND NOT merged.is_automated
            AND NOT EXISTS (
                SELECT FROM {leads}.message_moves AS move
                WHERE move.workspace_id = merged.workspace_id AND move.message_id = merged.message_id
            )
        ORDER BY merged.sent_at DESC, merged.received_at DESC, merged.message_id DESC
        LIMIT 1
    ) AS newest
    UNION ALL
    SELECT moved.workspace_id, moved.lead_id, taken.sent_at, taken.received_at, taken.message_id
    FROM {leads}.moved_messages AS moved
    JOIN {leads}.messages AS taken ON taken.workspace_id = moved.workspace_id AND taken.message_id = moved.message_id
    WHERE taken.direction = 'inbound' AND NOT taken.is_automated
),

brought_newest AS (
    SELECT DISTINCT ON (workspace_id, lead_id) workspace_id, lead_id, sent_at, received_at, message_id
    FROM brought_along
    ORDER BY workspace_id, lead_id, sent_at DESC, received_at DESC, message_id DESC
),

scored AS (
    SELECT DISTINCT ON (kept.workspace_id, kept.message_id)
        kept.workspace_id,
        kept.message_id,
        kept.fit,
        kept.intent,
        kept.overall
    FROM {enrichments}.lead_scores AS kept
    ORDER BY kept.workspace_id, kept.message_id, kept.concluded_at DESC
)

SELECT
    message.workspace_id,
    message.message_id,
    message.conversation_id,
    today.lead_id,
    message.channel,
    message.direction,
    message.sent_at,
    (message.sent_at AT TIME ZONE 'UTC')::date AS sent_date,
    message.received_at,
    message.text,
    label.label,
    label.confidence AS label_confidence,
    label.is_opt_out,
    label.is_automated AS is_machine_written,
    label.needs_review,
    label.is_injection_suspected,
    label.contains_phone,
    label.has_proposed_time,
    label.rule AS label_rule,
    label.ai_model AS label_model,
    follow_up.kind AS follow_up_kind,
    follow_up.due_at AS follow_up_due_at,
    follow_up.timezone AS follow_up_timezone,
    follow_up.timezone_evidence AS follow_up_timezone_evidence,
    booking.is_proposed AS is_booking_proposed,
    booking.start_at AS booking_start_at,
    booking.reason AS booking_decline_reason,
    booking.process AS booking_process,
    draft.draft_id,
    CASE
        WHEN draft.draft_id IS NULL THEN NULL
        WHEN draft.body IS NULL THEN 'rejected'
        WHEN suppressed.suppressed_at IS NOT NULL THEN 'cancelled'
        WHEN newer.is_there THEN 'superseded'
        ELSE 'open'
    END AS draft_state,
    draft.body AS draft,
    draft.failed_checks AS draft_failed_checks,
    CASE WHEN given_up.reason IS NULL THEN decision.decision ELSE 'blocked' END AS decision,
    CASE WHEN given_up.reason IS NULL THEN decision.send_at END AS send_at,
    CASE WHEN given_up.reason IS NULL THEN decision.reasons ELSE ARRAY[given_up.reason] END AS decision_reasons,
    decision.confidence AS decision_confidence,
    scored.fit,
    scored.intent,
    scored.overall,
    message.receipt_id,
    message.src_topic,
    message.src_partition,
    message.src_offset,
    CASE
        WHEN follow_up.kind IS NULL THEN NULL
        WHEN suppressed.suppressed_at IS NOT NULL THEN 'cancelled'
        WHEN newer.is_there THEN 'paused'
        ELSE 'open'
    END AS follow_up_state
FROM {leads}.messages AS message
LEFT JOIN {leads}.moved_messages AS moved
    ON moved.workspace_id = message.workspace_id AND moved.message_id = message.message_id
LEFT JOIN {leads}.lead_survivors AS gone
    ON gone.workspace_id = message.workspace_id AND gone.lead_id = message.lead_id
CROSS JOIN LATERAL (SELECT coalesce(moved.lead_id, gone.survivor_id, message.lead_id) AS lead_id) AS today
LEFT JOIN {enrichments}.message_labels AS label
    ON label.workspace_id = message.workspace_id AND label.message_id = message.message_id
LEFT JOIN {enrichments}.follow_ups AS follow_up
    ON follow_up.workspace_id = message.workspace_id
    AND follow_up.message_id = message.message_id
    AND (
        SELECT (step.src_partition, step.src_offset) = (follow_up.src_partition, follow_up.src_offset)
        FROM {enrichments}.enrichments AS step
        WHERE step.workspace_id = follow_up.workspace_id AND step.job_id = follow_up.job_id AND step.step = 'follow_up_timing'
    )
LEFT JOIN {enrichments}.booking_decisions AS booking
    ON booking.workspace_id = message.workspace_id
    AND booking.message_id = message.message_id
    AND (
        SELECT (step.src_partition, step.src_offset) = (booking.src_partition, booking.src_offset)
        FROM {enrichments}.enrichments AS step
        WHERE step.workspace_id = booking.workspace_id AND step.job_id = booking.job_id AND step.step = 'booking_decision'
    )
LEFT JOIN {enrichments}.drafts AS draft
    ON draft.workspace_id = message.workspace_id
    AND draft.message_id = message.message_id
    AND (
        SELECT (step.src_partition, step.src_offset) = (draft.src_partition, draft.src_offset)
        FROM {enrichments}.enrichments AS step
        WHERE step.workspace_id = draft.workspace_id AND step.job_id = draft.job_id AND step.step = 'draft'
    )
LEFT JOIN {enrichments}.reply_decisions AS decision
    ON decision.workspace_id = draft.workspace_id
    AND decision.draft_id = draft.draft_id
    AND (
        SELECT (step.src_partition, step.src_offset) = (decision.src_partition, decision.src_offset)
        FROM {enrichments}.enrichments AS step
        WHERE step.workspace_id = decision.workspace_id AND step.job_id = decision.job_id AND step.step = 'decide_reply'
    )
LEFT JOIN scored ON scored.workspace_id = message.workspace_id AND scored.message_id = message.message_id
LEFT JOIN merged_suppression
    ON merged_suppression.workspace_id = message.workspace_id AND merged_suppression.lead_id = today.lead_id
LEFT JOIN brought_newest
    ON brought_newest.workspace_id = message.workspace_id AND brought_newest.lead_id = today.lead_id
CROSS JOIN LATERAL (
    SELECT
        least(
            (
                SELECT min(least(own.occurred_at, own.received_at))
                FROM {leads}.lead_suppressions AS own
                WHERE own.workspace_id = message.workspace_id AND own.lead_id = today.lead_id
            ),
            merged_suppression.suppressed_at
        ) AS suppressed_at
) AS suppressed
CROSS JOIN LATERAL (
    SELECT
        coalesce(
            (brought_newest.sent_at, brought_newest.received_at, brought_newest.message_id)
            > (message.sent_at, message.received_at, message.message_id),
            FALSE
        )
        OR EXISTS (
            SELECT FROM {leads}.messages AS later
            WHERE later.workspace_id = message.workspace_id
                AND later.lead_id = today.lead_id
                AND later.direction = 'inbound'
                AND NOT later.is_automated
                AND NOT EXISTS (
                    SELECT FROM {leads}.message_moves AS move
                    WHERE move.workspace_id = later.workspace_id AND move.message_id = later.message_id
                )
                AND (later.sent_at, later.received_at, later.message_id)
                    > (message.sent_at, message.received_at, message.message_id)
        ) AS is_there
) AS newer
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN decision.send_at > suppressed.suppressed_at THEN 'suppressed'
            WHEN decision.send_at IS NOT NULL
                AND draft.body IS NOT NULL
                AND suppressed.suppressed_at IS NULL
                AND newer.is_there THEN 'superseded'
        END AS reason
) AS given_up;

COMMENT ON VIEW analytics.conversations IS 'One row for each message in either direction, with what was concluded about it: label, follow-up, booking, draft, decision and score.';
COMMENT ON COLUMN analytics.conversations.workspace_id IS 'The workspace the message belongs to.';
COMMENT ON COLUMN analytics.conversations.message_id IS 'The message. Joins analytics.messages.';
COMMENT ON COLUMN analytics.conversations.conversation_id IS 'The provider''s thread.';
COMMENT ON COLUMN analytics.conversations.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on. Joins analytics.leads.';
COMMENT ON COLUMN analytics.conversations.channel IS 'sms, linkedin or email.';
COMMENT ON COLUMN analytics.conversations.direction IS 'inbound (the lead wrote) or outbound.';
COMMENT ON COLUMN analytics.conversations.sent_at IS 'When it was written or sent, by the provider''s clock.';
COMMENT ON COLUMN analytics.conversations.sent_date IS 'The UTC day of sent_at.';
COMMENT ON COLUMN analytics.conversations.received_at IS 'When its webhook reached Headrace.';
COMMENT ON COLUMN analytics.conversations.text IS 'What its author wrote this time.';
COMMENT ON COLUMN analytics.conversations.label IS 'The message''s label; null for outbound ones and before it is classified.';
COMMENT ON COLUMN analytics.conversations.label_confidence IS '0 to 1; 1 when a rule decided.';
COMMENT ON COLUMN analytics.conversations.is_opt_out IS 'True when the lead asks to end contact.';
COMMENT ON COLUMN analytics.conversations.is_machine_written IS 'True when a machine wrote it.';
COMMENT ON COLUMN analytics.conversations.needs_review IS 'True when a person should look: the label is a guess, or the text tries to steer a model.';
COMMENT ON COLUMN analytics.conversations.is_injection_suspected IS 'True when the text tries to steer a model.';
COMMENT ON COLUMN analytics.conversations.contains_phone IS 'The first phone number in it, E.164.';
COMMENT ON COLUMN analytics.conversations.has_proposed_time IS 'True when it names a day or time for a meeting or call.';
COMMENT ON COLUMN analytics.conversations.label_rule IS 'The deterministic rule that decided the label; null when a model did.';
COMMENT ON COLUMN analytics.conversations.label_model IS 'The model that decided the label; null when a rule did.';
COMMENT ON COLUMN analytics.conversations.follow_up_kind IS 'recontact (the lead named a time) or clarify (it named none and is asked once more); null without a follow-up.';
COMMENT ON COLUMN analytics.conversations.follow_up_due_at IS 'When to write again.';
COMMENT ON COLUMN analytics.conversations.follow_up_timezone IS 'The zone the lead''s times are read in.';
COMMENT ON COLUMN analytics.conversations.follow_up_timezone_evidence IS 'What the zone was read from: text, phone, country or workspace.';
COMMENT ON COLUMN analytics.conversations.is_booking_proposed IS 'True when a slot may be booked without a person, false when not; null when no meeting was asked for.';
COMMENT ON COLUMN analytics.conversations.booking_start_at IS 'That slot.';
COMMENT ON COLUMN analytics.conversations.booking_decline_reason IS 'Why nothing is booked without a person.';
COMMENT ON COLUMN analytics.conversations.booking_process IS 'How the wish to meet is answered: link_and_qualification, offered_slots, lead_proposes_time, callback, lead_calendar or none.';
COMMENT ON COLUMN analytics.conversations.draft_id IS 'The draft of an answer; null when none was called for.';
COMMENT ON COLUMN analytics.conversations.draft_state IS 'open, superseded (the lead wrote again), cancelled (nobody may write to the lead) or rejected (it did not pass the checks).';
COMMENT ON COLUMN analytics.conversations.draft IS 'The drafted answer; null when it was rejected.';
COMMENT ON COLUMN analytics.conversations.draft_failed_checks IS 'The checks that rejected it.';
COMMENT ON COLUMN analytics.conversations.decision IS 'send_at (it may go out by itself), needs_review (a person decides) or blocked; blocked as soon as nobody may write to the lead by the time it was to go out.';
COMMENT ON COLUMN analytics.conversations.send_at IS 'When it may go out; null when it may not.';
COMMENT ON COLUMN analytics.conversations.decision_reasons IS 'Everything that speaks against sending it without a person.';
COMMENT ON COLUMN analytics.conversations.decision_confidence IS 'How sure the evaluator is that sending is right, 0 to 1; null when it was not asked.';
COMMENT ON COLUMN analytics.conversations.fit IS 'The lead''s fit as of this message, 1 to 4.';
COMMENT ON COLUMN analytics.conversations.intent IS 'Its intent, 1 to 4.';
COMMENT ON COLUMN analytics.conversations.overall IS 'Its overall score, 1 to 4.';
COMMENT ON COLUMN analytics.conversations.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.conversations.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.conversations.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.conversations.src_offset IS 'Lineage: its offset.';
COMMENT ON COLUMN analytics.conversations.follow_up_state IS 'open, paused (the lead wrote again) or cancelled (nobody may write to the lead); null without a follow-up, and once it was taken back.';

CREATE OR REPLACE VIEW analytics.ai_interactions AS
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
FROM {ai_interactions}.ai_interactions AS call
LEFT JOIN {leads}.lead_survivors AS survivor
    ON survivor.workspace_id = call.workspace_id AND survivor.lead_id = call.lead_id
LEFT JOIN {leads}.moved_messages AS moved
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

CREATE OR REPLACE VIEW analytics.ai_cost_daily AS
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
FROM {ai_interactions}.ai_interactions AS call
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

-- What a person has to decide, read from the decisions in the order in which they wait: a page of the oldest looks at
-- few rows more than it shows. Whose a draft is and whether it still stands is looked up draft by draft. OFFSET 0 keeps
-- the person's leads from being looked up again for each question about them, and each look in its index.
CREATE OR REPLACE VIEW analytics.drafts_to_review AS
SELECT
    decision.workspace_id,
    decision.draft_id,
    decision.message_id,
    message.conversation_id,
    person.lead_id,
    decision.channel,
    message.provider,
    message.account,
    message.campaign_id,
    lead.first_name,
    lead.last_name,
    lead.company,
    label.label,
    label.confidence AS label_confidence,
    message.sent_at,
    message.received_at,
    message.subject,
    message.text,
    draft.body AS draft,
    decision.concluded_at AS waiting_since_at,
    decision.reasons AS decision_reasons,
    decision.confidence AS decision_confidence,
    decision.threshold,
    decision.response_mode,
    decision.receipt_id,
    decision.src_topic,
    decision.src_partition,
    decision.src_offset
FROM {enrichments}.reply_decisions AS decision
LEFT JOIN {enrichments}.drafts AS draft
    ON draft.workspace_id = decision.workspace_id AND draft.draft_id = decision.draft_id
LEFT JOIN {leads}.messages AS message
    ON message.workspace_id = decision.workspace_id AND message.message_id = draft.message_id
LEFT JOIN {enrichments}.message_labels AS label
    ON label.workspace_id = decision.workspace_id AND label.message_id = draft.message_id
CROSS JOIN LATERAL (
    SELECT
        coalesce(
            (
                SELECT moved.lead_id
                FROM {leads}.moved_messages AS moved
                WHERE moved.workspace_id = message.workspace_id AND moved.message_id = message.message_id
            ),
            (
                SELECT gone.survivor_id
                FROM {leads}.lead_survivors AS gone
                WHERE gone.workspace_id = message.workspace_id AND gone.lead_id = message.lead_id
            ),
            message.lead_id
        ) AS lead_id
    OFFSET 0
) AS today
CROSS JOIN LATERAL (
    SELECT
        today.lead_id,
        ARRAY(
            WITH RECURSIVE part AS (
                SELECT today.lead_id
                UNION
                SELECT younger.lead_id
                FROM part
                CROSS JOIN LATERAL (
                    SELECT merge.lead_id
                    FROM {leads}.lead_merges AS merge
                    WHERE merge.workspace_id = decision.workspace_id AND merge.into_lead_id = part.lead_id
                    OFFSET 0
                ) AS younger
            )

            SELECT part.lead_id FROM part
        ) AS lead_ids
    OFFSET 0
) AS person
LEFT JOIN {leads}.leads AS lead
    ON lead.workspace_id = decision.workspace_id AND lead.lead_id = person.lead_id
WHERE decision.decision = 'needs_review'
    -- Not IS NOT NULL: that would make inner joins of the outer ones, which are estimated at next to no rows.
    AND coalesce(draft.body, '') <> ''
    AND coalesce(message.direction, '') <> ''
    AND (
        SELECT (step.src_partition, step.src_offset) = (decision.src_partition, decision.src_offset)
        FROM {enrichments}.enrichments AS step
        WHERE step.workspace_id = decision.workspace_id AND step.job_id = decision.job_id AND step.step = 'decide_reply'
    )
    AND (
        SELECT (step.src_partition, step.src_offset) = (draft.src_partition, draft.src_offset)
        FROM {enrichments}.enrichments AS step
        WHERE step.workspace_id = draft.workspace_id AND step.job_id = draft.job_id AND step.step = 'draft'
    )
    -- Asked in one, so that each stays a look into an index.
    AND NOT (
        EXISTS (
            SELECT FROM {leads}.lead_suppressions AS suppression
            WHERE suppression.workspace_id = decision.workspace_id AND suppression.lead_id = ANY(person.lead_ids)
        )
        OR EXISTS (
            SELECT FROM {leads}.messages AS later
            WHERE later.workspace_id = decision.workspace_id
                AND later.lead_id = ANY(person.lead_ids)
                AND later.direction = 'inbound'
                AND NOT later.is_automated
                AND (later.sent_at, later.received_at, later.message_id)
                    > (message.sent_at, message.received_at, message.message_id)
                AND NOT EXISTS (
                    SELECT FROM {leads}.message_moves AS move
                    WHERE move.workspace_id = later.workspace_id AND move.message_id = later.message_id
                )
        )
        OR EXISTS (
            SELECT FROM {leads}.message_moves AS move
            JOIN {leads}.messages AS later
                ON later.workspace_id = move.workspace_id AND later.message_id = move.message_id
            WHERE move.workspace_id = decision.workspace_id
                AND move.into_lead_id = ANY(person.lead_ids)
                AND later.direction = 'inbound'
                AND NOT later.is_automated
                AND (later.sent_at, later.received_at, later.message_id)
                    > (message.sent_at, message.received_at, message.message_id)
        )
    );

COMMENT ON VIEW analytics.drafts_to_review IS 'One row for each draft that waits for a person: it may not go out by itself, nothing was written since, and its lead may be written to. Oldest first: ORDER BY waiting_since_at, draft_id.';
COMMENT ON COLUMN analytics.drafts_to_review.workspace_id IS 'The workspace.';
COMMENT ON COLUMN analytics.drafts_to_review.draft_id IS 'The draft. Joins analytics.conversations.';
COMMENT ON COLUMN analytics.drafts_to_review.message_id IS 'The message it answers. Joins analytics.messages.';
COMMENT ON COLUMN analytics.drafts_to_review.conversation_id IS 'The provider''s thread.';
COMMENT ON COLUMN analytics.drafts_to_review.lead_id IS 'The lead, as it is known today. Joins analytics.leads.';
COMMENT ON COLUMN analytics.drafts_to_review.channel IS 'sms, linkedin or email.';
COMMENT ON COLUMN analytics.drafts_to_review.provider IS 'The provider the message came from.';
COMMENT ON COLUMN analytics.drafts_to_review.account IS 'Our mailbox, phone number or account.';
COMMENT ON COLUMN analytics.drafts_to_review.campaign_id IS 'The provider''s campaign; null outside campaigns.';
COMMENT ON COLUMN analytics.drafts_to_review.first_name IS 'The lead''s first name.';
COMMENT ON COLUMN analytics.drafts_to_review.last_name IS 'Its last name.';
COMMENT ON COLUMN analytics.drafts_to_review.company IS 'Its company.';
COMMENT ON COLUMN analytics.drafts_to_review.label IS 'The message''s label.';
COMMENT ON COLUMN analytics.drafts_to_review.label_confidence IS '0 to 1; 1 when a rule decided.';
COMMENT ON COLUMN analytics.drafts_to_review.sent_at IS 'When the message was written, by the provider''s clock.';
COMMENT ON COLUMN analytics.drafts_to_review.received_at IS 'When its webhook reached Headrace.';
COMMENT ON COLUMN analytics.drafts_to_review.subject IS 'Its subject; e-mail only.';
COMMENT ON COLUMN analytics.drafts_to_review.text IS 'What the lead wrote this time.';
COMMENT ON COLUMN analytics.drafts_to_review.draft IS 'The drafted answer.';
COMMENT ON COLUMN analytics.drafts_to_review.waiting_since_at IS 'Since when it waits: when it was decided that a person decides.';
COMMENT ON COLUMN analytics.drafts_to_review.decision_reasons IS 'Everything that speaks against sending it without a person.';
COMMENT ON COLUMN analytics.drafts_to_review.decision_confidence IS 'How sure the evaluator is that sending is right, 0 to 1; null when it was not asked.';
COMMENT ON COLUMN analytics.drafts_to_review.threshold IS 'How sure it would have to be.';
COMMENT ON COLUMN analytics.drafts_to_review.response_mode IS 'AI_AUTO_SEND (drafts may go out by themselves) or SETTER_MANAGED (a person sends each).';
COMMENT ON COLUMN analytics.drafts_to_review.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.drafts_to_review.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.drafts_to_review.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.drafts_to_review.src_offset IS 'Lineage: its offset.';

-- What a lead wrote is known once it was read: by the step that labelled the message, whose rule the suppression names.
-- What a provider tells is known when its webhook comes.
CREATE OR REPLACE VIEW analytics.suppressions AS
SELECT
    suppression.workspace_id,
    suppression.event_id AS suppression_id,
    coalesce(survivor.survivor_id, suppression.lead_id) AS lead_id,
    suppression.lead_id AS original_lead_id,
    suppression.reason,
    CASE
        WHEN suppression.provider = 'headrace' THEN 'split'
        WHEN heard.message_id IS NOT NULL THEN 'message'
        ELSE 'provider'
    END AS cause,
    suppression.provider,
    suppression.provider_event,
    suppression.detail,
    heard.message_id,
    heard.job_id,
    suppression.occurred_at,
    (suppression.occurred_at AT TIME ZONE 'UTC')::date AS occurred_date,
    suppression.received_at,
    coalesce(heard.concluded_at, suppression.received_at) AS known_at,
    round(extract(epoch FROM coalesce(heard.concluded_at, suppression.received_at) - suppression.occurred_at), 3)
        AS delay_seconds,
    suppression.receipt_id,
    suppression.src_topic,
    suppression.src_partition,
    suppression.src_offset
FROM {leads}.lead_suppressions AS suppression
LEFT JOIN {leads}.lead_survivors AS survivor
    ON survivor.workspace_id = suppression.workspace_id AND survivor.lead_id = suppression.lead_id
LEFT JOIN LATERAL (
    SELECT message.message_id, label.job_id, label.concluded_at
    FROM {leads}.messages AS message
    LEFT JOIN {enrichments}.message_labels AS label
        ON label.workspace_id = message.workspace_id AND label.message_id = message.message_id
    WHERE message.receipt_id = suppression.receipt_id
        AND message.workspace_id = suppression.workspace_id
        AND message.direction = 'inbound'
        AND coalesce(suppression.detail IN (label.rule, 'model/opt-out'), FALSE)
    ORDER BY message.message_id
    LIMIT 1
) AS heard ON TRUE;

COMMENT ON VIEW analytics.suppressions IS 'One row for each reason not to write to a lead any more: what happened, when it was known, and from what. A lead may have several; the earliest is the one in analytics.leads.';
COMMENT ON COLUMN analytics.suppressions.workspace_id IS 'The workspace.';
COMMENT ON COLUMN analytics.suppressions.suppression_id IS 'The suppression''s id.';
COMMENT ON COLUMN analytics.suppressions.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on. Joins analytics.leads.';
COMMENT ON COLUMN analytics.suppressions.original_lead_id IS 'The lead it was about at first.';
COMMENT ON COLUMN analytics.suppressions.reason IS 'unsubscribed, bounced, blacklisted or wrong_person.';
COMMENT ON COLUMN analytics.suppressions.cause IS 'message (the lead wrote it), provider (a provider''s webhook says so) or split (taken over from the lead it was split from).';
COMMENT ON COLUMN analytics.suppressions.provider IS 'The provider whose webhook it rests on; headrace for a split.';
COMMENT ON COLUMN analytics.suppressions.provider_event IS 'The provider''s own name of that event.';
COMMENT ON COLUMN analytics.suppressions.detail IS 'The rule that heard it, for what the lead wrote; else the provider''s words, where it has any.';
COMMENT ON COLUMN analytics.suppressions.message_id IS 'The message that said it; null when a provider or a split did. Joins analytics.messages.';
COMMENT ON COLUMN analytics.suppressions.job_id IS 'The job that read that message. Joins analytics.jobs.';
COMMENT ON COLUMN analytics.suppressions.occurred_at IS 'When it happened, by the provider''s clock: no draft or follow-up after it stands.';
COMMENT ON COLUMN analytics.suppressions.occurred_date IS 'The UTC day of occurred_at.';
COMMENT ON COLUMN analytics.suppressions.received_at IS 'When its webhook reached Headrace.';
COMMENT ON COLUMN analytics.suppressions.known_at IS 'When Headrace knew: received_at, or when the lead''s message had been read. A message that was decided again counts by its newest reading.';
COMMENT ON COLUMN analytics.suppressions.delay_seconds IS 'Seconds from occurred_at to known_at. Two clocks: a negative value says that they differ.';
COMMENT ON COLUMN analytics.suppressions.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.suppressions.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.suppressions.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.suppressions.src_offset IS 'Lineage: its offset.';

CREATE OR REPLACE VIEW analytics.signals AS
SELECT
    signal.workspace_id,
    signal.event_id AS signal_id,
    coalesce(survivor.survivor_id, signal.lead_id) AS lead_id,
    signal.lead_id AS original_lead_id,
    signal.signal,
    signal.provider,
    signal.provider_event,
    signal.detail,
    signal.message_id,
    signal.occurred_at,
    (signal.occurred_at AT TIME ZONE 'UTC')::date AS occurred_date,
    signal.received_at,
    signal.receipt_id,
    signal.src_topic,
    signal.src_partition,
    signal.src_offset
FROM {leads}.lead_signals AS signal
LEFT JOIN {leads}.lead_survivors AS survivor
    ON survivor.workspace_id = signal.workspace_id AND survivor.lead_id = signal.lead_id;

COMMENT ON VIEW analytics.signals IS 'One row for each thing a provider reported about a lead beside messages: meetings, its own labels, accepted connections, clicks.';
COMMENT ON COLUMN analytics.signals.workspace_id IS 'The workspace.';
COMMENT ON COLUMN analytics.signals.signal_id IS 'The report''s id.';
COMMENT ON COLUMN analytics.signals.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on. Joins analytics.leads.';
COMMENT ON COLUMN analytics.signals.original_lead_id IS 'The lead it was about at first.';
COMMENT ON COLUMN analytics.signals.signal IS 'What was reported, such as meeting_booked, meeting_completed, interested or out_of_office: analytics.value_meanings has all.';
COMMENT ON COLUMN analytics.signals.provider IS 'Who reported it.';
COMMENT ON COLUMN analytics.signals.provider_event IS 'The provider''s own name of the event.';
COMMENT ON COLUMN analytics.signals.detail IS 'The provider''s words, where it has any, such as the name of a label of its users.';
COMMENT ON COLUMN analytics.signals.message_id IS 'The message it is about; null when it names none. Joins analytics.messages.';
COMMENT ON COLUMN analytics.signals.occurred_at IS 'When it happened, by the provider''s clock.';
COMMENT ON COLUMN analytics.signals.occurred_date IS 'The UTC day of occurred_at.';
COMMENT ON COLUMN analytics.signals.received_at IS 'When its webhook reached Headrace.';
COMMENT ON COLUMN analytics.signals.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.signals.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.signals.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.signals.src_offset IS 'Lineage: its offset.';

CREATE OR REPLACE VIEW analytics.value_meanings AS
SELECT meaning.view_name, meaning.column_name, meaning.value, meaning.meaning
FROM ctl.value_meanings AS meaning;

COMMENT ON VIEW analytics.value_meanings IS 'What each value means, for every column that has one of few.';
COMMENT ON COLUMN analytics.value_meanings.view_name IS 'The view, without the schema.';
COMMENT ON COLUMN analytics.value_meanings.column_name IS 'The column.';
COMMENT ON COLUMN analytics.value_meanings.value IS 'The value.';
COMMENT ON COLUMN analytics.value_meanings.meaning IS 'What it means.';
