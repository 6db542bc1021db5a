-- At which offsets of the partition the receipts were judged.
SELECT r.receipt_id::text, r.source_offset
FROM unnest(%(workspaces)s::text[], %(receipts)s::uuid[]) AS wanted (workspace_id, receipt_id)
JOIN {proj}.webhook_receipts AS r ON r.workspace_id = wanted.workspace_id AND r.receipt_id = wanted.receipt_id
WHERE r.source_topic = %(topic)s AND r.source_partition = %(partition)s
