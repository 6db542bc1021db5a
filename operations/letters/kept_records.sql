-- name: kept
-- The records that live projections refused: Postgres keeps them.
SELECT i.id, d.topic, d.partition, d."offset", d.key, d.value, d.headers, d.record_at
FROM unnest(%s::text[], %s::text[], %s::text[], %s::int[], %s::bigint[]) AS i (id, projection, topic, partition, place)
JOIN ctl.dead_letters AS d
    ON d.projection = i.projection AND d.topic = i.topic AND d.partition = i.partition AND d."offset" = i.place
    AND {live.d}
