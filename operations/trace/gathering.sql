-- name: letters
-- Dead letters of the receipts, and of records at these positions.
SELECT t.* FROM {table} AS t WHERE t.receipt_id = ANY(%(receipts)s)
UNION
SELECT t.* FROM {table} AS t
JOIN unnest(%(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[]) AS i (topic, partition, at)
    ON (t.origin_topic, t.origin_partition, t.origin_offset) = (i.topic, i.partition, i.at)

-- name: refused
-- What the live projections set aside: records of these receipts and at these positions, without the records.
-- Headers are kept as JSON of [name, base64].
SELECT d.projection, d.version, d.topic, d.partition, d."offset", d.error_class, d.reason, d.state, d.record_at,
    r.id AS receipt_id
FROM ctl.dead_letters AS d
LEFT JOIN unnest(%(receipts)s::text[], %(encoded)s::bytea[]) AS r (id, encoded)
    ON position(r.encoded IN d.headers) > 0
LEFT JOIN unnest(%(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[]) AS i (topic, partition, at)
    ON (d.topic, d.partition, d."offset") = (i.topic, i.partition, i.at)
WHERE (r.id IS NOT NULL OR i.topic IS NOT NULL) AND {live.d}
ORDER BY d.record_at

-- name: quarantine
-- The newest thing that was done about quarantined webhooks, by their letters.
SELECT DISTINCT ON (e.letter_id) e.letter_id, e.event
FROM {table} AS e
WHERE e.letter_id = ANY(%(letters)s)
ORDER BY e.letter_id, e.generation DESC, array_position(ARRAY['redriven', 'failed', 'fixed', 'discarded'], e.event) DESC
