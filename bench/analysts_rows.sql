-- name: columns
-- The columns of a table in the first version, with their types.
SELECT attname, format_type(atttypid, atttypmod)
FROM pg_attribute
WHERE attrelid = ('proj_v1.' || %s)::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY attnum

-- name: indexes
-- How a table's indexes are made, the primary key's left out.
SELECT pg_get_indexdef(indexrelid)
FROM pg_index
WHERE indrelid = ('proj_v1.' || %s)::regclass AND NOT indisprimary

-- name: drop_indexes
-- Rows are put in faster without.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT indexrelid::regclass
        FROM pg_index
        WHERE indrelid = 'proj_v1.{table}'::regclass AND NOT indisprimary
    LOOP
        EXECUTE format('DROP INDEX %s', name);
    END LOOP;
END
$$

-- name: vary
-- Replies of the log are all alike; these get labels, decisions and follow-ups as replies have them. The choice rests
-- on the message's id, so that all tables agree.
WITH kind AS (
    SELECT message.workspace_id, message.message_id, ('x' || left(md5(message.message_id::text), 6))::bit(24)::int % 100 AS n
    FROM proj_v1.messages AS message
    WHERE message.direction = 'inbound'
),

labelled AS (
    UPDATE proj_v1.message_labels AS label
    SET
        label = CASE
            WHEN kind.n < 3 THEN 'Blacklist'
            WHEN kind.n < 20 THEN 'Out of Office'
            WHEN kind.n < 50 THEN 'Not Interested'
            WHEN kind.n < 80 THEN 'Interested'
            ELSE 'Meeting Requested'
        END,
        is_opt_out = kind.n < 3,
        is_automated = kind.n BETWEEN 3 AND 19,
        rule = CASE WHEN kind.n < 3 THEN 'opt-out' END,
        needs_review = kind.n IN (55, 85)
    FROM kind
    WHERE kind.workspace_id = label.workspace_id AND kind.message_id = label.message_id
),

undrafted AS (
    DELETE FROM proj_v1.drafts AS draft
    USING kind
    WHERE kind.message_id = draft.message_id AND kind.n < 50
),

undecided AS (
    DELETE FROM proj_v1.reply_decisions AS decision
    USING kind
    WHERE kind.message_id = decision.message_id AND kind.n < 50
),

sent AS (
    UPDATE proj_v1.reply_decisions AS decision
    SET decision = 'send_at', send_at = decision.concluded_at + interval '1 hour', reasons = '{}'
    FROM kind
    WHERE kind.message_id = decision.message_id AND kind.n BETWEEN 65 AND 79
),

deferred AS (
    UPDATE proj_v1.follow_ups AS follow_up
    SET due_at = follow_up.due_at + interval '1 day'
    FROM kind
    WHERE kind.message_id = follow_up.message_id AND kind.n BETWEEN 30 AND 39
),

died AS (
    UPDATE proj_v1.job_ends AS finish
    SET outcome = 'died', step = 'draft', error_class = 'permanent', reason = 'refused'
    FROM proj_v1.jobs AS job
    JOIN kind ON kind.message_id = job.message_id
    WHERE job.job_id = finish.job_id AND kind.n = 50
),

open AS (
    DELETE FROM proj_v1.job_ends AS finish
    USING proj_v1.jobs AS job, kind
    WHERE job.job_id = finish.job_id AND kind.message_id = job.message_id AND kind.n = 99
)

DELETE FROM proj_v1.follow_ups AS follow_up
USING kind
WHERE kind.message_id = follow_up.message_id AND kind.n NOT BETWEEN 30 AND 39
