-- How many records of the range have a verdict: as many as the range is long means that none is missing.
SELECT count(DISTINCT source_offset) FROM {proj}.webhook_receipts
WHERE source_topic = %(topic)s AND source_partition = %(partition)s
  AND source_offset >= %(start)s AND source_offset < %(end)s
