-- The newest message decides, by when it was written: what was processed late overwrites nothing. A machine's message
-- counts only for leads nobody has written for, and a suppression counts whatever is written after it.
CREATE OR REPLACE VIEW {analytics}.lead_states AS
WITH survivor AS (
    SELECT gone.workspace_id, gone.lead_id, gone.survivor_id
    FROM {proj}.lead_survivors AS gone
),

suppressed AS (
    SELECT
        suppression.workspace_id,
        coalesce(survivor.survivor_id, suppression.lead_id) AS lead_id
    FROM {proj}.lead_suppressions AS suppression
    LEFT JOIN survivor
        ON survivor.workspace_id = suppression.workspace_id AND survivor.lead_id = suppression.lead_id
    GROUP BY suppression.workspace_id, coalesce(survivor.survivor_id, suppression.lead_id)
),

newest AS (
    SELECT DISTINCT ON (state.workspace_id, coalesce(moved.lead_id, survivor.survivor_id, state.lead_id))
        state.workspace_id,
        coalesce(moved.lead_id, survivor.survivor_id, state.lead_id) AS lead_id,
        state.lead_id AS original_lead_id,
        survivor.survivor_id,
        moved.lead_id IS NOT NULL AS is_moved,
        state.status,
        state.label,
        state.message_id,
        state.sent_at,
        state.concluded_at,
        state.receipt_id,
        state.src_topic,
        state.src_partition,
        state.src_offset
    FROM {proj}.lead_states AS state
    LEFT JOIN survivor ON survivor.workspace_id = state.workspace_id AND survivor.lead_id = state.lead_id
    LEFT JOIN {proj}.moved_messages AS moved
        ON moved.workspace_id = state.workspace_id AND moved.message_id = state.message_id
    WHERE (
        SELECT (step.src_partition, step.src_offset) = (state.src_partition, state.src_offset)
        FROM {proj}.enrichments AS step
        WHERE step.workspace_id = state.workspace_id AND step.job_id = state.job_id AND step.step = 'lead_state'
    )
    ORDER BY
        state.workspace_id,
        coalesce(moved.lead_id, survivor.survivor_id, state.lead_id),
        state.is_automated,
        state.sent_at DESC,
        state.received_at DESC,
        state.message_id DESC
)

SELECT
    state.workspace_id,
    state.lead_id,
    CASE WHEN suppressed.lead_id IS NOT NULL THEN 'blacklisted' ELSE state.status END AS status,
    state.label,
    state.label IN ('Meeting Booked', 'Meeting Requested', 'Call Requested', 'Information Requested', 'Interested')
        AS is_positive,
    suppressed.lead_id IS NOT NULL AS is_suppressed,
    state.message_id,
    state.sent_at AS state_since_at,
    state.concluded_at,
    score.fit,
    score.intent,
    score.overall,
    score.reasoning,
    state.receipt_id,
    state.src_topic,
    state.src_partition,
    state.src_offset
FROM newest AS state
LEFT JOIN suppressed ON suppressed.workspace_id = state.workspace_id AND suppressed.lead_id = state.lead_id
LEFT JOIN LATERAL (
    SELECT newest.fit, newest.intent, newest.overall, newest.reasoning
    FROM (
        SELECT kept.*
        FROM {proj}.lead_scores AS kept
        WHERE NOT state.is_moved
            AND kept.workspace_id = state.workspace_id
            AND kept.lead_id IN (state.original_lead_id, state.survivor_id)
            AND NOT EXISTS (
                SELECT FROM {proj}.message_moves AS move
                WHERE move.workspace_id = kept.workspace_id AND move.message_id = kept.message_id
            )
        UNION ALL
        SELECT kept.*
        FROM {proj}.lead_scores AS kept
        WHERE state.is_moved AND kept.workspace_id = state.workspace_id AND kept.message_id = state.message_id
    ) AS newest
    ORDER BY newest.sent_at DESC, newest.received_at DESC, newest.message_id DESC
    LIMIT 1
) AS score ON TRUE;

COMMENT ON VIEW {analytics}.lead_states IS 'One row for each lead that has written: its status, label and score as of its newest message.';
COMMENT ON COLUMN {analytics}.lead_states.workspace_id IS 'The workspace the lead belongs to.';
COMMENT ON COLUMN {analytics}.lead_states.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on; after a split, the one that wrote the message. Joins analytics.leads.';
COMMENT ON COLUMN {analytics}.lead_states.status IS 'new, qualified, meeting-requested, meeting-booked, not-interested or blacklisted (nobody may write to it).';
COMMENT ON COLUMN {analytics}.lead_states.label IS 'The label of its newest message; of a machine''s message only while no person has written.';
COMMENT ON COLUMN {analytics}.lead_states.is_positive IS 'True when the label says that the lead wants to go on.';
COMMENT ON COLUMN {analytics}.lead_states.is_suppressed IS 'True when nobody may write to the lead.';
COMMENT ON COLUMN {analytics}.lead_states.message_id IS 'The message that decided. Joins analytics.messages.';
COMMENT ON COLUMN {analytics}.lead_states.state_since_at IS 'When that message was written.';
COMMENT ON COLUMN {analytics}.lead_states.concluded_at IS 'When that was concluded.';
COMMENT ON COLUMN {analytics}.lead_states.fit IS 'How well the lead fits, 1 (wrong) to 4 (ideal), by its newest score; null before the first.';
COMMENT ON COLUMN {analytics}.lead_states.intent IS 'How much it wants, 1 (nothing) to 4 (ready to book).';
COMMENT ON COLUMN {analytics}.lead_states.overall IS 'Both together, 1 (drop) to 4 (best).';
COMMENT ON COLUMN {analytics}.lead_states.reasoning IS 'What the score rests on.';
COMMENT ON COLUMN {analytics}.lead_states.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN {analytics}.lead_states.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN {analytics}.lead_states.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.lead_states.src_offset IS 'Lineage: its offset.';
