-- Of a record that a projection had refused: it was projected again, and took.
UPDATE ctl.dead_letters
SET state = 'fixed', fixed_by_run_id = %(run)s,
    redrives = redrives + 1, run_id = %(run)s, changed_by = %(by)s, changed_at = clock_timestamp(), note = NULL
WHERE projection = %(projection)s AND version = %(version)s AND topic = %(topic)s AND partition = %(partition)s
    AND "offset" = %(offset)s
