-- Where the analysts' views contradict each other about whom nobody may write to. No row: they agree about every lead.
WITH said AS (
    SELECT
        message.workspace_id,
        message.lead_id,
        message.message_id,
        message.draft_state,
        message.follow_up_state,
        message.decision,
        message.send_at,
        lead.is_suppressed,
        lead.suppressed_at
    FROM analytics.conversations AS message
    LEFT JOIN analytics.leads AS lead
        ON lead.workspace_id = message.workspace_id AND lead.lead_id = message.lead_id
)

SELECT 'message of a lead nobody knows' AS disagreement, said.workspace_id, said.lead_id, said.message_id
FROM said
WHERE said.is_suppressed IS NULL
UNION ALL
SELECT 'open draft of a suppressed lead', said.workspace_id, said.lead_id, said.message_id
FROM said
WHERE said.is_suppressed AND said.draft_state IN ('open', 'superseded')
UNION ALL
SELECT 'open follow-up of a suppressed lead', said.workspace_id, said.lead_id, said.message_id
FROM said
WHERE said.is_suppressed AND said.follow_up_state IN ('open', 'paused')
UNION ALL
SELECT 'reply to a suppressed lead may go out', said.workspace_id, said.lead_id, said.message_id
FROM said
WHERE said.is_suppressed AND said.send_at > said.suppressed_at
UNION ALL
SELECT 'work cancelled of a lead that may be written to', said.workspace_id, said.lead_id, said.message_id
FROM said
WHERE NOT said.is_suppressed AND 'cancelled' IN (said.draft_state, said.follow_up_state)
UNION ALL
SELECT 'state and lead differ', state.workspace_id, state.lead_id, state.message_id
FROM analytics.lead_states AS state
LEFT JOIN analytics.leads AS lead
    ON lead.workspace_id = state.workspace_id AND lead.lead_id = state.lead_id
WHERE state.is_suppressed IS DISTINCT FROM lead.is_suppressed
ORDER BY 1, 2, 3, 4;
