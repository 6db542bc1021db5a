-- Ends of the range that lack their request, a step of their type, or the job that follows.
-- The first end of a generation counts. Steps of earlier generations count for a job that went on where it had failed:
-- from the newest generation on that began anew, because it was told to or because the one before had succeeded.
WITH ended AS (
    SELECT e.first_offset, e.workspace_id, e.job_id, e.generation, e.outcome, j.job_id IS NOT NULL AS is_known,
        coalesce(j.type, a.type) AS type, coalesce(j.message_id, a.message_id) AS message_id,
        coalesce(j.receipt_id, a.receipt_id) AS receipt_id
    FROM {proj}.job_ends AS e
    LEFT JOIN {proj}.jobs AS j
        ON j.workspace_id = e.workspace_id AND j.job_id = e.job_id AND j.generation = e.generation
    -- Without its request, an attempt tells what the job was about.
    LEFT JOIN {proj}.job_attempts AS a
        ON a.workspace_id = e.workspace_id AND a.job_id = e.job_id AND a.generation = e.generation
        AND a.attempt = e.attempt
    WHERE e.src_topic = %(topic)s AND e.src_partition = %(partition)s
      AND e.first_offset >= %(start)s AND e.first_offset < %(end)s
      AND NOT EXISTS (
          SELECT FROM {proj}.job_ends AS earlier
          WHERE earlier.workspace_id = e.workspace_id AND earlier.job_id = e.job_id
            AND earlier.generation = e.generation AND earlier.first_offset < e.first_offset
      )
),
lacking AS (
    SELECT ended.*, 'request' AS lack, NULL AS step FROM ended WHERE NOT ended.is_known
    UNION ALL
    SELECT ended.*, 'step', plan.step
    FROM ended
    JOIN unnest(%(types)s::text[], %(steps)s::text[]) AS plan (type, step) ON plan.type = ended.type
    CROSS JOIN LATERAL (
        SELECT coalesce(max(began.generation), 1) AS generation
        FROM {proj}.jobs AS began
        WHERE began.workspace_id = ended.workspace_id AND began.job_id = ended.job_id
          AND began.generation <= ended.generation
          AND (began.from_start OR 'succeeded' = (
              SELECT previous.outcome FROM {proj}.job_ends AS previous
              WHERE previous.workspace_id = began.workspace_id AND previous.job_id = began.job_id
                AND previous.generation = began.generation - 1
              ORDER BY previous.first_offset LIMIT 1
          ))
    ) AS life
    WHERE ended.outcome = 'succeeded' AND NOT EXISTS (
        SELECT FROM {proj}.job_steps AS s
        WHERE s.workspace_id = ended.workspace_id AND s.job_id = ended.job_id AND s.step = plan.step
          AND s.generation BETWEEN life.generation AND ended.generation
    )
    UNION ALL
    -- The missing job's type stands in the place of a step's name.
    SELECT ended.*, 'job', plan.follower
    FROM ended
    JOIN unnest(%(followed)s::text[], %(followers)s::text[]) AS plan (type, follower) ON plan.type = ended.type
    WHERE ended.outcome = 'succeeded' AND NOT EXISTS (
        SELECT FROM {proj}.jobs AS follower
        WHERE follower.workspace_id = ended.workspace_id AND follower.message_id = ended.message_id
          AND follower.type = plan.follower
    )
)
SELECT first_offset, job_id, receipt_id, message_id, type, lack, step
FROM lacking
ORDER BY first_offset, lack, step
LIMIT %(limit)s
