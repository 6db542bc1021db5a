-- A letter that was sent again and failed again is the same letter: its later records are not told of twice. A job's
-- letter is that of its newest life.
CREATE OR REPLACE VIEW {analytics}.dead_letters AS
WITH letter AS (
    SELECT
        failed.*,
        concat_ws(':', failed.origin_topic, failed.origin_partition, failed.origin_offset, failed.stage) AS letter_id
    FROM {proj}.dead_letters AS failed
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
LEFT JOIN {proj}.jobs AS job
    ON letter.stage = 'execute'
    AND job.src_topic = letter.origin_topic
    AND job.src_partition = letter.origin_partition
    AND job.src_offset = letter.origin_offset
LEFT JOIN LATERAL (
    SELECT life.generation, life.requested_at, life.requested_by, life.src_topic, life.src_partition, life.src_offset,
        finish.outcome, finish.ended_at
    FROM {proj}.jobs AS life
    LEFT JOIN {proj}.job_ends AS finish
        ON finish.workspace_id = life.workspace_id
        AND finish.job_id = life.job_id
        AND finish.generation = life.generation
    WHERE life.workspace_id = job.workspace_id AND life.job_id = job.job_id AND life.generation > job.generation
    ORDER BY life.generation DESC, finish.first_offset
    LIMIT 1
) AS later ON TRUE
LEFT JOIN LATERAL (
    SELECT event.event, event.generation, event.happened_at, event.changed_by, event.run_id, event.reason
    FROM {proj}.dead_letter_events AS event
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
    FROM {proj}.dead_letter_events AS event
    WHERE event.letter_id = letter.letter_id AND event.event = 'redriven'
    ORDER BY event.generation DESC, event.happened_at DESC, event.event_id
    LIMIT 1
) AS redriven ON TRUE
LEFT JOIN LATERAL (
    SELECT event.error_class, event.reason, event.happened_at, count(*) OVER () AS failures
    FROM {proj}.dead_letter_events AS event
    WHERE event.letter_id = letter.letter_id AND event.event = 'failed'
    ORDER BY event.generation DESC, event.happened_at DESC, event.event_id
    LIMIT 1
) AS again ON TRUE
WHERE NOT EXISTS (
    SELECT FROM {proj}.dead_letter_events AS failed
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
        SELECT FROM {proj}.dead_letters AS newer
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
FROM {ctl}.dead_letters AS refused
WHERE {live:refused};

COMMENT ON VIEW {analytics}.dead_letters IS 'One row for each record a stage could not process and set aside, and how it stands. Nothing is lost: the record is kept.';
COMMENT ON COLUMN {analytics}.dead_letters.stage IS 'Who gave up: a pipeline stage such as dedupe or resolve, or project:<projection>.';
COMMENT ON COLUMN {analytics}.dead_letters.origin_topic IS 'The record: its Kafka topic.';
COMMENT ON COLUMN {analytics}.dead_letters.origin_partition IS 'The record: its partition.';
COMMENT ON COLUMN {analytics}.dead_letters.origin_offset IS 'The record: its offset.';
COMMENT ON COLUMN {analytics}.dead_letters.workspace_id IS 'The workspace, where the record or its job says so.';
COMMENT ON COLUMN {analytics}.dead_letters.receipt_id IS 'The webhook behind it, where the record says so.';
COMMENT ON COLUMN {analytics}.dead_letters.error_class IS 'The kind of error, of the newest failure.';
COMMENT ON COLUMN {analytics}.dead_letters.reason IS 'What went wrong, without content.';
COMMENT ON COLUMN {analytics}.dead_letters.attempts IS 'How often it was tried.';
COMMENT ON COLUMN {analytics}.dead_letters.first_failed_at IS 'When it first failed; for project:… when the record was written.';
COMMENT ON COLUMN {analytics}.dead_letters.last_failed_at IS 'When it last failed.';
COMMENT ON COLUMN {analytics}.dead_letters.letter_id IS 'What headrace dlq calls it: topic, partition, offset and stage.';
COMMENT ON COLUMN {analytics}.dead_letters.state IS 'open, redriven (sent again, outcome unknown yet), fixed, failed again, or discarded (by a person, or with its job).';
COMMENT ON COLUMN {analytics}.dead_letters.generation IS 'How often a person sent it again.';
COMMENT ON COLUMN {analytics}.dead_letters.changed_at IS 'When it came into this state; null while it was never touched.';
COMMENT ON COLUMN {analytics}.dead_letters.changed_by IS 'Who sent it again last, or discarded it.';
COMMENT ON COLUMN {analytics}.dead_letters.run_id IS 'The run that did: headrace runs show.';
COMMENT ON COLUMN {analytics}.dead_letters.discard_reason IS 'Why it was discarded.';
COMMENT ON COLUMN {analytics}.dead_letters.job_id IS 'The job that died. Joins analytics.jobs.';
COMMENT ON COLUMN {analytics}.dead_letters.src_topic IS 'Lineage: the topic the record is kept in; null for project:…, whose records are kept in Postgres.';
COMMENT ON COLUMN {analytics}.dead_letters.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.dead_letters.src_offset IS 'Lineage: its offset.';
