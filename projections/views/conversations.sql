-- A suppression or a newer message counts for the whole person, whichever of its merged leads it was addressed to. What
-- merged leads bring along is computed for them alone: they are few. So are the messages that a split gave to another
-- lead: they count there, and no longer where they came in.
--
-- Everything is joined to the message from the outside, and whether a step still says so is asked row by row: inner
-- joins over several columns of one meaning are estimated at next to no rows, and then nothing stops a plan that
-- compares each with each.
CREATE OR REPLACE VIEW {analytics}.conversations AS
WITH survivor AS (
    SELECT gone.workspace_id, gone.lead_id, gone.survivor_id
    FROM {proj}.lead_survivors AS gone
),

merged_suppression AS (
    SELECT
        survivor.workspace_id,
        survivor.survivor_id AS lead_id,
        min(least(suppression.occurred_at, suppression.received_at)) AS suppressed_at
    FROM survivor
    JOIN {proj}.lead_suppressions AS suppression
        ON suppression.workspace_id = survivor.workspace_id AND suppression.lead_id = survivor.lead_id
    GROUP BY survivor.workspace_id, survivor.survivor_id
),

brought_along AS (
    SELECT survivor.workspace_id, survivor.survivor_id AS lead_id, newest.sent_at, newest.received_at, newest.message_id
    FROM survivor
    CROSS JOIN LATERAL (
        SELECT merged.sent_at, merged.received_at, merged.message_id
        FROM {proj}.messages AS merged
        WHERE merged.workspace_id = survivor.workspace_id
            AND merged.lead_id = survivor.lead_id
            AND merged.direction = 'inbound'
            AND NOT merged.is_automated
            AND NOT EXISTS (
                SELECT FROM {proj}.message_moves AS move
                WHERE move.workspace_id = merged.workspace_id AND move.message_id = merged.message_id
            )
        ORDER BY merged.sent_at DESC, merged.received_at DESC, merged.message_id DESC
        LIMIT 1
    ) AS newest
    UNION ALL
    SELECT moved.workspace_id, moved.lead_id, taken.sent_at, taken.received_at, taken.message_id
    FROM {proj}.moved_messages AS moved
    JOIN {proj}.messages AS taken ON taken.workspace_id = moved.workspace_id AND taken.message_id = moved.message_id
    WHERE taken.direction = 'inbound' AND NOT taken.is_automated
),

brought_newest AS (
    SELECT DISTINCT ON (workspace_id, lead_id) workspace_id, lead_id, sent_at, received_at, message_id
    FROM brought_along
    ORDER BY workspace_id, lead_id, sent_at DESC, received_at DESC, message_id DESC
),

scored AS (
    SELECT DISTINCT ON (kept.workspace_id, kept.message_id)
        kept.workspace_id,
        kept.message_id,
        kept.fit,
        kept.intent,
        kept.overall
    FROM {proj}.lead_scores AS kept
    ORDER BY kept.workspace_id, kept.message_id, kept.concluded_at DESC
)

SELECT
    message.workspace_id,
    message.message_id,
    message.conversation_id,
    today.lead_id,
    message.channel,
    message.direction,
    message.sent_at,
    (message.sent_at AT TIME ZONE 'UTC')::date AS sent_date,
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
        WHEN suppressed.suppressed_at IS NOT NULL THEN 'cancelled'
        WHEN newer.is_there THEN 'superseded'
        ELSE 'open'
    END AS draft_state,
    draft.body AS draft,
    draft.failed_checks AS draft_failed_checks,
    CASE WHEN given_up.reason IS NULL THEN decision.decision ELSE 'blocked' END AS decision,
    CASE WHEN given_up.reason IS NULL THEN decision.send_at END AS send_at,
    CASE WHEN given_up.reason IS NULL THEN decision.reasons ELSE ARRAY[given_up.reason] END AS decision_reasons,
    decision.confidence AS decision_confidence,
    scored.fit,
    scored.intent,
    scored.overall,
    message.receipt_id,
    message.src_topic,
    message.src_partition,
    message.src_offset,
    CASE
        WHEN follow_up.kind IS NULL THEN NULL
        WHEN suppressed.suppressed_at IS NOT NULL THEN 'cancelled'
        WHEN newer.is_there THEN 'paused'
        ELSE 'open'
    END AS follow_up_state
FROM {proj}.messages AS message
LEFT JOIN {proj}.moved_messages AS moved
    ON moved.workspace_id = message.workspace_id AND moved.message_id = message.message_id
LEFT JOIN {proj}.lead_survivors AS gone
    ON gone.workspace_id = message.workspace_id AND gone.lead_id = message.lead_id
CROSS JOIN LATERAL (SELECT coalesce(moved.lead_id, gone.survivor_id, message.lead_id) AS lead_id) AS today
LEFT JOIN {proj}.message_labels AS label
    ON label.workspace_id = message.workspace_id AND label.message_id = message.message_id
LEFT JOIN {proj}.follow_ups AS follow_up
    ON follow_up.workspace_id = message.workspace_id
    AND follow_up.message_id = message.message_id
    AND (
        SELECT (step.src_partition, step.src_offset) = (follow_up.src_partition, follow_up.src_offset)
        FROM {proj}.enrichments AS step
        WHERE step.workspace_id = follow_up.workspace_id AND step.job_id = follow_up.job_id AND step.step = 'follow_up_timing'
    )
LEFT JOIN {proj}.booking_decisions AS booking
    ON booking.workspace_id = message.workspace_id
    AND booking.message_id = message.message_id
    AND (
        SELECT (step.src_partition, step.src_offset) = (booking.src_partition, booking.src_offset)
        FROM {proj}.enrichments AS step
        WHERE step.workspace_id = booking.workspace_id AND step.job_id = booking.job_id AND step.step = 'booking_decision'
    )
LEFT JOIN {proj}.drafts AS draft
    ON draft.workspace_id = message.workspace_id
    AND draft.message_id = message.message_id
    AND (
        SELECT (step.src_partition, step.src_offset) = (draft.src_partition, draft.src_offset)
        FROM {proj}.enrichments AS step
        WHERE step.workspace_id = draft.workspace_id AND step.job_id = draft.job_id AND step.step = 'draft'
    )
LEFT JOIN {proj}.reply_decisions AS decision
    ON decision.workspace_id = draft.workspace_id
    AND decision.draft_id = draft.draft_id
    AND (
        SELECT (step.src_partition, step.src_offset) = (decision.src_partition, decision.src_offset)
        FROM {proj}.enrichments AS step
        WHERE step.workspace_id = decision.workspace_id AND step.job_id = decision.job_id AND step.step = 'decide_reply'
    )
LEFT JOIN scored ON scored.workspace_id = message.workspace_id AND scored.message_id = message.message_id
LEFT JOIN merged_suppression
    ON merged_suppression.workspace_id = message.workspace_id AND merged_suppression.lead_id = today.lead_id
LEFT JOIN brought_newest
    ON brought_newest.workspace_id = message.workspace_id AND brought_newest.lead_id = today.lead_id
CROSS JOIN LATERAL (
    SELECT
        least(
            (
                SELECT min(least(own.occurred_at, own.received_at))
                FROM {proj}.lead_suppressions AS own
                WHERE own.workspace_id = message.workspace_id AND own.lead_id = today.lead_id
            ),
            merged_suppression.suppressed_at
        ) AS suppressed_at
) AS suppressed
CROSS JOIN LATERAL (
    SELECT
        coalesce(
            (brought_newest.sent_at, brought_newest.received_at, brought_newest.message_id)
            > (message.sent_at, message.received_at, message.message_id),
            FALSE
        )
        OR EXISTS (
            SELECT FROM {proj}.messages AS later
            WHERE later.workspace_id = message.workspace_id
                AND later.lead_id = today.lead_id
                AND later.direction = 'inbound'
                AND NOT later.is_automated
                AND NOT EXISTS (
                    SELECT FROM {proj}.message_moves AS move
                    WHERE move.workspace_id = later.workspace_id AND move.message_id = later.message_id
                )
                AND (later.sent_at, later.received_at, later.message_id)
                    > (message.sent_at, message.received_at, message.message_id)
        ) AS is_there
) AS newer
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN decision.send_at > suppressed.suppressed_at THEN 'suppressed'
            WHEN decision.send_at IS NOT NULL
                AND draft.body IS NOT NULL
                AND suppressed.suppressed_at IS NULL
                AND newer.is_there THEN 'superseded'
        END AS reason
) AS given_up;

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
