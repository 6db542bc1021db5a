-- name: lock_kept
-- One record that a projection refused, for nobody else to decide about meanwhile.
SELECT topic, partition, "offset", key, value, headers, record_at, state
FROM ctl.dead_letters
WHERE projection = %(projection)s AND version = %(version)s AND topic = %(topic)s AND partition = %(partition)s
    AND "offset" = %(offset)s
FOR UPDATE

-- name: mark_fixed
-- Of a record that a projection had refused: it was projected again, and took.
UPDATE ctl.dead_letters
SET state = 'fixed', fixed_by_run_id = %(run)s,
    redrives = redrives + 1, run_id = %(run)s, changed_by = %(by)s, changed_at = clock_timestamp(), note = NULL
WHERE projection = %(projection)s AND version = %(version)s AND topic = %(topic)s AND partition = %(partition)s
    AND "offset" = %(offset)s

-- name: mark_refused
-- Of a record that a projection had refused: it was projected again, and refused again.
UPDATE ctl.dead_letters
SET state = 'open', error_class = %(error_class)s, reason = %(reason)s, attempts = attempts + 1,
    failed_at = clock_timestamp(),
    redrives = redrives + 1, run_id = %(run)s, changed_by = %(by)s, changed_at = clock_timestamp(), note = NULL
WHERE projection = %(projection)s AND version = %(version)s AND topic = %(topic)s AND partition = %(partition)s
    AND "offset" = %(offset)s
