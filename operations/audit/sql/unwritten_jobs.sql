-- Those of the logged requests and ends of jobs, by offset, that have no row; a request has no outcome.
SELECT logged.place
FROM unnest(
    %(offsets)s::bigint[], %(workspaces)s::text[], %(jobs)s::uuid[], %(generations)s::int[], %(outcomes)s::text[]
) AS logged (place, workspace_id, job_id, generation, outcome)
WHERE NOT CASE
    WHEN logged.outcome IS NULL THEN EXISTS (
        SELECT FROM {proj}.jobs AS j
        WHERE j.workspace_id = logged.workspace_id AND j.job_id = logged.job_id AND j.generation = logged.generation
    )
    ELSE EXISTS (
        SELECT FROM {proj}.job_ends AS e
        WHERE e.workspace_id = logged.workspace_id AND e.job_id = logged.job_id
          AND e.generation = logged.generation AND e.outcome = logged.outcome
    )
END
ORDER BY logged.place
