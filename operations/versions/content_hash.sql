-- name: session
-- How values become text, and that a statement ends with the process that asked for it.
SELECT set_config('timezone', 'UTC', false), set_config('datestyle', 'ISO, YMD', false),
       set_config('intervalstyle', 'iso_8601', false), set_config('extra_float_digits', '1', false),
       set_config('bytea_output', 'hex', false), set_config('statement_timeout', '0', false),
       set_config('client_connection_check_interval', '2s', false)

-- name: columns
-- The columns of some tables of a schema: each with its place in the primary key, -1 outside of it, and its type.
SELECT c.relname, a.attname, coalesce(array_position(i.indkey::int2[], a.attnum), -1), format_type(a.atttypid, NULL)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary
WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND c.relname = ANY(%s)
ORDER BY c.relname, a.attname
