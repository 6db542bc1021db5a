-- Every workspace of a table out of its index, without reading the table: the beginning of a statement about `known`.
WITH RECURSIVE known (workspace_id) AS (
    (SELECT min(t.workspace_id) FROM {table} AS t)
    UNION ALL
    SELECT (SELECT min(t.workspace_id) FROM {table} AS t WHERE t.workspace_id > known.workspace_id)
    FROM known WHERE known.workspace_id IS NOT NULL
)
