CREATE OR REPLACE VIEW {analytics}.conversations AS
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
        WHEN lead.is_suppressed THEN 'cancelled'
        WHEN newer.message_id IS NOT NULL THEN 'superseded'
        ELSE 'open'
    END AS draft_state,
    draft.body AS draft,
    draft.failed_checks AS draft_failed_checks,
    decision.decision,
    decision.send_at,
    decision.reasons AS decision_reasons,
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
        WHEN lead.is_suppressed THEN 'cancelled'
        WHEN newer.message_id IS NOT NULL THEN 'paused'
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
LEFT JOIN LATERAL (
    SELECT suppressed.occurred_at IS NOT NULL AS is_suppressed
    FROM {proj}.lead_suppressions AS suppressed
    WHERE suppressed.workspace_id = message.workspace_id
        AND suppressed.lead_id IN (message.lead_id, message.original_lead_id)
        AND (draft.draft_id IS NOT NULL OR follow_up.kind IS NOT NULL)
    LIMIT 1
) AS lead ON TRUE
LEFT JOIN LATERAL (
    SELECT later.message_id
    FROM {proj}.messages AS later
    WHERE later.workspace_id = message.workspace_id
        AND later.lead_id IN (message.lead_id, message.original_lead_id)
        AND later.direction = 'inbound'
        AND NOT later.is_automated
        AND (later.sent_at, later.received_at, later.message_id)
            > (message.sent_at, message.received_at, message.message_id)
        AND (draft.draft_id IS NOT NULL OR follow_up.kind IS NOT NULL)
    LIMIT 1
) AS newer ON TRUE;

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
COMMENT ON COLUMN {analytics}.conversations.decision IS 'send_at (it may go out by itself), needs_review (a person decides) or blocked.';
COMMENT ON COLUMN {analytics}.conversations.send_at IS 'When it may go out.';
COMMENT ON COLUMN {analytics}.conversations.decision_reasons IS 'Everything that speaks against sending it without a person.';
COMMENT ON COLUMN {analytics}.conversations.decision_confidence IS 'How sure the evaluator is that sending is right, 0 to 1; null when it was not asked.';
COMMENT ON COLUMN {analytics}.conversations.fit IS 'The lead''s fit as of this message, 1 to 4.';
COMMENT ON COLUMN {analytics}.conversations.intent IS 'Its intent, 1 to 4.';
COMMENT ON COLUMN {analytics}.conversations.overall IS 'Its overall score, 1 to 4.';
COMMENT ON COLUMN {analytics}.conversations.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN {analytics}.conversations.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN {analytics}.conversations.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.conversations.src_offset IS 'Lineage: its offset.';
COMMENT ON COLUMN {analytics}.conversations.follow_up_state IS 'open, paused (the lead wrote again) or cancelled (nobody may write to the lead); null without a follow-up.';
