-- Whoever has been in a transaction of this database for longer than a migration waits for a lock: one of them holds what
-- it waits for. Those that hold something of ours come first. Another user's transaction may be hidden from us, never its
-- locks.
SELECT
    session.pid,
    coalesce(nullif(session.application_name, ''), session.usename, session.backend_type) AS name,
    session.state,
    extract(epoch FROM clock_timestamp() - session.xact_start)::integer AS seconds,
    coalesce(array_agg(DISTINCT held.oid::regclass::text) FILTER (WHERE held.oid IS NOT NULL), '{}') AS relations
FROM pg_stat_activity AS session
LEFT JOIN pg_locks AS granted
    ON granted.pid = session.pid AND granted.granted AND granted.locktype = 'relation'
LEFT JOIN pg_class AS held
    ON held.oid = granted.relation
    AND held.relkind IN ('r', 'v')
    AND held.relnamespace IN (
        SELECT oid FROM pg_namespace WHERE nspname IN ('ctl', 'analytics') OR nspname ~ '^proj_v[0-9]+$'
    )
WHERE session.datname = current_database()
    AND session.pid <> pg_backend_pid()
    AND coalesce(session.xact_start < clock_timestamp() - make_interval(secs => %(seconds)s), TRUE)
GROUP BY session.pid, session.application_name, session.usename, session.backend_type, session.state, session.xact_start
HAVING session.xact_start IS NOT NULL OR count(held.oid) > 0
ORDER BY count(held.oid) = 0, session.xact_start
LIMIT 5
