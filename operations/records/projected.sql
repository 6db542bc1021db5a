-- name: projected
-- How far each live projection is.
SELECT topic, partition, next_offset FROM ctl.projection_offsets AS o WHERE {live.o}
