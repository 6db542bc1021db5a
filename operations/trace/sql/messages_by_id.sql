-- Which of the messages there are.
SELECT 'message' AS kind, workspace_id AS workspace, message_id::text AS id, received_at AS at
FROM {table} AS t
JOIN unnest(%(workspaces)s::text[], %(ids)s::uuid[]) AS i (workspace_id, message_id) USING (workspace_id, message_id)
