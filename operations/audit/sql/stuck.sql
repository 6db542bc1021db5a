-- Open jobs of the partitions that are overdue for longer than so long, the longest first, and how many there are in all.
-- A job runs until its attempt's deadline, and waits until it is due.
SELECT count(*) OVER (), j.workspace_id, j.job_id, j.type, j.message_id, due.is_running,
    extract(epoch FROM now() - due.at)
FROM ctl.audit_open_jobs AS o
JOIN {proj}.jobs AS j USING (workspace_id, job_id, generation)
LEFT JOIN {proj}.job_progress AS p USING (workspace_id, job_id, generation)
LEFT JOIN {proj}.job_holds AS h USING (workspace_id, job_id, generation)
CROSS JOIN LATERAL (
    SELECT coalesce(p.is_running, FALSE) AS is_running, CASE
        WHEN p.is_running THEN p.changed_at + make_interval(secs => %(attempt)s)
        ELSE coalesce(p.due_at, j.due_at)
    END AS at
) AS due
WHERE o.version = %(version)s AND j.src_topic = %(topic)s AND j.src_partition = ANY(%(partitions)s)
  AND NOT coalesce(h.is_paused, FALSE)
  AND due.at < now() - make_interval(secs => %(after)s)
ORDER BY due.at, j.job_id
LIMIT %(limit)s
