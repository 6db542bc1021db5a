-- What an id, or the beginning of one, names in a table whose primary key begins with workspace and id.
{file.workspaces}
SELECT {kind} AS kind, known.workspace_id AS workspace, found.id, found.at
FROM known
CROSS JOIN LATERAL (
    SELECT t.{column}::text AS id, min(t.{at}) AS at FROM {table} AS t
    WHERE t.workspace_id = known.workspace_id AND t.{column} BETWEEN %(first)s AND %(last)s
    GROUP BY t.{column} ORDER BY t.{column} LIMIT {limit}
) AS found
