-- Receipts of the range whose consequences are not all rows: a duplicate whose first webhook has no verdict, a fresh one
-- with a message without row, or with fewer suppressions and signals than other facts.
SELECT judged.source_offset, judged.receipt_id, judged.lack
FROM (
    SELECT r.source_offset, r.receipt_id, CASE
        WHEN r.verdict = 'duplicate' AND NOT EXISTS (
            SELECT FROM {proj}.webhook_receipts AS first
            WHERE first.workspace_id = r.workspace_id AND first.receipt_id = r.first_receipt_id
        ) THEN 'original'
        WHEN r.verdict = 'fresh' AND EXISTS (
            SELECT FROM unnest(r.message_ids) AS produced (message_id)
            WHERE NOT EXISTS (
                SELECT FROM {proj}.messages AS m
                WHERE m.workspace_id = r.workspace_id AND m.message_id = produced.message_id
            )
        ) THEN 'message'
        WHEN r.verdict = 'fresh' AND r.fact_count > cardinality(r.message_ids) AND
            r.fact_count - cardinality(r.message_ids)
            > (SELECT count(*) FROM {proj}.lead_suppressions AS s WHERE s.receipt_id = r.receipt_id)
            + (SELECT count(*) FROM {proj}.lead_signals AS s WHERE s.receipt_id = r.receipt_id)
        THEN 'fact'
    END AS lack
    FROM {proj}.webhook_receipts AS r
    WHERE r.source_topic = %(topic)s AND r.source_partition = %(partition)s
      AND r.source_offset >= %(start)s AND r.source_offset < %(end)s
      AND r.verdict IN ('fresh', 'duplicate')
) AS judged
WHERE judged.lack IS NOT NULL
ORDER BY judged.source_offset
LIMIT %(limit)s
