-- name: insert_dead_letter
-- Keep a record that can't be projected; one that failed before has failed once more.
INSERT INTO ctl.dead_letters AS d
    (projection, version, topic, partition, "offset", key, value, headers, record_at,
     error_class, reason, attempts, state, failed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1, 'open', clock_timestamp())
ON CONFLICT (projection, version, topic, partition, "offset") DO UPDATE
SET error_class = excluded.error_class, reason = excluded.reason, attempts = d.attempts + 1,
    -- Read again, a record that somebody has discarded stays so.
    state = CASE d.state WHEN 'discarded' THEN d.state ELSE 'open' END, failed_at = excluded.failed_at
