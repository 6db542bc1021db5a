-- Remember the jobs requested in the range that did not end.
INSERT INTO ctl.audit_open_jobs (version, workspace_id, job_id, generation)
SELECT %(version)s, j.workspace_id, j.job_id, j.generation
FROM {proj}.jobs AS j
WHERE j.src_topic = %(topic)s AND j.src_partition = %(partition)s
  AND j.src_offset >= %(start)s AND j.src_offset < %(end)s
  AND NOT EXISTS (
      SELECT FROM {proj}.job_ends AS e
      WHERE e.workspace_id = j.workspace_id AND e.job_id = j.job_id AND e.generation = j.generation
  )
ON CONFLICT DO NOTHING
