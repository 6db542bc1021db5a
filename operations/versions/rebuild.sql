-- name: live_size
-- Rows and bytes of some tables, as Postgres' statistics have them.
SELECT coalesce(sum(greatest(s.n_live_tup, c.reltuples::bigint, 0)), 0)::bigint,
    coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
FROM unnest(%s::text[]) AS n (name)
JOIN pg_class AS c ON c.oid = to_regclass(n.name)
LEFT JOIN pg_stat_all_tables AS s ON s.relid = c.oid
