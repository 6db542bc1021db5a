-- What a text that others chose names, such as a dedupe key.
SELECT {kind} AS kind, t.workspace_id AS workspace, {id}::text AS id, min(t.{at}) AS at
FROM {table} AS t WHERE {condition} GROUP BY 2, 3 ORDER BY 4 LIMIT {limit}
