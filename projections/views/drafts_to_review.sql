-- What a person has to decide, read from the decisions in the order in which they wait: a page of the oldest looks at
-- few rows more than it shows. Whose a draft is and whether it still stands is looked up draft by draft. OFFSET 0 keeps
-- the person's leads from being looked up again for each question about them, and each look in its index.
CREATE OR REPLACE VIEW {analytics}.drafts_to_review AS
SELECT
    decision.workspace_id,
    decision.draft_id,
    decision.message_id,
    message.conversation_id,
    person.lead_id,
    decision.channel,
    message.provider,
    message.account,
    message.campaign_id,
    lead.first_name,
    lead.last_name,
    lead.company,
    label.label,
    label.confidence AS label_confidence,
    message.sent_at,
    message.received_at,
    message.subject,
    message.text,
    draft.body AS draft,
    decision.concluded_at AS waiting_since_at,
    decision.reasons AS decision_reasons,
    decision.confidence AS decision_confidence,
    decision.threshold,
    decision.response_mode,
    decision.receipt_id,
    decision.src_topic,
    decision.src_partition,
    decision.src_offset
FROM {proj}.reply_decisions AS decision
LEFT JOIN {proj}.drafts AS draft
    ON draft.workspace_id = decision.workspace_id AND draft.draft_id = decision.draft_id
LEFT JOIN {proj}.messages AS message
    ON message.workspace_id = decision.workspace_id AND message.message_id = draft.message_id
LEFT JOIN {proj}.message_labels AS label
    ON label.workspace_id = decision.workspace_id AND label.message_id = draft.message_id
CROSS JOIN LATERAL (
    SELECT
        coalesce(
            (
                SELECT moved.lead_id
                FROM {proj}.moved_messages AS moved
                WHERE moved.workspace_id = message.workspace_id AND moved.message_id = message.message_id
            ),
            (
                SELECT gone.survivor_id
                FROM {proj}.lead_survivors AS gone
                WHERE gone.workspace_id = message.workspace_id AND gone.lead_id = message.lead_id
            ),
            message.lead_id
        ) AS lead_id
    OFFSET 0
) AS today
CROSS JOIN LATERAL (
    SELECT
        today.lead_id,
        ARRAY(
            WITH RECURSIVE part AS (
                SELECT today.lead_id
                UNION
                SELECT younger.lead_id
                FROM part
                CROSS JOIN LATERAL (
                    SELECT merge.lead_id
                    FROM {proj}.lead_merges AS merge
                    WHERE merge.workspace_id = decision.workspace_id AND merge.into_lead_id = part.lead_id
                    OFFSET 0
                ) AS younger
            )

            SELECT part.lead_id FROM part
        ) AS lead_ids
    OFFSET 0
) AS person
LEFT JOIN {proj}.leads AS lead
    ON lead.workspace_id = decision.workspace_id AND lead.lead_id = person.lead_id
WHERE decision.decision = 'needs_review'
    -- Not IS NOT NULL: that would make inner joins of the outer ones, which are estimated at next to no rows.
    AND coalesce(draft.body, '') <> ''
    AND coalesce(message.direction, '') <> ''
    AND (
        SELECT (step.src_partition, step.src_offset) = (decision.src_partition, decision.src_offset)
        FROM {proj}.enrichments AS step
        WHERE step.workspace_id = decision.workspace_id AND step.job_id = decision.job_id AND step.step = 'decide_reply'
    )
    AND (
        SELECT (step.src_partition, step.src_offset) = (draft.src_partition, draft.src_offset)
        FROM {proj}.enrichments AS step
        WHERE step.workspace_id = draft.workspace_id AND step.job_id = draft.job_id AND step.step = 'draft'
    )
    -- Asked in one, so that each stays a look into an index.
    AND NOT (
        EXISTS (
            SELECT FROM {proj}.lead_suppressions AS suppression
            WHERE suppression.workspace_id = decision.workspace_id AND suppression.lead_id = ANY(person.lead_ids)
        )
        OR EXISTS (
            SELECT FROM {proj}.messages AS later
            WHERE later.workspace_id = decision.workspace_id
                AND later.lead_id = ANY(person.lead_ids)
                AND later.direction = 'inbound'
                AND NOT later.is_automated
                AND (later.sent_at, later.received_at, later.message_id)
                    > (message.sent_at, message.received_at, message.message_id)
                AND NOT EXISTS (
                    SELECT FROM {proj}.message_moves AS move
                    WHERE move.workspace_id = later.workspace_id AND move.message_id = later.message_id
                )
        )
        OR EXISTS (
            SELECT FROM {proj}.message_moves AS move
            JOIN {proj}.messages AS later
                ON later.workspace_id = move.workspace_id AND later.message_id = move.message_id
            WHERE move.workspace_id = decision.workspace_id
                AND move.into_lead_id = ANY(person.lead_ids)
                AND later.direction = 'inbound'
                AND NOT later.is_automated
                AND (later.sent_at, later.received_at, later.message_id)
                    > (message.sent_at, message.received_at, message.message_id)
        )
    );

COMMENT ON VIEW {analytics}.drafts_to_review IS 'One row for each draft that waits for a person: it may not go out by itself, nothing was written since, and its lead may be written to. Oldest first: ORDER BY waiting_since_at, draft_id.';
COMMENT ON COLUMN {analytics}.drafts_to_review.workspace_id IS 'The workspace.';
COMMENT ON COLUMN {analytics}.drafts_to_review.draft_id IS 'The draft. Joins analytics.conversations.';
COMMENT ON COLUMN {analytics}.drafts_to_review.message_id IS 'The message it answers. Joins analytics.messages.';
COMMENT ON COLUMN {analytics}.drafts_to_review.conversation_id IS 'The provider''s thread.';
COMMENT ON COLUMN {analytics}.drafts_to_review.lead_id IS 'The lead, as it is known today. Joins analytics.leads.';
COMMENT ON COLUMN {analytics}.drafts_to_review.channel IS 'sms, linkedin or email.';
COMMENT ON COLUMN {analytics}.drafts_to_review.provider IS 'The provider the message came from.';
COMMENT ON COLUMN {analytics}.drafts_to_review.account IS 'Our mailbox, phone number or account.';
COMMENT ON COLUMN {analytics}.drafts_to_review.campaign_id IS 'The provider''s campaign; null outside campaigns.';
COMMENT ON COLUMN {analytics}.drafts_to_review.first_name IS 'The lead''s first name.';
COMMENT ON COLUMN {analytics}.drafts_to_review.last_name IS 'Its last name.';
COMMENT ON COLUMN {analytics}.drafts_to_review.company IS 'Its company.';
COMMENT ON COLUMN {analytics}.drafts_to_review.label IS 'The message''s label.';
COMMENT ON COLUMN {analytics}.drafts_to_review.label_confidence IS '0 to 1; 1 when a rule decided.';
COMMENT ON COLUMN {analytics}.drafts_to_review.sent_at IS 'When the message was written, by the provider''s clock.';
COMMENT ON COLUMN {analytics}.drafts_to_review.received_at IS 'When its webhook reached Headrace.';
COMMENT ON COLUMN {analytics}.drafts_to_review.subject IS 'Its subject; e-mail only.';
COMMENT ON COLUMN {analytics}.drafts_to_review.text IS 'What the lead wrote this time.';
COMMENT ON COLUMN {analytics}.drafts_to_review.draft IS 'The drafted answer.';
COMMENT ON COLUMN {analytics}.drafts_to_review.waiting_since_at IS 'Since when it waits: when it was decided that a person decides.';
COMMENT ON COLUMN {analytics}.drafts_to_review.decision_reasons IS 'Everything that speaks against sending it without a person.';
COMMENT ON COLUMN {analytics}.drafts_to_review.decision_confidence IS 'How sure the evaluator is that sending is right, 0 to 1; null when it was not asked.';
COMMENT ON COLUMN {analytics}.drafts_to_review.threshold IS 'How sure it would have to be.';
COMMENT ON COLUMN {analytics}.drafts_to_review.response_mode IS 'AI_AUTO_SEND (drafts may go out by themselves) or SETTER_MANAGED (a person sends each).';
COMMENT ON COLUMN {analytics}.drafts_to_review.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN {analytics}.drafts_to_review.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN {analytics}.drafts_to_review.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.drafts_to_review.src_offset IS 'Lineage: its offset.';
