-- Of a record that a projection had refused: it was projected again, and refused again.
UPDATE ctl.dead_letters
SET state = 'open', error_class = %(error_class)s, reason = %(reason)s, attempts = attempts + 1,
    failed_at = clock_timestamp(),
    redrives = redrives + 1, run_id = %(run)s, changed_by = %(by)s, changed_at = clock_timestamp(), note = NULL
WHERE projection = %(projection)s AND version = %(version)s AND topic = %(topic)s AND partition = %(partition)s
    AND "offset" = %(offset)s
