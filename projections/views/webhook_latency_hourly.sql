-- Histograms of all processes, windows and statuses are added up bucket by bucket; a quantile is interpolated
-- within the bucket it falls into. Empty buckets are left out of the events, so a bucket's lower bound is the bound
-- before it, or 2^(1/4) below its own where that is nearer: buckets are no wider than that. The last one has no
-- bound of its own worth the name: the hour's longest response caps it.
CREATE OR REPLACE VIEW {analytics}.webhook_latency_hourly AS
WITH windows AS (
    SELECT latency.*, date_trunc('hour', latency.window_start_at, 'UTC') AS hour
    FROM {proj}.ingest_latency AS latency
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
