-- Messages of the range that lack the job their provider's plan asks for.
SELECT m.src_offset, m.receipt_id, m.message_id, plan.type
FROM {proj}.messages AS m
JOIN unnest(%(providers)s::text[], %(job_types)s::text[]) AS plan (provider, type) ON plan.provider = m.provider
WHERE m.direction = 'inbound' AND m.source = 'direct' AND m.src_topic = %(topic)s
  AND m.src_partition = %(partition)s AND m.src_offset >= %(start)s AND m.src_offset < %(end)s
  AND NOT EXISTS (
      SELECT FROM {proj}.jobs AS j
      WHERE j.workspace_id = m.workspace_id AND j.message_id = m.message_id AND j.type = plan.type
  )
ORDER BY m.src_offset
LIMIT %(limit)s
