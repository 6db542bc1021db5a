-- Those of the logged moves, by offset, that have no row.
SELECT logged.place
FROM unnest(%(offsets)s::bigint[], %(workspaces)s::text[], %(ids)s::uuid[]) AS logged (place, workspace_id, id)
WHERE NOT EXISTS (
    SELECT FROM {proj}.message_moves AS t WHERE t.workspace_id = logged.workspace_id AND t.message_id = logged.id
)
ORDER BY logged.place
