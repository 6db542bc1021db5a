-- name: set_aside
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
WHERE {part.conditions}

-- name: in_quarantine
-- Webhooks that ingest could not assign, as letters: the verdict is the failure, and the record stays where it is.
WITH waiting AS (
    SELECT concat_ws(':', r.source_topic, r.source_partition, r.source_offset, 'quarantine') AS id,
        r.source_partition AS origin_partition, r.source_offset AS origin_offset, r.workspace_id, r.receipt_id::text,
        r.provider, r.reason, r.received_at
    FROM {proj}.webhook_receipts AS r
    WHERE r.source_topic = %(quarantine)s
),
-- A receipt that got another verdict in the same workspace has no quarantined row any more: its events tell of it.
assigned AS (
    SELECT e.letter_id AS id, split_part(e.letter_id, ':', 2)::integer AS origin_partition,
        split_part(e.letter_id, ':', 3)::bigint AS origin_offset, e.workspace_id, e.receipt_id,
        judged.provider, 'assigned since' AS reason, judged.received_at
    FROM {proj}.dead_letter_events AS e
    JOIN {proj}.webhook_receipts AS judged
        ON judged.workspace_id = e.workspace_id AND judged.receipt_id::text = e.receipt_id
    WHERE e.event = 'fixed' AND e.letter_id LIKE '%%:quarantine'
        AND NOT EXISTS (SELECT FROM waiting WHERE waiting.id = e.letter_id)
),
quarantined AS (
    SELECT * FROM waiting
    UNION ALL
    SELECT * FROM assigned
),
letter AS (
    SELECT
        q.id, coalesce(newest.state, 'open') AS state, 'quarantine' AS stage,
        %(quarantine)s::text AS origin_topic, q.origin_partition, q.origin_offset,
        nullif(q.workspace_id, '') AS workspace, q.receipt_id, q.provider,
        'Quarantined' AS error_class, q.reason, 1 + coalesce(newest.generation, 0) AS attempts,
        q.received_at AS first_failed_at, q.received_at AS last_failed_at,
        coalesce(newest.generation, 0) AS generation, newest.changed_at, newest.changed_by, newest.run_id,
        newest.discard_reason, NULL AS job_id,
        %(quarantine)s::text AS kept_topic, q.origin_partition AS kept_partition, q.origin_offset AS kept_offset,
        NULL::bytea AS headers
    FROM quarantined AS q
    LEFT JOIN LATERAL (
        {part.newest_event}
    ) AS newest ON TRUE
)
SELECT letter.* FROM letter
WHERE {part.conditions}

-- name: newest_event
-- How the letter `q` stands: the furthest event of its newest generation. Who redrove it did so for what follows.
SELECT CASE WHEN e.event = 'failed' THEN 'failed again' ELSE e.event END AS state, e.generation,
    e.happened_at AS changed_at, coalesce(e.changed_by, redriven.changed_by) AS changed_by,
    coalesce(e.run_id, redriven.run_id) AS run_id,
    CASE WHEN e.event = 'discarded' THEN e.reason END AS discard_reason
FROM {proj}.dead_letter_events AS e
LEFT JOIN {proj}.dead_letter_events AS redriven
    ON redriven.letter_id = e.letter_id AND redriven.generation = e.generation AND redriven.event = 'redriven'
WHERE e.letter_id = q.id
ORDER BY e.generation DESC, array_position(ARRAY['redriven', 'failed', 'fixed', 'discarded'], e.event) DESC
LIMIT 1

-- name: conditions
-- The filter, about a row by the name `letter`, and the order in which the records are kept. A letter of a record that
-- was sent again is found by that record's place, too: it is how the newer failure is known.
(
    cardinality(%(ids)s::text[]) = 0
    OR letter.id = ANY(%(ids)s)
    OR letter.id IN (
        SELECT e.letter_id FROM {proj}.dead_letter_events AS e
        WHERE e.event = 'failed'
            AND concat_ws(':', e.record_topic, e.record_partition, e.record_offset, e.stage) = ANY(%(ids)s)
    )
)
AND (%(stage)s::text IS NULL OR letter.stage = %(stage)s)
AND (%(topics)s::text[] IS NULL OR letter.origin_topic = ANY(%(topics)s))
AND (%(error)s::text IS NULL OR position(%(error)s in lower(concat_ws(' ', letter.error_class, letter.reason))) > 0)
AND (%(since)s::timestamptz IS NULL OR letter.last_failed_at >= %(since)s)
AND (%(until)s::timestamptz IS NULL OR letter.last_failed_at < %(until)s)
AND (%(states)s::text[] IS NULL OR letter.state = ANY(%(states)s))
ORDER BY letter.kept_topic, letter.kept_partition, letter.kept_offset,
    letter.origin_topic, letter.origin_partition, letter.origin_offset, letter.stage

-- name: steps
-- What happened to a letter: by generation, and in the order in which one leads to the other.
SELECT e.event, e.generation, e.happened_at, e.changed_by AS by, e.run_id::text AS run_id,
    nullif(concat_ws(':', e.record_topic, e.record_partition, e.record_offset), '') AS record, e.error_class, e.reason
FROM {proj}.dead_letter_events AS e
WHERE e.letter_id = %(letter)s
ORDER BY e.generation, array_position(ARRAY['redriven', 'failed', 'fixed', 'discarded'], e.event), e.happened_at
