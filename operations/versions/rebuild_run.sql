-- name: enter_version
-- A version that is being built, unless somebody has entered it.
INSERT INTO ctl.projection_versions (projection, version, state, rev, shape, run_id)
VALUES (%s, %s, 'building', %s, %s, %s)
ON CONFLICT DO NOTHING

-- name: begin_positions
-- The new version goes on where the log was read to.
INSERT INTO ctl.projection_offsets
    (projection, version, topic, partition, next_offset, event_time_max, heartbeat_at)
SELECT %s, %s, topic, partition, next_offset, newest_at, clock_timestamp()
FROM {stage}.progress
WHERE newest_at IS NOT NULL

-- name: copy_dead_letters
-- What the live version set aside is set aside in the new one, too.
INSERT INTO ctl.dead_letters
SELECT d.projection, %s, d.topic, d.partition, d."offset", d.key, d.value, d.headers, d.record_at, d.error_class,
    d.reason, d.attempts, d.state, d.fixed_by_run_id, d.failed_at, d.redrives, d.run_id, d.changed_at, d.changed_by,
    d.note
FROM ctl.dead_letters AS d
JOIN {stage}.refused AS r ON (r.topic, r.partition, r."offset") = (d.topic, d.partition, d."offset")
WHERE d.projection = %s AND d.version = %s
