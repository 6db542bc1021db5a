-- Every workspace that has messages.
{file.workspaces}
SELECT workspace_id FROM known WHERE workspace_id IS NOT NULL
