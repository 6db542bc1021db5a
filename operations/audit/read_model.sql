-- name: accounted_offsets
-- Offsets of a partition whose records have no verdict because of a letter: those that failed, those that came twice
-- when a letter was sent again, and quarantined ones whose receipt has got another verdict since.
SELECT letter.origin_offset FROM {proj}.dead_letters AS letter
WHERE letter.origin_topic = %(topic)s AND letter.origin_partition = %(partition)s
UNION
SELECT settled.place FROM (
    SELECT e.record_topic AS topic, e.record_partition AS partition, e.record_offset AS place,
        e.workspace_id, e.receipt_id
    FROM {proj}.dead_letter_events AS e
    WHERE e.event = 'fixed'
    UNION ALL
    SELECT split_part(e.letter_id, ':', 1), split_part(e.letter_id, ':', 2)::integer,
        split_part(e.letter_id, ':', 3)::bigint, e.workspace_id, e.receipt_id
    FROM {proj}.dead_letter_events AS e
    WHERE e.event = 'fixed' AND e.letter_id LIKE '%%:quarantine'
) AS settled
WHERE settled.topic = %(topic)s AND settled.partition = %(partition)s AND EXISTS (
    SELECT FROM {proj}.webhook_receipts AS judged
    WHERE judged.workspace_id = settled.workspace_id AND judged.receipt_id::text = settled.receipt_id
)

-- name: dead_jobs
-- How many jobs' newest lives ended by dying. The first end of a life counts.
SELECT count(*) FROM {proj}.job_ends AS e
WHERE e.outcome = 'died'
  AND NOT EXISTS (
      SELECT FROM {proj}.jobs AS later
      WHERE later.workspace_id = e.workspace_id AND later.job_id = e.job_id AND later.generation > e.generation
  )
  AND NOT EXISTS (
      SELECT FROM {proj}.job_ends AS earlier
      WHERE earlier.workspace_id = e.workspace_id AND earlier.job_id = e.job_id
        AND earlier.generation = e.generation AND earlier.first_offset < e.first_offset
  )

-- name: dead_receipts
-- Those of the receipts that a dead letter of the workers accounts for.
SELECT DISTINCT letter.receipt_id FROM {proj}.dead_letters AS letter
WHERE letter.receipt_id = ANY(%(receipts)s) AND {part.unsettled}

-- name: doubled
-- Records of the range with more than one verdict. Records that Kafka stored at different moments are different ones: the
-- log was cut between them, and the verdict on the earlier one stays true.
SELECT source_offset, count(*) FROM {proj}.webhook_receipts
WHERE source_topic = %(topic)s AND source_partition = %(partition)s
  AND source_offset >= %(start)s AND source_offset < %(end)s
GROUP BY source_offset HAVING count(*) > 1 AND count(*) > count(DISTINCT stored_at)
ORDER BY source_offset
LIMIT %(limit)s

-- name: drop_ended
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

-- name: gaps
-- Stretches of the range without a verdict, first offset and the one behind the last. The range's end closes the last one.
SELECT before + 1, here FROM (
    SELECT source_offset AS here, lag(source_offset, 1, %(start)s - 1) OVER (ORDER BY source_offset) AS before
    FROM (
        SELECT source_offset FROM {proj}.webhook_receipts
        WHERE source_topic = %(topic)s AND source_partition = %(partition)s
          AND source_offset >= %(start)s AND source_offset < %(end)s
        UNION ALL
        SELECT %(end)s
    ) AS seen
) AS steps
WHERE here > before + 1
ORDER BY here
LIMIT %(limit)s

-- name: incomplete
-- Receipts of the range whose consequences are not all rows: a duplicate whose first webhook has no verdict, a fresh one
-- with a message without row, or with fewer suppressions and signals than other facts.
SELECT judged.source_offset, judged.receipt_id, judged.lack
FROM (
    SELECT r.source_offset, r.receipt_id, CASE
        WHEN r.verdict = 'duplicate' AND NOT EXISTS (
            SELECT FROM {proj}.webhook_receipts AS first
            WHERE first.workspace_id = r.workspace_id AND first.receipt_id = r.first_receipt_id
        ) THEN 'original'
        WHEN r.verdict = 'fresh' AND EXISTS (
            SELECT FROM unnest(r.message_ids) AS produced (message_id)
            WHERE NOT EXISTS (
                SELECT FROM {proj}.messages AS m
                WHERE m.workspace_id = r.workspace_id AND m.message_id = produced.message_id
            )
        ) THEN 'message'
        WHEN r.verdict = 'fresh' AND r.fact_count > cardinality(r.message_ids) AND
            r.fact_count - cardinality(r.message_ids)
            > (SELECT count(*) FROM {proj}.lead_suppressions AS s WHERE s.receipt_id = r.receipt_id)
            + (SELECT count(*) FROM {proj}.lead_signals AS s WHERE s.receipt_id = r.receipt_id)
        THEN 'fact'
    END AS lack
    FROM {proj}.webhook_receipts AS r
    WHERE r.source_topic = %(topic)s AND r.source_partition = %(partition)s
      AND r.source_offset >= %(start)s AND r.source_offset < %(end)s
      AND r.verdict IN ('fresh', 'duplicate')
) AS judged
WHERE judged.lack IS NOT NULL
ORDER BY judged.source_offset
LIMIT %(limit)s

-- name: job_ends
-- How many jobs ended in the range.
SELECT count(*) FROM {proj}.job_ends AS e
WHERE e.src_topic = %(topic)s AND e.src_partition = %(partition)s
  AND e.first_offset >= %(start)s AND e.first_offset < %(end)s

-- name: lacking_ends
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

-- name: messages_with_jobs
-- How many messages of the range have jobs by rights: those that a person wrote to us.
SELECT count(*) FROM {proj}.messages AS m
WHERE m.direction = 'inbound' AND m.source = 'direct' AND m.src_topic = %(topic)s
  AND m.src_partition = %(partition)s AND m.src_offset >= %(start)s AND m.src_offset < %(end)s

-- name: mismatched
-- Offsets with a verdict, but about another receipt than the one that stands there in the log.
SELECT logged.source_offset
FROM unnest(%(offsets)s::bigint[], %(receipts)s::text[]) AS logged (source_offset, receipt_id)
JOIN {proj}.webhook_receipts AS r
    ON r.source_topic = %(topic)s AND r.source_partition = %(partition)s AND r.source_offset = logged.source_offset
GROUP BY logged.source_offset, logged.receipt_id
HAVING NOT bool_or(r.receipt_id::text = logged.receipt_id)
ORDER BY logged.source_offset

-- name: note_open
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

-- name: refused
-- Headers of the records that the live projections could not write; of one projection, or of all.
SELECT headers FROM ctl.dead_letters AS d
WHERE {live.d} AND d.state <> 'fixed' AND (%(projection)s::text IS NULL OR d.projection = %(projection)s)

-- name: refused_by_request
-- Those of the receipts whose message the request agent set aside.
SELECT DISTINCT letter.receipt_id FROM {proj}.dead_letters AS letter
WHERE letter.stage = 'request' AND letter.receipt_id = ANY(%(receipts)s) AND {part.unsettled}

-- name: stuck
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

-- name: unsettled
-- Of a dead letter by the name `letter`: nobody has sent it again since it failed. For one that was sent again the
-- answer is in what followed: it is fixed, and then nothing may be missing, or it has failed again, and then that newer
-- failure accounts for it.
NOT EXISTS (
    SELECT FROM {proj}.dead_letter_events AS later
    LEFT JOIN {proj}.dead_letter_events AS failed
        ON failed.letter_id = later.letter_id
        AND failed.event = 'failed'
        AND failed.stage = letter.stage
        AND failed.record_topic = letter.origin_topic
        AND failed.record_partition = letter.origin_partition
        AND failed.record_offset = letter.origin_offset
    WHERE later.event IN ('redriven', 'fixed')
        AND later.generation > coalesce(failed.generation, 0)
        AND later.letter_id = coalesce(
            (
                SELECT chained.letter_id FROM {proj}.dead_letter_events AS chained
                WHERE chained.event = 'failed'
                    AND chained.stage = letter.stage
                    AND chained.record_topic = letter.origin_topic
                    AND chained.record_partition = letter.origin_partition
                    AND chained.record_offset = letter.origin_offset
                    AND chained.letter_id NOT LIKE '%%:quarantine'
                LIMIT 1
            ),
            concat_ws(':', letter.origin_topic, letter.origin_partition, letter.origin_offset, letter.stage)
        )
)

-- name: unwritten_jobs
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

-- name: unwritten_messages
-- Those of the logged messages, by offset, that have no row.
SELECT logged.place
FROM unnest(%(offsets)s::bigint[], %(workspaces)s::text[], %(ids)s::uuid[]) AS logged (place, workspace_id, id)
WHERE NOT EXISTS (
    SELECT FROM {proj}.messages AS t WHERE t.workspace_id = logged.workspace_id AND t.message_id = logged.id
)
ORDER BY logged.place

-- name: unwritten_moves
-- Those of the logged moves, by offset, that have no row.
SELECT logged.place
FROM unnest(%(offsets)s::bigint[], %(workspaces)s::text[], %(ids)s::uuid[]) AS logged (place, workspace_id, id)
WHERE NOT EXISTS (
    SELECT FROM {proj}.message_moves AS t WHERE t.workspace_id = logged.workspace_id AND t.message_id = logged.id
)
ORDER BY logged.place

-- name: unwritten_splits
-- Those of the logged splits, by offset, that have no row.
SELECT logged.place
FROM unnest(%(offsets)s::bigint[], %(workspaces)s::text[], %(ids)s::uuid[]) AS logged (place, workspace_id, id)
WHERE NOT EXISTS (
    SELECT FROM {proj}.lead_splits AS t WHERE t.workspace_id = logged.workspace_id AND t.new_lead_id = logged.id
)
ORDER BY logged.place

-- name: verdict_offsets
-- At which offsets of the partition the receipts were judged.
SELECT r.receipt_id::text, r.source_offset
FROM unnest(%(workspaces)s::text[], %(receipts)s::uuid[]) AS wanted (workspace_id, receipt_id)
JOIN {proj}.webhook_receipts AS r ON r.workspace_id = wanted.workspace_id AND r.receipt_id = wanted.receipt_id
WHERE r.source_topic = %(topic)s AND r.source_partition = %(partition)s

-- name: verdicts
-- How many records of the range have a verdict: as many as the range is long means that none is missing.
SELECT count(DISTINCT source_offset) FROM {proj}.webhook_receipts
WHERE source_topic = %(topic)s AND source_partition = %(partition)s
  AND source_offset >= %(start)s AND source_offset < %(end)s

-- name: without_job
-- Messages of the range that lack the job their provider's plan asks for.
SELECT m.src_offset, m.receipt_id, m.message_id, plan.type
FROM {proj}.messages AS m
JOIN unnest(%(providers)s::text[], %(job_types)s::text[]) AS plan (provider, type) ON plan.provider = m.provider
WHERE m.direction = 'inbound' AND m.source = 'direct' AND m.src_topic = %(topic)s
  AND m.src_partition = %(partition)s AND m.src_offset >= %(start)s AND m.src_offset < %(end)s
  AND NOT EXISTS (
      SELECT FROM {proj}.jobs AS j
      WHERE j.workspace_id = m.workspace_id AND j.message_id = m.message_id AND j.type = plan.type
  )
ORDER BY m.src_offset
LIMIT %(limit)s
