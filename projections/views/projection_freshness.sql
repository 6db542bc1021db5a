-- Lag needs the broker's end offsets: the projections app leaves them in {ctl}.broker_offsets with each heartbeat.
CREATE OR REPLACE VIEW {analytics}.projection_freshness AS
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
        FROM {ctl}.dead_letters AS letter
        WHERE letter.projection = place.projection AND {live:letter} AND letter.state = 'open'
    ) AS open_dead_letter_count,
    now() - min(broker.observed_at) > interval '60 seconds' AS is_stale
FROM {ctl}.broker_offsets AS broker
JOIN (
    SELECT DISTINCT known.projection, known.topic
    FROM {ctl}.projection_offsets AS known
    WHERE {live:known}
) AS place
    ON place.topic = broker.topic
LEFT JOIN {ctl}.projection_offsets AS position
    ON position.projection = place.projection
    AND {live:position}
    AND position.topic = broker.topic
    AND position.partition = broker.partition
GROUP BY place.projection, broker.topic;

COMMENT ON VIEW {analytics}.projection_freshness IS 'How far the rows are behind the log, one row for each projection. Read it before trusting a number about the last minutes.';
COMMENT ON COLUMN {analytics}.projection_freshness.projection IS 'The projection: leads (also messages), webhook_receipts, ingest_latency, dead_letters, jobs, enrichments or ai_interactions.';
COMMENT ON COLUMN {analytics}.projection_freshness.topic IS 'The Kafka topic it reads.';
COMMENT ON COLUMN {analytics}.projection_freshness.partition_count IS 'Partitions it follows.';
COMMENT ON COLUMN {analytics}.projection_freshness.lag IS 'Records in the log that are not rows yet, as of observed_at.';
COMMENT ON COLUMN {analytics}.projection_freshness.last_event_at IS 'When the newest projected record was written to the log.';
COMMENT ON COLUMN {analytics}.projection_freshness.observed_at IS 'When the projections app last compared itself with the broker, for the partition where that is longest ago.';
COMMENT ON COLUMN {analytics}.projection_freshness.heartbeat_age_seconds IS 'Seconds since observed_at. Above a minute the app is not running, and lag is out of date.';
COMMENT ON COLUMN {analytics}.projection_freshness.open_dead_letter_count IS 'Records it could not project and set aside.';
COMMENT ON COLUMN {analytics}.projection_freshness.is_stale IS 'True when heartbeat_age_seconds is above 60: the rows may be older than they look.';
