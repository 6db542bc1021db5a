-- name: waiting
-- Replies that wait for a person and have no draft to look at, without anybody's text.
SELECT
    workspace_id AS workspace,
    message_id::text,
    lead_id::text,
    job_id::text,
    reason,
    fields,
    todo,
    waiting_since_at,
    job_reason,
    channel,
    provider,
    receipt_id::text
FROM analytics.needs_person
WHERE (%(workspace)s::text IS NULL OR workspace_id = %(workspace)s)
    AND (%(reason)s::text IS NULL OR reason = %(reason)s)
    AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s)
ORDER BY waiting_since_at, message_id
