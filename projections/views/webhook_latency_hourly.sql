-- Histograms of all processes, windows and statuses are added up bucket by bucket; a quantile is interpolated
-- within the bucket it falls into. Empty buckets are left out of the events, so a bucket's lower bound is the bound
-- before it, or 2^(1/4) below its own where that is nearer: buckets are no wider than that. The last one has no
-- bound of its own worth the name: the hour's longest response caps it. Both halves group by hour themselves, so that
-- a filter on it leaves all other hours out.
CREATE OR REPLACE VIEW {analytics}.webhook_latency_hourly AS
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
    FROM {proj}.ingest_latency AS latency
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
            FROM {proj}.ingest_latency AS latency
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

COMMENT ON VIEW {analytics}.webhook_latency_hourly IS 'How long webhook senders waited for the answer, by route and UTC hour, over all processes and statuses. Quantiles come from log-spaced histograms: at most 19 % off.';
COMMENT ON COLUMN {analytics}.webhook_latency_hourly.route IS 'The route, such as /webhooks/ghl.';
COMMENT ON COLUMN {analytics}.webhook_latency_hourly.hour IS 'Start of the hour, UTC.';
COMMENT ON COLUMN {analytics}.webhook_latency_hourly.n IS 'Requests answered.';
COMMENT ON COLUMN {analytics}.webhook_latency_hourly.p50_ms IS 'Half of the requests were answered within so many milliseconds.';
COMMENT ON COLUMN {analytics}.webhook_latency_hourly.p95_ms IS '95 % of the requests were answered within so many milliseconds.';
COMMENT ON COLUMN {analytics}.webhook_latency_hourly.p99_ms IS '99 % of the requests were answered within so many milliseconds.';
COMMENT ON COLUMN {analytics}.webhook_latency_hourly.mean_ms IS 'Mean response time in milliseconds, exact.';
COMMENT ON COLUMN {analytics}.webhook_latency_hourly.max_ms IS 'Longest response in milliseconds, exact.';
COMMENT ON COLUMN {analytics}.webhook_latency_hourly.error_rate IS 'Share of requests we could not serve (5xx, or 429 where the provider only retries that), 0 to 1.';
COMMENT ON COLUMN {analytics}.webhook_latency_hourly.refused_rate IS 'Share of requests that were the sender''s fault (other 4xx), 0 to 1.';
