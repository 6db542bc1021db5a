-- Records of the range with more than one verdict. Records that Kafka stored at different moments are different ones: the
-- log was cut between them, and the verdict on the earlier one stays true.
SELECT source_offset, count(*) FROM {proj}.webhook_receipts
WHERE source_topic = %(topic)s AND source_partition = %(partition)s
  AND source_offset >= %(start)s AND source_offset < %(end)s
GROUP BY source_offset HAVING count(*) > 1 AND count(*) > count(DISTINCT stored_at)
ORDER BY source_offset
LIMIT %(limit)s
