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
        {file.newest_event}
    ) AS newest ON TRUE
)
SELECT letter.* FROM letter
WHERE {file.conditions}
