-- name: read
-- The newest pair of an account, if it came of the refresh token that the workspace file has now.
SELECT sealed, expires_at, generation, refreshing_since
FROM ctl.oauth_pairs
WHERE workspace_id = %(workspace_id)s AND provider = %(provider)s AND account = %(account)s AND seed = %(seed)s

-- name: begin
-- A chain of pairs begins with the refresh token of the workspace file; another one there begins another chain.
INSERT INTO ctl.oauth_pairs AS known
    (workspace_id, provider, account, seed, sealed, expires_at, generation, refreshing_since, changed_at)
VALUES
    (%(workspace_id)s, %(provider)s, %(account)s, %(seed)s, %(sealed)s, NULL, 0, NULL, now())
ON CONFLICT (workspace_id, provider, account) DO UPDATE SET
    seed = excluded.seed, sealed = excluded.sealed, expires_at = excluded.expires_at,
    generation = known.generation + 1, refreshing_since = NULL, changed_at = now()
WHERE known.seed <> excluded.seed

-- name: claim
-- One refresher at a time: its claim is written before it calls, and ends by itself should it die.
UPDATE ctl.oauth_pairs
SET refreshing_since = now()
WHERE workspace_id = %(workspace_id)s AND provider = %(provider)s AND account = %(account)s
    AND generation = %(generation)s
    AND (refreshing_since IS NULL OR refreshing_since < now() - make_interval(secs => %(lease)s))
RETURNING generation

-- name: store
-- Whoever has a new pair for a generation keeps it, also after its claim ended: a second one can't have got another.
UPDATE ctl.oauth_pairs
SET sealed = %(sealed)s, expires_at = %(expires_at)s, generation = generation + 1, refreshing_since = NULL,
    changed_at = now()
WHERE workspace_id = %(workspace_id)s AND provider = %(provider)s AND account = %(account)s
    AND generation = %(generation)s
RETURNING generation

-- name: release
-- The provider did nothing: somebody may refresh at once.
UPDATE ctl.oauth_pairs
SET refreshing_since = NULL
WHERE workspace_id = %(workspace_id)s AND provider = %(provider)s AND account = %(account)s
    AND generation = %(generation)s

-- name: spoil
-- The provider no longer takes the access token, whatever it said about its life.
UPDATE ctl.oauth_pairs
SET expires_at = NULL
WHERE workspace_id = %(workspace_id)s AND provider = %(provider)s AND account = %(account)s
    AND generation = %(generation)s
