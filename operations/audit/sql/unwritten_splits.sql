-- Those of the logged splits, by offset, that have no row.
SELECT logged.place
FROM unnest(%(offsets)s::bigint[], %(workspaces)s::text[], %(ids)s::uuid[]) AS logged (place, workspace_id, id)
WHERE NOT EXISTS (
    SELECT FROM {proj}.lead_splits AS t WHERE t.workspace_id = logged.workspace_id AND t.new_lead_id = logged.id
)
ORDER BY logged.place
