-- name: read
-- The next offset of every partition that is known.
SELECT o.topic, o.partition, o.next_offset
FROM ctl.projection_offsets AS o
JOIN unnest(%b::text[], %b::text[], %b::bigint[]) AS i (projection, topic, version)
    USING (projection, topic, version)

-- name: newest
-- The same with the time of the newest record, where there is one.
SELECT o.topic, o.partition, o.next_offset, o.event_time_max
FROM ctl.projection_offsets AS o
JOIN unnest(%b::text[], %b::text[], %b::bigint[]) AS i (projection, topic, version)
    USING (projection, topic, version)
WHERE o.event_time_max IS NOT NULL

-- name: move
-- Positions go on from where they are; those that are elsewhere are not returned, and the caller rolls back.
UPDATE ctl.projection_offsets AS o
SET next_offset = i.next_offset,
    event_time_max = greatest(o.event_time_max, i.newest_at),
    heartbeat_at = clock_timestamp()
FROM unnest(%b::text[], %b::bigint[], %b::text[], %b::bigint[], %b::bigint[], %b::timestamptz[], %b::bigint[])
     AS i (projection, version, topic, partition, next_offset, newest_at, start_offset)
WHERE o.projection = i.projection AND o.version = i.version AND o.topic = i.topic AND o.partition = i.partition
  AND o.next_offset = i.start_offset
RETURNING o.topic, o.partition

-- name: begin
-- The first positions of partitions; those that somebody else has begun are not returned.
INSERT INTO ctl.projection_offsets
    (projection, version, topic, partition, next_offset, event_time_max, heartbeat_at)
SELECT i.projection, i.version, i.topic, i.partition, i.next_offset, i.newest_at, clock_timestamp()
FROM unnest(%b::text[], %b::bigint[], %b::text[], %b::bigint[], %b::bigint[], %b::timestamptz[])
     AS i (projection, version, topic, partition, next_offset, newest_at)
ON CONFLICT DO NOTHING
RETURNING topic, partition

-- name: expire
-- Move over offsets that the broker no longer has, and note them. No row when the position is not at their start.
WITH moved AS (
    UPDATE ctl.projection_offsets SET next_offset = %(end)s, heartbeat_at = clock_timestamp()
    WHERE projection = %(projection)s AND version = %(version)s AND topic = %(topic)s
      AND partition = %(partition)s AND next_offset = %(start)s
    RETURNING projection, version, topic, partition
)
INSERT INTO ctl.expired_ranges (projection, version, topic, partition, from_offset, to_offset, noted_at)
SELECT projection, version, topic, partition, %(start)s, %(end)s, clock_timestamp() FROM moved
RETURNING from_offset

-- name: beat
-- Say that partitions are being followed, even if nothing comes.
UPDATE ctl.projection_offsets AS o SET heartbeat_at = clock_timestamp()
FROM unnest(%b::text[], %b::bigint[], %b::text[], %b::bigint[]) AS i (projection, version, topic, partition)
WHERE o.projection = i.projection AND o.version = i.version AND o.topic = i.topic AND o.partition = i.partition

-- name: observe
-- Remember the broker's offsets, so that SQL alone can tell the lag.
INSERT INTO ctl.broker_offsets AS b (topic, partition, start_offset, end_offset, observed_at)
SELECT i.topic, i.partition, i.start_offset, i.end_offset, clock_timestamp()
FROM unnest(%b::text[], %b::bigint[], %b::bigint[], %b::bigint[]) AS i (topic, partition, start_offset, end_offset)
ORDER BY i.topic, i.partition
ON CONFLICT (topic, partition) DO UPDATE
SET start_offset = excluded.start_offset, end_offset = excluded.end_offset, observed_at = excluded.observed_at
