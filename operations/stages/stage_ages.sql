-- name: rows
-- What rows tell of unfinished work, of all workspaces together, by the database's clock.
SELECT stage, sum(n)::bigint, min(oldest_at), now() FROM analytics.oldest_unprocessed GROUP BY stage ORDER BY stage
