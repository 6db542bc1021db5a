-- name: positions
-- How far each live version is, and the seconds since its last sign of life.
SELECT projection, topic, partition, next_offset, extract(epoch FROM now() - heartbeat_at)::float
FROM ctl.projection_offsets AS o
WHERE {live.o}

-- name: observed
-- The seconds since the workers last looked at each partition's end.
SELECT topic, partition, extract(epoch FROM now() - observed_at)::float FROM ctl.broker_offsets

-- name: letters
-- Open dead letters of the live versions.
SELECT projection, count(*) FROM ctl.dead_letters AS d WHERE {live.d} AND state = 'open' GROUP BY projection
