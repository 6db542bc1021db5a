-- name: workspaces
-- Every workspace of a table out of its index, without reading the table: the beginning of a statement about `known`.
WITH RECURSIVE known (workspace_id) AS (
    (SELECT min(t.workspace_id) FROM {table} AS t)
    UNION ALL
    SELECT (SELECT min(t.workspace_id) FROM {table} AS t WHERE t.workspace_id > known.workspace_id)
    FROM known WHERE known.workspace_id IS NOT NULL
)

-- name: workspace_names
-- Every workspace that has messages.
{part.workspaces}
SELECT workspace_id FROM known WHERE workspace_id IS NOT NULL

-- name: by_key
-- What an id, or the beginning of one, names in a table whose primary key begins with workspace and id.
{part.workspaces}
SELECT {kind} AS kind, known.workspace_id AS workspace, found.id, found.at
FROM known
CROSS JOIN LATERAL (
    SELECT t.{column}::text AS id, min(t.{at}) AS at FROM {table} AS t
    WHERE t.workspace_id = known.workspace_id AND t.{column} BETWEEN %(first)s AND %(last)s
    GROUP BY t.{column} ORDER BY t.{column} LIMIT {limit}
) AS found

-- name: by_scan
-- The same where no key leads to the id: reads the whole table.
SELECT {kind} AS kind, t.workspace_id AS workspace, t.{column}::text AS id, min(t.{at}) AS at
FROM {table} AS t WHERE t.{column} BETWEEN %(first)s AND %(last)s
GROUP BY t.workspace_id, t.{column} ORDER BY 2, 3 LIMIT {limit}

-- name: by_text
-- What a text that others chose names, such as a dedupe key.
SELECT {kind} AS kind, t.workspace_id AS workspace, {id}::text AS id, min(t.{at}) AS at
FROM {table} AS t WHERE {condition} GROUP BY 2, 3 ORDER BY 4 LIMIT {limit}

-- name: messages_by_id
-- Which of the messages there are.
SELECT 'message' AS kind, workspace_id AS workspace, message_id::text AS id, received_at AS at
FROM {table} AS t
JOIN unnest(%(workspaces)s::text[], %(ids)s::uuid[]) AS i (workspace_id, message_id) USING (workspace_id, message_id)

-- name: by_identity
-- Leads that are recognised in one of these ways, each as the one it lives on in.
SELECT 'lead' AS kind, i.workspace_id AS workspace, coalesce(gone.survivor_id, i.lead_id)::text AS id,
    min(lead.created_at) AS at
FROM {proj}.lead_identities AS i
JOIN unnest(%(kinds)s::text[], %(values)s::text[]) AS wanted (kind, value) ON (wanted.kind, wanted.value) = (i.kind, i.value)
LEFT JOIN {proj}.lead_survivors AS gone ON gone.workspace_id = i.workspace_id AND gone.lead_id = i.lead_id
JOIN {proj}.leads AS lead
    ON lead.workspace_id = i.workspace_id AND lead.lead_id = coalesce(gone.survivor_id, i.lead_id)
GROUP BY 2, 3 ORDER BY 4 LIMIT %(limit)s

-- name: by_name
-- Leads of that first, last or whole name, whatever its capitals. Reads the whole table.
SELECT 'lead' AS kind, lead.workspace_id AS workspace, lead.lead_id::text AS id, lead.created_at AS at
FROM {proj}.leads AS lead
WHERE lower(%(text)s) IN (lower(lead.first_name), lower(lead.last_name), lower(concat_ws(' ', lead.first_name, lead.last_name)))
  AND NOT EXISTS (
      SELECT FROM {proj}.lead_survivors AS gone
      WHERE gone.workspace_id = lead.workspace_id AND gone.lead_id = lead.lead_id AND gone.survivor_id <> gone.lead_id
  )
ORDER BY lead.created_at DESC LIMIT %(limit)s
