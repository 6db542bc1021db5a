-- The newest message decides, by when it was written: what was processed late overwrites nothing. A machine's message
-- counts only for leads nobody has written for, and a suppression counts whatever is written after it.
CREATE OR REPLACE VIEW {analytics}.lead_states AS
SELECT DISTINCT ON (state.workspace_id, coalesce(moved.lead_id, survivor.survivor_id, state.lead_id))
    state.workspace_id,
    coalesce(moved.lead_id, survivor.survivor_id, state.lead_id) AS lead_id,
    CASE WHEN suppression.occurred_at IS NOT NULL THEN 'blacklisted' ELSE state.status END AS status,
    state.label,
    state.label IN ('Meeting Booked', 'Meeting Requested', 'Call Requested', 'Information Requested', 'Interested')
        AS is_positive,
    suppression.occurred_at IS NOT NULL AS is_suppressed,
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
FROM {proj}.lead_states AS state
JOIN {proj}.enrichments AS step
    ON step.workspace_id = state.workspace_id
    AND step.job_id = state.job_id
    AND step.step = 'lead_state'
    AND step.src_partition = state.src_partition
    AND step.src_offset = state.src_offset
LEFT JOIN {proj}.lead_survivors AS survivor
    ON survivor.workspace_id = state.workspace_id AND survivor.lead_id = state.lead_id
LEFT JOIN {proj}.moved_messages AS moved
    ON moved.workspace_id = state.workspace_id AND moved.message_id = state.message_id
LEFT JOIN LATERAL (
    SELECT min(found.occurred_at) AS occurred_at
    FROM {proj}.lead_suppressions AS found
    WHERE found.workspace_id = state.workspace_id
        AND found.lead_id IN (
            SELECT coalesce(moved.lead_id, state.lead_id)
            UNION ALL
            SELECT coalesce(moved.lead_id, survivor.survivor_id)
            UNION ALL
            SELECT other.lead_id
            FROM {proj}.lead_survivors AS other
            WHERE other.workspace_id = state.workspace_id
                AND other.survivor_id = coalesce(moved.lead_id, survivor.survivor_id, state.lead_id)
        )
) AS suppression ON TRUE
LEFT JOIN LATERAL (
    SELECT newest.fit, newest.intent, newest.overall, newest.reasoning
    FROM {proj}.lead_scores AS newest
    WHERE newest.workspace_id = state.workspace_id
        AND CASE
            WHEN moved.lead_id IS NULL THEN
                newest.lead_id IN (state.lead_id, survivor.survivor_id)
                AND NOT EXISTS (
                    SELECT FROM {proj}.message_moves AS move
                    WHERE move.workspace_id = newest.workspace_id AND move.message_id = newest.message_id
                )
            ELSE newest.message_id = state.message_id
        END
    ORDER BY newest.sent_at DESC, newest.received_at DESC, newest.message_id DESC
    LIMIT 1
) AS score ON TRUE
ORDER BY
    state.workspace_id,
    coalesce(moved.lead_id, survivor.survivor_id, state.lead_id),
    state.is_automated,
    state.sent_at DESC,
    state.received_at DESC,
    state.message_id DESC;

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
