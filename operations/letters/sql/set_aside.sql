-- What a stage or a projection gave up on. Postgres keeps the records of projections, and their headers tell whose they
-- are.
WITH letter AS (
    SELECT
        d.letter_id AS id, d.state, d.stage, d.origin_topic, d.origin_partition, d.origin_offset,
        d.workspace_id AS workspace, d.receipt_id, NULL AS provider, d.error_class, d.reason, d.attempts,
        d.first_failed_at, d.last_failed_at, d.generation, d.changed_at, d.changed_by, d.run_id, d.discard_reason,
        d.job_id, d.src_topic AS kept_topic, d.src_partition AS kept_partition, d.src_offset AS kept_offset,
        refused.headers
    FROM analytics.dead_letters AS d
    LEFT JOIN ctl.dead_letters AS refused
        ON d.stage = 'project:' || refused.projection
        AND {live.refused}
        AND refused.topic = d.origin_topic
        AND refused.partition = d.origin_partition
        AND refused."offset" = d.origin_offset
)
SELECT letter.* FROM letter
WHERE {file.conditions}
