-- A suppression or a newer message counts for the whole person, whichever of its merged leads it was addressed to. What
-- merged leads bring along is computed for them alone: they are few, and the others stay index look-ups. So are the
-- messages that a split gave to another lead: they count there, and no longer where they came in.
CREATE OR REPLACE VIEW {analytics}.conversations AS
WITH merged_suppression AS (
    SELECT
        survivor.workspace_id,
        survivor.survivor_id AS lead_id,
        min(least(suppression.occurred_at, suppression.received_at)) AS suppressed_at
    FROM {proj}.lead_survivors AS survivor
    JOIN {proj}.lead_suppressions AS suppression
        ON suppression.workspace_id = survivor.workspace_id AND suppression.lead_id = survivor.lead_id
    GROUP BY survivor.workspace_id, survivor.survivor_id
),

brought_along AS (
    SELECT survivor.workspace_id, survivor.survivor_id AS lead_id, merged.sent_at, merged.received_at, merged.message_id
    FROM {proj}.lead_survivors AS survivor
    JOIN {proj}.messages AS merged
        ON merged.workspace_id = survivor.workspace_id AND merged.lead_id = survivor.lead_id
    WHERE merged.direction = 'inbound' AND NOT merged.is_automated
        AND NOT EXISTS (
            SELECT FROM {proj}.message_moves AS move
            WHERE move.workspace_id = merged.workspace_id AND move.message_id = merged.message_id
        )
    UNION ALL
    SELECT elsewhere.workspace_id, elsewhere.lead_id, taken.sent_at, taken.received_at, taken.message_id
    FROM {proj}.moved_messages AS elsewhere
    JOIN {proj}.messages AS taken
        ON taken.workspace_id = elsewhere.workspace_id AND taken.message_id = elsewhere.message_id
    WHERE taken.direction = 'inbound' AND NOT taken.is_automated
),

merged_newest AS (
    SELECT DISTINCT ON (workspace_id, lead_id) workspace_id, lead_id, sent_at, received_at, message_id
    FROM brought_along
    ORDER BY workspace_id, lead_id, sent_at DESC, received_at DESC, message_id DESC
)

SELECT
    message.workspace_id,
    message.message_id,
    message.conversation_id,
    message.lead_id,
    message.channel,
    message.direction,
    message.sent_at,
    message.sent_date,
    message.received_at,
    message.text,
    label.label,
    label.confidence AS label_confidence,
    label.is_opt_out,
    label.is_automated AS is_machine_written,
    label.needs_review,
    label.is_injection_suspected,
    label.contains_phone,
    label.has_proposed_time,
    label.rule AS label_rule,
    label.ai_model AS label_model,
    follow_up.kind AS follow_up_kind,
    follow_up.due_at AS follow_up_due_at,
    follow_up.timezone AS follow_up_timezone,
    follow_up.timezone_evidence AS follow_up_timezone_evidence,
    booking.is_proposed AS is_booking_proposed,
    booking.start_at AS booking_start_at,
    booking.reason AS booking_decline_reason,
    booking.process AS booking_process,
    draft.draft_id,
    CASE
        WHEN draft.draft_id IS NULL THEN NULL
        WHEN draft.body IS NULL THEN 'rejected'
        WHEN person.suppressed_at IS NOT NULL THEN 'cancelled'
        WHEN newer.is_there THEN 'superseded'
        ELSE 'open'
    END AS draft_state,
    draft.body AS draft,
    draft.failed_checks AS draft_failed_checks,
    CASE WHEN decision.send_at > person.suppressed_at THEN 'blocked' ELSE decision.decision END AS decision,
    CASE WHEN decision.send_at > person.suppressed_at THEN NULL ELSE decision.send_at END AS send_at,
    CASE WHEN decision.send_at > person.suppressed_at THEN ARRAY['suppressed'] ELSE decision.reasons END AS decision_reasons,
    decision.confidence AS decision_confidence,
    score.fit,
    score.intent,
    score.overall,
    message.receipt_id,
    message.src_topic,
    message.src_partition,
    message.src_offset,
    CASE
        WHEN follow_up.kind IS NULL THEN NULL
        WHEN person.suppressed_at IS NOT NULL THEN 'cancelled'
        WHEN newer.is_there THEN 'paused'
        ELSE 'open'
    END AS follow_up_state
FROM {analytics}.messages AS message
LEFT JOIN {proj}.message_labels AS label
    ON label.workspace_id = message.workspace_id AND label.message_id = message.message_id
LEFT JOIN LATERAL (
    SELECT kept.*
    FROM {proj}.follow_ups AS kept
    JOIN {proj}.enrichments AS step
        ON step.workspace_id = kept.workspace_id AND step.job_id = kept.job_id AND step.step = 'follow_up_timing'
        AND step.src_partition = kept.src_partition AND step.src_offset = kept.src_offset
    WHERE kept.workspace_id = message.workspace_id AND kept.message_id = message.message_id
) AS follow_up ON TRUE
LEFT JOIN LATERAL (
    SELECT kept.*
    FROM {proj}.booking_decisions AS kept
    JOIN {proj}.enrichments AS step
        ON step.workspace_id = kept.workspace_id AND step.job_id = kept.job_id AND step.step = 'booking_decision'
        AND step.src_partition = kept.src_partition AND step.src_offset = kept.src_offset
    WHERE kept.workspace_id = message.workspace_id AND kept.message_id = message.message_id
) AS booking ON TRUE
LEFT JOIN LATERAL (
    SELECT kept.*
    FROM {proj}.drafts AS kept
    JOIN {proj}.enrichments AS step
        ON step.workspace_id = kept.workspace_id AND step.job_id = kept.job_id AND step.step = 'draft'
        AND step.src_partition = kept.src_partition AND step.src_offset = kept.src_offset
    WHERE kept.workspace_id = message.workspace_id AND kept.message_id = message.message_id
) AS draft ON TRUE
LEFT JOIN LATERAL (
    SELECT kept.*
    FROM {proj}.reply_decisions AS kept
    JOIN {proj}.enrichments AS step
        ON step.workspace_id = kept.workspace_id AND step.job_id = kept.job_id AND step.step = 'decide_reply'
        AND step.src_partition = kept.src_partition AND step.src_offset = kept.src_offset
    WHERE kept.workspace_id = draft.workspace_id AND kept.draft_id = draft.draft_id
) AS decision ON TRUE
LEFT JOIN LATERAL (
    SELECT kept.fit, kept.intent, kept.overall
    FROM {proj}.lead_scores AS kept
    WHERE kept.workspace_id = message.workspace_id AND kept.message_id = message.message_id
    ORDER BY kept.concluded_at DESC
    LIMIT 1
) AS score ON TRUE
LEFT JOIN merged_suppression
    ON merged_suppression.workspace_id = message.workspace_id AND merged_suppression.lead_id = message.lead_id
LEFT JOIN merged_newest
    ON merged_newest.workspace_id = message.workspace_id AND merged_newest.lead_id = message.lead_id
CROSS JOIN LATERAL (
    SELECT least(min(least(own.occurred_at, own.received_at)), merged_suppression.suppressed_at) AS suppressed_at
    FROM {proj}.lead_suppressions AS own
    WHERE own.workspace_id = message.workspace_id
        AND own.lead_id = message.lead_id
        AND (draft.draft_id IS NOT NULL OR follow_up.kind IS NOT NULL)
) AS person
CROSS JOIN LATERAL (
    SELECT
        coalesce(
            (merged_newest.sent_at, merged_newest.received_at, merged_newest.message_id)
            > (message.sent_at, message.received_at, message.message_id),
            FALSE
        )
        OR EXISTS (
            SELECT FROM {proj}.messages AS later
            WHERE later.workspace_id = message.workspace_id
                AND later.lead_id = message.lead_id
                AND later.direction = 'inbound'
                AND NOT later.is_automated
                AND NOT EXISTS (
                    SELECT FROM {proj}.message_moves AS move
                    WHERE move.workspace_id = later.workspace_id AND move.message_id = later.message_id
                )
                AND (later.sent_at, later.received_at, later.message_id)
                    > (message.sent_at, message.received_at, message.message_id)
                AND (draft.draft_id IS NOT NULL OR follow_up.kind IS NOT NULL)
        ) AS is_there
) AS newer;

COMMENT ON VIEW {analytics}.conversations IS 'One row for each message in either direction, with what was concluded about it: label, follow-up, booking, draft, decision and score.';
COMMENT ON COLUMN {analytics}.conversations.workspace_id IS 'The workspace the message belongs to.';
COMMENT ON COLUMN {analytics}.conversations.message_id IS 'The message. Joins analytics.messages.';
COMMENT ON COLUMN {analytics}.conversations.conversation_id IS 'The provider''s thread.';
COMMENT ON COLUMN {analytics}.conversations.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on. Joins analytics.leads.';
COMMENT ON COLUMN {analytics}.conversations.channel IS 'sms, linkedin or email.';
COMMENT ON COLUMN {analytics}.conversations.direction IS 'inbound (the lead wrote) or outbound.';
COMMENT ON COLUMN {analytics}.conversations.sent_at IS 'When it was written or sent, by the provider''s clock.';
COMMENT ON COLUMN {analytics}.conversations.sent_date IS 'The UTC day of sent_at.';
COMMENT ON COLUMN {analytics}.conversations.received_at IS 'When its webhook reached Headrace.';
COMMENT ON COLUMN {analytics}.conversations.text IS 'What its author wrote this time.';
COMMENT ON COLUMN {analytics}.conversations.label IS 'The message''s label; null for outbound ones and before it is classified.';
COMMENT ON COLUMN {analytics}.conversations.label_confidence IS '0 to 1; 1 when a rule decided.';
COMMENT ON COLUMN {analytics}.conversations.is_opt_out IS 'True when the lead asks to end contact.';
COMMENT ON COLUMN {analytics}.conversations.is_machine_written IS 'True when a machine wrote it.';
COMMENT ON COLUMN {analytics}.conversations.needs_review IS 'True when a person should look: the label is a guess, or the text tries to steer a model.';
COMMENT ON COLUMN {analytics}.conversations.is_injection_suspected IS 'True when the text tries to steer a model.';
COMMENT ON COLUMN {analytics}.conversations.contains_phone IS 'The first phone number in it, E.164.';
COMMENT ON COLUMN {analytics}.conversations.has_proposed_time IS 'True when it names a day or time for a meeting or call.';
COMMENT ON COLUMN {analytics}.conversations.label_rule IS 'The deterministic rule that decided the label; null when a model did.';
COMMENT ON COLUMN {analytics}.conversations.label_model IS 'The model that decided the label; null when a rule did.';
COMMENT ON COLUMN {analytics}.conversations.follow_up_kind IS 'recontact (the lead named a time) or clarify (it named none and is asked once more); null without a follow-up.';
COMMENT ON COLUMN {analytics}.conversations.follow_up_due_at IS 'When to write again.';
COMMENT ON COLUMN {analytics}.conversations.follow_up_timezone IS 'The zone the lead''s times are read in.';
COMMENT ON COLUMN {analytics}.conversations.follow_up_timezone_evidence IS 'What the zone was read from: text, phone, country or workspace.';
COMMENT ON COLUMN {analytics}.conversations.is_booking_proposed IS 'True when a slot may be booked without a person, false when not; null when no meeting was asked for.';
COMMENT ON COLUMN {analytics}.conversations.booking_start_at IS 'That slot.';
COMMENT ON COLUMN {analytics}.conversations.booking_decline_reason IS 'Why nothing is booked without a person.';
COMMENT ON COLUMN {analytics}.conversations.booking_process IS 'How the wish to meet is answered: link_and_qualification, offered_slots, lead_proposes_time, callback, lead_calendar or none.';
COMMENT ON COLUMN {analytics}.conversations.draft_id IS 'The draft of an answer; null when none was called for.';
COMMENT ON COLUMN {analytics}.conversations.draft_state IS 'open, superseded (the lead wrote again), cancelled (nobody may write to the lead) or rejected (it did not pass the checks).';
COMMENT ON COLUMN {analytics}.conversations.draft IS 'The drafted answer; null when it was rejected.';
COMMENT ON COLUMN {analytics}.conversations.draft_failed_checks IS 'The checks that rejected it.';
COMMENT ON COLUMN {analytics}.conversations.decision IS 'send_at (it may go out by itself), needs_review (a person decides) or blocked; blocked as soon as nobody may write to the lead by the time it was to go out.';
COMMENT ON COLUMN {analytics}.conversations.send_at IS 'When it may go out; null when it may not.';
COMMENT ON COLUMN {analytics}.conversations.decision_reasons IS 'Everything that speaks against sending it without a person.';
COMMENT ON COLUMN {analytics}.conversations.decision_confidence IS 'How sure the evaluator is that sending is right, 0 to 1; null when it was not asked.';
COMMENT ON COLUMN {analytics}.conversations.fit IS 'The lead''s fit as of this message, 1 to 4.';
COMMENT ON COLUMN {analytics}.conversations.intent IS 'Its intent, 1 to 4.';
COMMENT ON COLUMN {analytics}.conversations.overall IS 'Its overall score, 1 to 4.';
COMMENT ON COLUMN {analytics}.conversations.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN {analytics}.conversations.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN {analytics}.conversations.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.conversations.src_offset IS 'Lineage: its offset.';
COMMENT ON COLUMN {analytics}.conversations.follow_up_state IS 'open, paused (the lead wrote again) or cancelled (nobody may write to the lead); null without a follow-up, and once it was taken back.';
