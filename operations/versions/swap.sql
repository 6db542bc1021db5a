-- name: behind
-- Records that the live version has, and another one not yet.
SELECT coalesce(sum(greatest(l.next_offset - coalesce(t.next_offset, 0), 0)), 0)::bigint
FROM ctl.projection_offsets AS l
LEFT JOIN ctl.projection_offsets AS t
    ON t.projection = l.projection AND t.version = %s AND t.topic = l.topic AND t.partition = l.partition
WHERE l.projection = %s AND l.version = %s
