-- What became of each webhook, what could not be processed, and how far the rows are.

CREATE VIEW analytics.webhook_receipts AS
SELECT
    receipt.workspace_id,
    receipt.receipt_id,
    receipt.provider,
    receipt.provider_event,
    receipt.verdict,
    receipt.verdict = 'duplicate' AS is_duplicate,
    receipt.reason,
    receipt.received_at,
    (receipt.received_at AT TIME ZONE 'UTC')::date AS received_date,
    receipt.dedupe_key,
    receipt.first_receipt_id,
    receipt.occurrence,
    receipt.body_bytes,
    receipt.message_ids,
    receipt.fact_count,
    receipt.source_topic,
    receipt.source_partition,
    receipt.source_offset,
    receipt.src_topic,
    receipt.src_partition,
    receipt.src_offset,
    receipt.route,
    -- The only webhook that is kept and refused nevertheless.
    CASE WHEN receipt.verdict = 'quarantined' AND receipt.reason = 'unreadable body' THEN 400 ELSE 200 END AS status_code,
    receipt.stored_at AS acked_at,
    (extract(epoch FROM receipt.stored_at - receipt.received_at) * 1000000)::bigint AS latency_us
FROM proj_v1.webhook_receipts AS receipt;

COMMENT ON VIEW analytics.webhook_receipts IS 'One row for each webhook that was accepted, with what became of it.';
COMMENT ON COLUMN analytics.webhook_receipts.workspace_id IS 'The workspace the webhook belongs to; empty when it is quarantined and nobody knows.';
COMMENT ON COLUMN analytics.webhook_receipts.receipt_id IS 'The id the sender got in the answer.';
COMMENT ON COLUMN analytics.webhook_receipts.provider IS 'ghl, unipile, smartlead, instantly or emailbison.';
COMMENT ON COLUMN analytics.webhook_receipts.provider_event IS 'The provider''s own name of the event; empty when it could not be read.';
COMMENT ON COLUMN analytics.webhook_receipts.verdict IS 'fresh (new, processed), duplicate (the provider repeated itself), ignored (nothing to do), malformed (unreadable) or quarantined (unknown workspace).';
COMMENT ON COLUMN analytics.webhook_receipts.is_duplicate IS 'True when the verdict is duplicate.';
COMMENT ON COLUMN analytics.webhook_receipts.reason IS 'Why, in a word or two, when it is neither fresh nor duplicate.';
COMMENT ON COLUMN analytics.webhook_receipts.received_at IS 'When it reached Headrace, by the gateway''s clock.';
COMMENT ON COLUMN analytics.webhook_receipts.received_date IS 'The UTC day of received_at.';
COMMENT ON COLUMN analytics.webhook_receipts.dedupe_key IS 'What makes two webhooks the same.';
COMMENT ON COLUMN analytics.webhook_receipts.first_receipt_id IS 'For a duplicate: the webhook it repeats.';
COMMENT ON COLUMN analytics.webhook_receipts.occurrence IS '1, and counted up where the same thing truly happened again.';
COMMENT ON COLUMN analytics.webhook_receipts.body_bytes IS 'Size of the body in bytes.';
COMMENT ON COLUMN analytics.webhook_receipts.message_ids IS 'The messages it produced. Each is in analytics.messages.';
COMMENT ON COLUMN analytics.webhook_receipts.fact_count IS 'Facts it produced: messages, suppressions and signals.';
COMMENT ON COLUMN analytics.webhook_receipts.source_topic IS 'Where the body lies byte for byte: the Kafka topic.';
COMMENT ON COLUMN analytics.webhook_receipts.source_partition IS 'Where the body lies: the partition.';
COMMENT ON COLUMN analytics.webhook_receipts.source_offset IS 'Where the body lies: the offset.';
COMMENT ON COLUMN analytics.webhook_receipts.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.webhook_receipts.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.webhook_receipts.src_offset IS 'Lineage: its offset.';
COMMENT ON COLUMN analytics.webhook_receipts.route IS 'The path it was posted to; null or empty for webhooks of a release that did not note it.';
COMMENT ON COLUMN analytics.webhook_receipts.status_code IS 'The answer''s HTTP status: 200, or 400 for a body that could not be read and is kept in quarantine.';
COMMENT ON COLUMN analytics.webhook_receipts.acked_at IS 'When Kafka had it, by the broker''s clock, to the millisecond: what the answer waited for.';
COMMENT ON COLUMN analytics.webhook_receipts.latency_us IS 'Microseconds from received_at to acked_at. Two clocks: a negative value says that they differ. Whole response times are in analytics.webhook_latency_hourly.';

-- Histograms of all processes, windows and statuses are added up bucket by bucket; a quantile is interpolated
-- within the bucket it falls into. Empty buckets are left out of the events, so a bucket's lower bound is the bound
-- before it, or 2^(1/4) below its own where that is nearer: buckets are no wider than that. The last one has no
-- bound of its own worth the name: the hour's longest response caps it.
CREATE VIEW analytics.webhook_latency_hourly AS
WITH windows AS (
    SELECT latency.*, date_trunc('hour', latency.window_start_at, 'UTC') AS hour
    FROM proj_v1.ingest_latency AS latency
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

-- A letter that was sent again and failed again is the same letter: its later records are not told of twice. A job's
-- letter is that of its newest life.
CREATE VIEW analytics.dead_letters AS
WITH letter AS (
    SELECT
        failed.*,
        concat_ws(':', failed.origin_topic, failed.origin_partition, failed.origin_offset, failed.stage) AS letter_id
    FROM proj_v1.dead_letters AS failed
)

SELECT
    letter.stage,
    letter.origin_topic,
    letter.origin_partition,
    letter.origin_offset,
    coalesce(letter.workspace_id, job.workspace_id) AS workspace_id,
    letter.receipt_id,
    coalesce(again.error_class, letter.error_class) AS error_class,
    coalesce(again.reason, letter.reason) AS reason,
    letter.attempts + coalesce(again.failures, 0)::integer AS attempts,
    letter.first_failed_at,
    coalesce(again.happened_at, letter.last_failed_at) AS last_failed_at,
    letter.letter_id,
    CASE
        WHEN later.outcome = 'succeeded' THEN 'fixed'
        WHEN later.outcome = 'cancelled' THEN 'discarded'
        WHEN later.outcome = 'died' THEN 'failed again'
        WHEN later.generation IS NOT NULL THEN 'redriven'
        WHEN newest.event = 'failed' THEN 'failed again'
        WHEN newest.event IS NOT NULL THEN newest.event
        WHEN job.generation > 1 THEN 'failed again'
        ELSE 'open'
    END AS state,
    coalesce(newest.generation, 0) AS generation,
    coalesce(later.ended_at, later.requested_at, newest.happened_at) AS changed_at,
    CASE
        WHEN later.generation IS NOT NULL THEN later.requested_by
        WHEN newest.event = 'discarded' THEN newest.changed_by
        ELSE redriven.changed_by
    END AS changed_by,
    CASE WHEN newest.event = 'discarded' THEN newest.run_id ELSE redriven.run_id END AS run_id,
    CASE WHEN newest.event = 'discarded' THEN newest.reason END AS discard_reason,
    job.job_id,
    letter.src_topic,
    letter.src_partition,
    letter.src_offset
FROM letter
LEFT JOIN proj_v1.jobs AS job
    ON letter.stage = 'execute'
    AND job.src_topic = letter.origin_topic
    AND job.src_partition = letter.origin_partition
    AND job.src_offset = letter.origin_offset
LEFT JOIN LATERAL (
    SELECT life.generation, life.requested_at, life.requested_by, life.src_topic, life.src_partition, life.src_offset,
        finish.outcome, finish.ended_at
    FROM proj_v1.jobs AS life
    LEFT JOIN proj_v1.job_ends AS finish
        ON finish.workspace_id = life.workspace_id
        AND finish.job_id = life.job_id
        AND finish.generation = life.generation
    WHERE life.workspace_id = job.workspace_id AND life.job_id = job.job_id AND life.generation > job.generation
    ORDER BY life.generation DESC, finish.first_offset
    LIMIT 1
) AS later ON TRUE
LEFT JOIN LATERAL (
    SELECT event.event, event.generation, event.happened_at, event.changed_by, event.run_id, event.reason
    FROM proj_v1.dead_letter_events AS event
    WHERE event.letter_id = letter.letter_id
    ORDER BY
        event.generation DESC,
        array_position(ARRAY['redriven', 'failed', 'fixed', 'discarded'], event.event) DESC,
        event.happened_at DESC,
        event.event_id
    LIMIT 1
) AS newest ON TRUE
LEFT JOIN LATERAL (
    SELECT event.changed_by, event.run_id
    FROM proj_v1.dead_letter_events AS event
    WHERE event.letter_id = letter.letter_id AND event.event = 'redriven'
    ORDER BY event.generation DESC, event.happened_at DESC, event.event_id
    LIMIT 1
) AS redriven ON TRUE
LEFT JOIN LATERAL (
    SELECT event.error_class, event.reason, event.happened_at, count(*) OVER () AS failures
    FROM proj_v1.dead_letter_events AS event
    WHERE event.letter_id = letter.letter_id AND event.event = 'failed'
    ORDER BY event.generation DESC, event.happened_at DESC, event.event_id
    LIMIT 1
) AS again ON TRUE
WHERE NOT EXISTS (
    SELECT FROM proj_v1.dead_letter_events AS failed
    WHERE failed.event = 'failed'
        AND failed.record_topic = letter.origin_topic
        AND failed.record_partition = letter.origin_partition
        AND failed.record_offset = letter.origin_offset
        AND failed.stage = letter.stage
        -- What left quarantine and failed then is a letter of its own.
        AND failed.letter_id NOT LIKE '%:quarantine'
)
AND NOT (
    later.outcome IS NOT DISTINCT FROM 'died'
    AND EXISTS (
        SELECT FROM proj_v1.dead_letters AS newer
        WHERE newer.stage = letter.stage
            AND newer.origin_topic = later.src_topic
            AND newer.origin_partition = later.src_partition
            AND newer.origin_offset = later.src_offset
    )
)
UNION ALL
SELECT
    'project:' || refused.projection AS stage,
    refused.topic AS origin_topic,
    refused.partition AS origin_partition,
    refused."offset" AS origin_offset,
    NULL AS workspace_id,
    NULL AS receipt_id,
    refused.error_class,
    refused.reason,
    refused.attempts,
    refused.record_at AS first_failed_at,
    refused.failed_at AS last_failed_at,
    concat_ws(':', refused.topic, refused.partition, refused."offset", 'project', refused.projection) AS letter_id,
    CASE WHEN refused.state = 'open' AND refused.redrives > 0 THEN 'failed again' ELSE refused.state END AS state,
    refused.redrives AS generation,
    refused.changed_at,
    refused.changed_by,
    coalesce(refused.fixed_by_run_id, refused.run_id) AS run_id,
    refused.note AS discard_reason,
    NULL AS job_id,
    NULL AS src_topic,
    NULL AS src_partition,
    NULL AS src_offset
FROM ctl.dead_letters AS refused
WHERE refused.version = coalesce(
    (
        SELECT live.version FROM ctl.projection_versions AS live
        WHERE live.projection = refused.projection AND live.state = 'live'
    ),
    1
);

COMMENT ON VIEW analytics.dead_letters IS 'One row for each record a stage could not process and set aside, and how it stands. Nothing is lost: the record is kept.';
COMMENT ON COLUMN analytics.dead_letters.stage IS 'Who gave up: a pipeline stage such as dedupe or resolve, or project:<projection>.';
COMMENT ON COLUMN analytics.dead_letters.origin_topic IS 'The record: its Kafka topic.';
COMMENT ON COLUMN analytics.dead_letters.origin_partition IS 'The record: its partition.';
COMMENT ON COLUMN analytics.dead_letters.origin_offset IS 'The record: its offset.';
COMMENT ON COLUMN analytics.dead_letters.workspace_id IS 'The workspace, where the record or its job says so.';
COMMENT ON COLUMN analytics.dead_letters.receipt_id IS 'The webhook behind it, where the record says so.';
COMMENT ON COLUMN analytics.dead_letters.error_class IS 'The kind of error, of the newest failure.';
COMMENT ON COLUMN analytics.dead_letters.reason IS 'What went wrong, without content.';
COMMENT ON COLUMN analytics.dead_letters.attempts IS 'How often it was tried.';
COMMENT ON COLUMN analytics.dead_letters.first_failed_at IS 'When it first failed; for project:… when the record was written.';
COMMENT ON COLUMN analytics.dead_letters.last_failed_at IS 'When it last failed.';
COMMENT ON COLUMN analytics.dead_letters.letter_id IS 'What headrace dlq calls it: topic, partition, offset and stage.';
COMMENT ON COLUMN analytics.dead_letters.state IS 'open, redriven (sent again, outcome unknown yet), fixed, failed again, or discarded (by a person, or with its job).';
COMMENT ON COLUMN analytics.dead_letters.generation IS 'How often a person sent it again.';
COMMENT ON COLUMN analytics.dead_letters.changed_at IS 'When it came into this state; null while it was never touched.';
COMMENT ON COLUMN analytics.dead_letters.changed_by IS 'Who sent it again last, or discarded it.';
COMMENT ON COLUMN analytics.dead_letters.run_id IS 'The run that did: headrace runs show.';
COMMENT ON COLUMN analytics.dead_letters.discard_reason IS 'Why it was discarded.';
COMMENT ON COLUMN analytics.dead_letters.job_id IS 'The job that died. Joins analytics.jobs.';
COMMENT ON COLUMN analytics.dead_letters.src_topic IS 'Lineage: the topic the record is kept in; null for project:…, whose records are kept in Postgres.';
COMMENT ON COLUMN analytics.dead_letters.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.dead_letters.src_offset IS 'Lineage: its offset.';

-- Lag needs the broker's end offsets: the projections app leaves them in ctl.broker_offsets with each heartbeat.
CREATE VIEW analytics.projection_freshness AS
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
        WHERE letter.projection = place.projection AND letter.version = coalesce(
            (
                SELECT live.version FROM ctl.projection_versions AS live
                WHERE live.projection = letter.projection AND live.state = 'live'
            ),
            1
        ) AND letter.state = 'open'
    ) AS open_dead_letter_count,
    now() - min(broker.observed_at) > interval '60 seconds' AS is_stale
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
