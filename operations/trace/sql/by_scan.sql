-- The same where no key leads to the id: reads the whole table.
SELECT {kind} AS kind, t.workspace_id AS workspace, t.{column}::text AS id, min(t.{at}) AS at
FROM {table} AS t WHERE t.{column} BETWEEN %(first)s AND %(last)s
GROUP BY t.workspace_id, t.{column} ORDER BY 2, 3 LIMIT {limit}
