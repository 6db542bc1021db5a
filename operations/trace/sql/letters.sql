-- Dead letters of the receipts, and of records at these positions.
SELECT t.* FROM {table} AS t WHERE t.receipt_id = ANY(%(receipts)s)
UNION
SELECT t.* FROM {table} AS t
JOIN unnest(%(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[]) AS i (topic, partition, at)
    ON (t.origin_topic, t.origin_partition, t.origin_offset) = (i.topic, i.partition, i.at)
