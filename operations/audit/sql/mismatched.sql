-- Offsets with a verdict, but about another receipt than the one that stands there in the log.
SELECT logged.source_offset
FROM unnest(%(offsets)s::bigint[], %(receipts)s::text[]) AS logged (source_offset, receipt_id)
JOIN {proj}.webhook_receipts AS r
    ON r.source_topic = %(topic)s AND r.source_partition = %(partition)s AND r.source_offset = logged.source_offset
GROUP BY logged.source_offset, logged.receipt_id
HAVING NOT bool_or(r.receipt_id::text = logged.receipt_id)
ORDER BY logged.source_offset
