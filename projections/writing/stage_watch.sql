-- name: leave
-- What each stage has before it now. In order, so that two who write at once wait for each other.
INSERT INTO ctl.stage_backlogs AS b (stage, unread, oldest_at, observed_at)
SELECT i.stage, i.unread, i.oldest_at, clock_timestamp()
FROM unnest(%s::text[], %s::bigint[], %s::timestamptz[]) AS i (stage, unread, oldest_at)
ORDER BY i.stage
ON CONFLICT (stage) DO UPDATE
SET unread = excluded.unread, oldest_at = excluded.oldest_at, observed_at = excluded.observed_at
