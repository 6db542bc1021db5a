-- Forget open jobs that have ended since, or have a new life.
DELETE FROM ctl.audit_open_jobs AS o
WHERE o.version = %(version)s AND (
    EXISTS (
        SELECT FROM {proj}.job_ends AS e
        WHERE e.workspace_id = o.workspace_id AND e.job_id = o.job_id AND e.generation = o.generation
    )
    OR EXISTS (
        SELECT FROM {proj}.jobs AS later
        WHERE later.workspace_id = o.workspace_id AND later.job_id = o.job_id AND later.generation > o.generation
    )
)
