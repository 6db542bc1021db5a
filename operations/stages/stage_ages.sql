-- name: rows
-- What rows tell of unfinished work, of all workspaces together.
SELECT stage, sum(n)::bigint, min(oldest_at) FROM analytics.oldest_unprocessed GROUP BY stage ORDER BY stage
