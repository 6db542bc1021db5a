-- The views as they were.
DROP VIEW analytics.value_meanings, analytics.signals, analytics.suppressions, analytics.drafts_to_review;

DROP TABLE ctl.value_meanings;

-- What merged leads bring along is computed for them alone, and so are the times of leads that were split, out of their
-- messages: they are few, and the others stay index look-ups.
CREATE OR REPLACE VIEW analytics.leads AS
WITH merged AS (
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
    FROM {leads}.lead_survivors AS survivor
    LEFT JOIN {leads}.lead_activity AS activity
        ON activity.workspace_id = survivor.workspace_id AND activity.lead_id = survivor.lead_id
    WHERE survivor.survivor_id <> survivor.lead_id
    GROUP BY survivor.workspace_id, survivor.survivor_id
),

merged_suppression AS (
    SELECT DISTINCT ON (survivor.workspace_id, survivor.survivor_id)
        survivor.workspace_id,
        survivor.survivor_id AS lead_id,
        suppression.reason,
        suppression.occurred_at,
        suppression.event_id
    FROM {leads}.lead_survivors AS survivor
    JOIN {leads}.lead_suppressions AS suppression
        ON suppression.workspace_id = survivor.workspace_id AND suppression.lead_id = survivor.lead_id
    WHERE survivor.survivor_id <> survivor.lead_id
    ORDER BY
        survivor.workspace_id,
        survivor.survivor_id,
        suppression.occurred_at,
        suppression.event_id
),

split_lead AS (
    SELECT workspace_id, lead_id FROM {leads}.lead_splits
    UNION
    SELECT workspace_id, new_lead_id FROM {leads}.lead_splits
),

split_rollup AS (
    SELECT
        survivor.workspace_id,
        survivor.lead_id,
        min(message.sent_at) AS first_message_at,
        max(message.sent_at) AS last_message_at,
        min(message.sent_at) FILTER (WHERE message.direction = 'inbound') AS first_inbound_at,
        max(message.sent_at) FILTER (WHERE message.direction = 'inbound') AS last_inbound_at,
        min(message.sent_at) FILTER (WHERE message.direction = 'outbound') AS first_outbound_at,
        max(message.sent_at) FILTER (WHERE message.direction = 'outbound') AS last_outbound_at
    FROM (
        SELECT DISTINCT split_lead.workspace_id, coalesce(gone.survivor_id, split_lead.lead_id) AS lead_id
        FROM split_lead
        LEFT JOIN {leads}.lead_survivors AS gone
            ON gone.workspace_id = split_lead.workspace_id AND gone.lead_id = split_lead.lead_id
    ) AS survivor
    LEFT JOIN analytics.messages AS message
        ON message.workspace_id = survivor.workspace_id AND message.lead_id = survivor.lead_id
    GROUP BY survivor.workspace_id, survivor.lead_id
)

SELECT
    lead.workspace_id,
    lead.lead_id,
    CASE
        WHEN suppression.occurred_at IS NOT NULL THEN 'suppressed'
        WHEN rollup.last_inbound_at IS NOT NULL THEN 'replied'
        WHEN rollup.last_outbound_at IS NOT NULL THEN 'contacted'
        ELSE 'new'
    END AS status,
    suppression.occurred_at IS NOT NULL AS is_suppressed,
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
LEFT JOIN merged_suppression
    ON merged_suppression.workspace_id = lead.workspace_id AND merged_suppression.lead_id = lead.lead_id
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
LEFT JOIN LATERAL (
    SELECT any_of.reason, any_of.occurred_at
    FROM (
        (
            SELECT own.reason, own.occurred_at, own.event_id
            FROM {leads}.lead_suppressions AS own
            WHERE own.workspace_id = lead.workspace_id AND own.lead_id = lead.lead_id
            ORDER BY own.occurred_at, own.event_id
            LIMIT 1
        )
        UNION ALL
        SELECT merged_suppression.reason, merged_suppression.occurred_at, merged_suppression.event_id
        WHERE merged_suppression.occurred_at IS NOT NULL
    ) AS any_of
    ORDER BY any_of.occurred_at, any_of.event_id
    LIMIT 1
) AS suppression ON true
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
-- bound of its own worth the name: the hour's longest response caps it.
CREATE OR REPLACE VIEW analytics.webhook_latency_hourly AS
WITH windows AS (
    SELECT latency.*, date_trunc('hour', latency.window_start_at, 'UTC') AS hour
    FROM {ingest_latency}.ingest_latency AS latency
),

totals AS (
    SELECT
        windows.route,
        windows.hour,
        sum(windows.request_count)::bigint AS n,
        sum(windows.request_count) FILTER (WHERE windows.status >= 500 OR windows.status = 429) AS failed,
        sum(windows.request_count) FILTER (WHERE windows.status BETWEEN 400 AND 499 AND windows.status <> 429)
            AS refused,
        sum(windows.sum_us) AS sum_us,
        max(windows.max_us) AS max_us
    FROM windows
    GROUP BY windows.route, windows.hour
),

buckets AS (
    SELECT windows.route, windows.hour, bucket.le_us, sum(bucket.size) AS size
    FROM windows
    CROSS JOIN LATERAL unnest(windows.bucket_le_us, windows.bucket_counts) AS bucket (le_us, size)
    GROUP BY windows.route, windows.hour, bucket.le_us
),

ranked AS (
    SELECT
        buckets.route,
        buckets.hour,
        buckets.le_us,
        buckets.size,
        sum(buckets.size) OVER upwards AS up_to,
        sum(buckets.size) OVER (PARTITION BY buckets.route, buckets.hour) AS total,
        lag(buckets.le_us, 1, 0::bigint) OVER upwards AS previous_le_us
    FROM buckets
    WINDOW upwards AS (PARTITION BY buckets.route, buckets.hour ORDER BY buckets.le_us)
),

quantiles AS (
    SELECT
        ranked.route,
        ranked.hour,
        wanted.quantile,
        bounds.lower_us
        + (bounds.upper_us - bounds.lower_us)
        * (wanted.quantile * ranked.total - (ranked.up_to - ranked.size)) / ranked.size AS us
    FROM ranked
    JOIN totals ON totals.route = ranked.route AND totals.hour = ranked.hour
    CROSS JOIN (VALUES (0.5), (0.95), (0.99)) AS wanted (quantile)
    CROSS JOIN LATERAL (
        SELECT
            least(greatest(ranked.previous_le_us, ranked.le_us / 2 ^ 0.25), totals.max_us) AS lower_us,
            least(ranked.le_us, totals.max_us) AS upper_us
    ) AS bounds
    WHERE
        ranked.up_to >= wanted.quantile * ranked.total
        AND ranked.up_to - ranked.size < wanted.quantile * ranked.total
)

SELECT
    totals.route,
    totals.hour,
    totals.n,
    round(max(quantiles.us) FILTER (WHERE quantiles.quantile = 0.5)::numeric / 1000, 3) AS p50_ms,
    round(max(quantiles.us) FILTER (WHERE quantiles.quantile = 0.95)::numeric / 1000, 3) AS p95_ms,
    round(max(quantiles.us) FILTER (WHERE quantiles.quantile = 0.99)::numeric / 1000, 3) AS p99_ms,
    round(totals.sum_us / nullif(totals.n, 0) / 1000, 3) AS mean_ms,
    round(totals.max_us::numeric / 1000, 3) AS max_ms,
    round(coalesce(totals.failed, 0) / nullif(totals.n, 0), 6) AS error_rate,
    round(coalesce(totals.refused, 0) / nullif(totals.n, 0), 6) AS refused_rate
FROM totals
LEFT JOIN quantiles ON quantiles.route = totals.route AND quantiles.hour = totals.hour
GROUP BY
    totals.route,
    totals.hour,
    totals.n,
    totals.failed,
    totals.refused,
    totals.sum_us,
    totals.max_us;

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
COMMENT ON COLUMN analytics.projection_freshness.projection IS 'The projection: leads (also messages), webhook_receipts, ingest_latency or dead_letters.';
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
SELECT DISTINCT ON (state.workspace_id, coalesce(moved.lead_id, survivor.survivor_id, state.lead_id))
    state.workspace_id,
    coalesce(moved.lead_id, survivor.survivor_id, state.lead_id) AS lead_id,
    CASE WHEN suppression.occurred_at IS NOT NULL THEN 'blacklisted' ELSE state.status END AS status,
    state.label,
    state.label IN ('Meeting Booked', 'Meeting Requested', 'Call Requested', 'Information Requested', 'Interested')
        AS is_positive,
    suppression.occurred_at IS NOT NULL AS is_suppressed,
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
FROM {enrichments}.lead_states AS state
JOIN {enrichments}.enrichments AS step
    ON step.workspace_id = state.workspace_id
    AND step.job_id = state.job_id
    AND step.step = 'lead_state'
    AND step.src_partition = state.src_partition
    AND step.src_offset = state.src_offset
LEFT JOIN {leads}.lead_survivors AS survivor
    ON survivor.workspace_id = state.workspace_id AND survivor.lead_id = state.lead_id
LEFT JOIN {leads}.moved_messages AS moved
    ON moved.workspace_id = state.workspace_id AND moved.message_id = state.message_id
LEFT JOIN LATERAL (
    SELECT min(found.occurred_at) AS occurred_at
    FROM {leads}.lead_suppressions AS found
    WHERE found.workspace_id = state.workspace_id
        AND found.lead_id IN (
            SELECT coalesce(moved.lead_id, state.lead_id)
            UNION ALL
            SELECT coalesce(moved.lead_id, survivor.survivor_id)
            UNION ALL
            SELECT other.lead_id
            FROM {leads}.lead_survivors AS other
            WHERE other.workspace_id = state.workspace_id
                AND other.survivor_id = coalesce(moved.lead_id, survivor.survivor_id, state.lead_id)
        )
) AS suppression ON TRUE
LEFT JOIN LATERAL (
    SELECT newest.fit, newest.intent, newest.overall, newest.reasoning
    FROM {enrichments}.lead_scores AS newest
    WHERE newest.workspace_id = state.workspace_id
        AND CASE
            WHEN moved.lead_id IS NULL THEN
                newest.lead_id IN (state.lead_id, survivor.survivor_id)
                AND NOT EXISTS (
                    SELECT FROM {leads}.message_moves AS move
                    WHERE move.workspace_id = newest.workspace_id AND move.message_id = newest.message_id
                )
            ELSE newest.message_id = state.message_id
        END
    ORDER BY newest.sent_at DESC, newest.received_at DESC, newest.message_id DESC
    LIMIT 1
) AS score ON TRUE
ORDER BY
    state.workspace_id,
    coalesce(moved.lead_id, survivor.survivor_id, state.lead_id),
    state.is_automated,
    state.sent_at DESC,
    state.received_at DESC,
    state.message_id DESC;

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
-- merged leads bring along is computed for them alone: they are few, and the others stay index look-ups. So are the
-- messages that a split gave to another lead: they count there, and no longer where they came in.
CREATE OR REPLACE VIEW analytics.conversations AS
WITH merged_suppression AS (
    SELECT
        survivor.workspace_id,
        survivor.survivor_id AS lead_id,
        min(least(suppression.occurred_at, suppression.received_at)) AS suppressed_at
    FROM {leads}.lead_survivors AS survivor
    JOIN {leads}.lead_suppressions AS suppression
        ON suppression.workspace_id = survivor.workspace_id AND suppression.lead_id = survivor.lead_id
    GROUP BY survivor.workspace_id, survivor.survivor_id
),

brought_along AS (
    SELECT survivor.workspace_id, survivor.survivor_id AS lead_id, merged.sent_at, merged.received_at, merged.message_id
    FROM {leads}.lead_survivors AS survivor
    JOIN {leads}.messages AS merged
        ON merged.workspace_id = survivor.workspace_id AND merged.lead_id = survivor.lead_id
    WHERE merged.direction = 'inbound' AND NOT merged.is_automated
        AND NOT EXISTS (
            SELECT FROM {leads}.message_moves AS move
            WHERE move.workspace_id = merged.workspace_id AND move.message_id = merged.message_id
        )
    UNION ALL
    SELECT elsewhere.workspace_id, elsewhere.lead_id, taken.sent_at, taken.received_at, taken.message_id
    FROM {leads}.moved_messages AS elsewhere
    JOIN {leads}.messages AS taken
        ON taken.workspace_id = elsewhere.workspace_id AND taken.message_id = elsewhere.message_id
    WHERE taken.direction = 'inbound' AND NOT taken.is_automated
),

merged_newest AS (
    SELECT DISTINCT ON (workspace_id, lead_id) workspace_id, lead_id, sent_at, received_at, message_id
    FROM brought_along
    ORDER BY workspace_id, lead_id, sent_at DESC, received_at DESC, message_id DESC
)

SELECT
    message.workspace_id,
    message.message_id,
    message.conversation_id,
    message.lead_id,
    message.channel,
    message.direction,
    message.sent_at,
    message.sent_date,
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
        WHEN person.suppressed_at IS NOT NULL THEN 'cancelled'
        WHEN newer.is_there THEN 'superseded'
        ELSE 'open'
    END AS draft_state,
    draft.body AS draft,
    draft.failed_checks AS draft_failed_checks,
    CASE WHEN decision.send_at > person.suppressed_at THEN 'blocked' ELSE decision.decision END AS decision,
    CASE WHEN decision.send_at > person.suppressed_at THEN NULL ELSE decision.send_at END AS send_at,
    CASE WHEN decision.send_at > person.suppressed_at THEN ARRAY['suppressed'] ELSE decision.reasons END AS decision_reasons,
    decision.confidence AS decision_confidence,
    score.fit,
    score.intent,
    score.overall,
    message.receipt_id,
    message.src_topic,
    message.src_partition,
    message.src_offset,
    CASE
        WHEN follow_up.kind IS NULL THEN NULL
        WHEN person.suppressed_at IS NOT NULL THEN 'cancelled'
        WHEN newer.is_there THEN 'paused'
        ELSE 'open'
    END AS follow_up_state
FROM analytics.messages AS message
LEFT JOIN {enrichments}.message_labels AS label
    ON label.workspace_id = message.workspace_id AND label.message_id = message.message_id
LEFT JOIN LATERAL (
    SELECT kept.*
    FROM {enrichments}.follow_ups AS kept
    JOIN {enrichments}.enrichments AS step
        ON step.workspace_id = kept.workspace_id AND step.job_id = kept.job_id AND step.step = 'follow_up_timing'
        AND step.src_partition = kept.src_partition AND step.src_offset = kept.src_offset
    WHERE kept.workspace_id = message.workspace_id AND kept.message_id = message.message_id
) AS follow_up ON TRUE
LEFT JOIN LATERAL (
    SELECT kept.*
    FROM {enrichments}.booking_decisions AS kept
    JOIN {enrichments}.enrichments AS step
        ON step.workspace_id = kept.workspace_id AND step.job_id = kept.job_id AND step.step = 'booking_decision'
        AND step.src_partition = kept.src_partition AND step.src_offset = kept.src_offset
    WHERE kept.workspace_id = message.workspace_id AND kept.message_id = message.message_id
) AS booking ON TRUE
LEFT JOIN LATERAL (
    SELECT kept.*
    FROM {enrichments}.drafts AS kept
    JOIN {enrichments}.enrichments AS step
        ON step.workspace_id = kept.workspace_id AND step.job_id = kept.job_id AND step.step = 'draft'
        AND step.src_partition = kept.src_partition AND step.src_offset = kept.src_offset
    WHERE kept.workspace_id = message.workspace_id AND kept.message_id = message.message_id
) AS draft ON TRUE
LEFT JOIN LATERAL (
    SELECT kept.*
    FROM {enrichments}.reply_decisions AS kept
    JOIN {enrichments}.enrichments AS step
        ON step.workspace_id = kept.workspace_id AND step.job_id = kept.job_id AND step.step = 'decide_reply'
        AND step.src_partition = kept.src_partition AND step.src_offset = kept.src_offset
    WHERE kept.workspace_id = draft.workspace_id AND kept.draft_id = draft.draft_id
) AS decision ON TRUE
LEFT JOIN LATERAL (
    SELECT kept.fit, kept.intent, kept.overall
    FROM {enrichments}.lead_scores AS kept
    WHERE kept.workspace_id = message.workspace_id AND kept.message_id = message.message_id
    ORDER BY kept.concluded_at DESC
    LIMIT 1
) AS score ON TRUE
LEFT JOIN merged_suppression
    ON merged_suppression.workspace_id = message.workspace_id AND merged_suppression.lead_id = message.lead_id
LEFT JOIN merged_newest
    ON merged_newest.workspace_id = message.workspace_id AND merged_newest.lead_id = message.lead_id
CROSS JOIN LATERAL (
    SELECT least(min(least(own.occurred_at, own.received_at)), merged_suppression.suppressed_at) AS suppressed_at
    FROM {leads}.lead_suppressions AS own
    WHERE own.workspace_id = message.workspace_id
        AND own.lead_id = message.lead_id
        AND (draft.draft_id IS NOT NULL OR follow_up.kind IS NOT NULL)
) AS person
CROSS JOIN LATERAL (
    SELECT
        coalesce(
            (merged_newest.sent_at, merged_newest.received_at, merged_newest.message_id)
            > (message.sent_at, message.received_at, message.message_id),
            FALSE
        )
        OR EXISTS (
            SELECT FROM {leads}.messages AS later
            WHERE later.workspace_id = message.workspace_id
                AND later.lead_id = message.lead_id
                AND later.direction = 'inbound'
                AND NOT later.is_automated
                AND NOT EXISTS (
                    SELECT FROM {leads}.message_moves AS move
                    WHERE move.workspace_id = later.workspace_id AND move.message_id = later.message_id
                )
                AND (later.sent_at, later.received_at, later.message_id)
                    > (message.sent_at, message.received_at, message.message_id)
                AND (draft.draft_id IS NOT NULL OR follow_up.kind IS NOT NULL)
        ) AS is_there
) AS newer;

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
    sum(call.cost_micro_usd) / 1000000.0 AS cost_usd,
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
