-- What was concluded about messages, in full and put together.

CREATE VIEW analytics.enrichments AS
SELECT
    step.workspace_id,
    step.job_id,
    step.step,
    step.job_type,
    step.message_id,
    coalesce(moved.lead_id, survivor.survivor_id, step.lead_id) AS lead_id,
    CASE WHEN step.skip_reason IS NULL THEN 'done' ELSE 'skipped' END AS outcome,
    step.skip_reason,
    step.event_type,
    step.details,
    step.concluded_at,
    (step.concluded_at AT TIME ZONE 'UTC')::date AS concluded_date,
    step.ai_provider,
    step.ai_model,
    step.prompt_key,
    step.prompt_version,
    step.prompt_sha256,
    step.receipt_id,
    step.src_topic,
    step.src_partition,
    step.src_offset
FROM proj_v1.enrichments AS step
LEFT JOIN proj_v1.lead_survivors AS survivor
    ON survivor.workspace_id = step.workspace_id AND survivor.lead_id = step.lead_id
LEFT JOIN proj_v1.moved_messages AS moved
    ON moved.workspace_id = step.workspace_id AND moved.message_id = step.message_id;

COMMENT ON VIEW analytics.enrichments IS 'One row for each step of a job that was done or skipped, with what it concluded: the newest conclusion counts.';
COMMENT ON COLUMN analytics.enrichments.workspace_id IS 'The workspace the message belongs to.';
COMMENT ON COLUMN analytics.enrichments.job_id IS 'The job. Joins analytics.jobs.';
COMMENT ON COLUMN analytics.enrichments.step IS 'The step''s name: opt_out_and_bounce, classify, lead_state, follow_up_timing, booking_decision, draft, decide_reply or score.';
COMMENT ON COLUMN analytics.enrichments.job_type IS 'The job''s type.';
COMMENT ON COLUMN analytics.enrichments.message_id IS 'The message the job is about. Joins analytics.messages.';
COMMENT ON COLUMN analytics.enrichments.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on; after a split, the one its message belongs to. Joins analytics.leads.';
COMMENT ON COLUMN analytics.enrichments.outcome IS 'done or skipped.';
COMMENT ON COLUMN analytics.enrichments.skip_reason IS 'Why there was nothing to do; null when it was done.';
COMMENT ON COLUMN analytics.enrichments.event_type IS 'The event''s name and version, such as message.classified.v1.';
COMMENT ON COLUMN analytics.enrichments.details IS 'What was concluded, as JSON, without anybody''s text.';
COMMENT ON COLUMN analytics.enrichments.concluded_at IS 'When.';
COMMENT ON COLUMN analytics.enrichments.concluded_date IS 'The UTC day of concluded_at.';
COMMENT ON COLUMN analytics.enrichments.ai_provider IS 'Who answered: openai, local; null where no model was asked.';
COMMENT ON COLUMN analytics.enrichments.ai_model IS 'The model.';
COMMENT ON COLUMN analytics.enrichments.prompt_key IS 'The prompt''s name.';
COMMENT ON COLUMN analytics.enrichments.prompt_version IS 'The prompt''s version.';
COMMENT ON COLUMN analytics.enrichments.prompt_sha256 IS 'Hash of the prompt''s text, before facts: hex.';
COMMENT ON COLUMN analytics.enrichments.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.enrichments.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.enrichments.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.enrichments.src_offset IS 'Lineage: its offset.';

-- The newest message decides, by when it was written: what was processed late overwrites nothing. A machine's message
-- counts only for leads nobody has written for, and a suppression counts whatever is written after it.
CREATE VIEW analytics.lead_states AS
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
FROM proj_v1.lead_states AS state
JOIN proj_v1.enrichments AS step
    ON step.workspace_id = state.workspace_id
    AND step.job_id = state.job_id
    AND step.step = 'lead_state'
    AND step.src_partition = state.src_partition
    AND step.src_offset = state.src_offset
LEFT JOIN proj_v1.lead_survivors AS survivor
    ON survivor.workspace_id = state.workspace_id AND survivor.lead_id = state.lead_id
LEFT JOIN proj_v1.moved_messages AS moved
    ON moved.workspace_id = state.workspace_id AND moved.message_id = state.message_id
LEFT JOIN LATERAL (
    SELECT min(found.occurred_at) AS occurred_at
    FROM proj_v1.lead_suppressions AS found
    WHERE found.workspace_id = state.workspace_id
        AND found.lead_id IN (
            SELECT coalesce(moved.lead_id, state.lead_id)
            UNION ALL
            SELECT coalesce(moved.lead_id, survivor.survivor_id)
            UNION ALL
            SELECT other.lead_id
            FROM proj_v1.lead_survivors AS other
            WHERE other.workspace_id = state.workspace_id
                AND other.survivor_id = coalesce(moved.lead_id, survivor.survivor_id, state.lead_id)
        )
) AS suppression ON TRUE
LEFT JOIN LATERAL (
    SELECT newest.fit, newest.intent, newest.overall, newest.reasoning
    FROM proj_v1.lead_scores AS newest
    WHERE newest.workspace_id = state.workspace_id
        AND CASE
            WHEN moved.lead_id IS NULL THEN
                newest.lead_id IN (state.lead_id, survivor.survivor_id)
                AND NOT EXISTS (
                    SELECT FROM proj_v1.message_moves AS move
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

COMMENT ON VIEW analytics.lead_states IS 'One row for each lead that has written: its status, label and score as of its newest message.';
COMMENT ON COLUMN analytics.lead_states.workspace_id IS 'The workspace the lead belongs to.';
COMMENT ON COLUMN analytics.lead_states.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on; after a split, the one that wrote the message. Joins analytics.leads.';
COMMENT ON COLUMN analytics.lead_states.status IS 'new, qualified, meeting-requested, meeting-booked, not-interested or blacklisted (nobody may write to it).';
COMMENT ON COLUMN analytics.lead_states.label IS 'The label of its newest message; of a machine''s message only while no person has written.';
COMMENT ON COLUMN analytics.lead_states.is_positive IS 'True when the label says that the lead wants to go on.';
COMMENT ON COLUMN analytics.lead_states.is_suppressed IS 'True when nobody may write to the lead.';
COMMENT ON COLUMN analytics.lead_states.message_id IS 'The message that decided. Joins analytics.messages.';
COMMENT ON COLUMN analytics.lead_states.state_since_at IS 'When that message was written.';
COMMENT ON COLUMN analytics.lead_states.concluded_at IS 'When that was concluded.';
COMMENT ON COLUMN analytics.lead_states.fit IS 'How well the lead fits, 1 (wrong) to 4 (ideal), by its newest score; null before the first.';
COMMENT ON COLUMN analytics.lead_states.intent IS 'How much it wants, 1 (nothing) to 4 (ready to book).';
COMMENT ON COLUMN analytics.lead_states.overall IS 'Both together, 1 (drop) to 4 (best).';
COMMENT ON COLUMN analytics.lead_states.reasoning IS 'What the score rests on.';
COMMENT ON COLUMN analytics.lead_states.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.lead_states.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.lead_states.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.lead_states.src_offset IS 'Lineage: its offset.';

-- A suppression or a newer message counts for the whole person, whichever of its merged leads it was addressed to. What
-- merged leads bring along is computed for them alone: they are few, and the others stay index look-ups. So are the
-- messages that a split gave to another lead: they count there, and no longer where they came in.
CREATE VIEW analytics.conversations AS
WITH merged_suppression AS (
    SELECT
        survivor.workspace_id,
        survivor.survivor_id AS lead_id,
        min(least(suppression.occurred_at, suppression.received_at)) AS suppressed_at
    FROM proj_v1.lead_survivors AS survivor
    JOIN proj_v1.lead_suppressions AS suppression
        ON suppression.workspace_id = survivor.workspace_id AND suppression.lead_id = survivor.lead_id
    GROUP BY survivor.workspace_id, survivor.survivor_id
),

brought_along AS (
    SELECT survivor.workspace_id, survivor.survivor_id AS lead_id, merged.sent_at, merged.received_at, merged.message_id
    FROM proj_v1.lead_survivors AS survivor
    JOIN proj_v1.messages AS merged
        ON merged.workspace_id = survivor.workspace_id AND merged.lead_id = survivor.lead_id
    WHERE merged.direction = 'inbound' AND NOT merged.is_automated
        AND NOT EXISTS (
            SELECT FROM proj_v1.message_moves AS move
            WHERE move.workspace_id = merged.workspace_id AND move.message_id = merged.message_id
        )
    UNION ALL
    SELECT elsewhere.workspace_id, elsewhere.lead_id, taken.sent_at, taken.received_at, taken.message_id
    FROM proj_v1.moved_messages AS elsewhere
    JOIN proj_v1.messages AS taken
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
FROM analytics.messages AS message
LEFT JOIN proj_v1.message_labels AS label
    ON label.workspace_id = message.workspace_id AND label.message_id = message.message_id
LEFT JOIN LATERAL (
    SELECT kept.*
    FROM proj_v1.follow_ups AS kept
    JOIN proj_v1.enrichments AS step
        ON step.workspace_id = kept.workspace_id AND step.job_id = kept.job_id AND step.step = 'follow_up_timing'
        AND step.src_partition = kept.src_partition AND step.src_offset = kept.src_offset
    WHERE kept.workspace_id = message.workspace_id AND kept.message_id = message.message_id
) AS follow_up ON TRUE
LEFT JOIN LATERAL (
    SELECT kept.*
    FROM proj_v1.booking_decisions AS kept
    JOIN proj_v1.enrichments AS step
        ON step.workspace_id = kept.workspace_id AND step.job_id = kept.job_id AND step.step = 'booking_decision'
        AND step.src_partition = kept.src_partition AND step.src_offset = kept.src_offset
    WHERE kept.workspace_id = message.workspace_id AND kept.message_id = message.message_id
) AS booking ON TRUE
LEFT JOIN LATERAL (
    SELECT kept.*
    FROM proj_v1.drafts AS kept
    JOIN proj_v1.enrichments AS step
        ON step.workspace_id = kept.workspace_id AND step.job_id = kept.job_id AND step.step = 'draft'
        AND step.src_partition = kept.src_partition AND step.src_offset = kept.src_offset
    WHERE kept.workspace_id = message.workspace_id AND kept.message_id = message.message_id
) AS draft ON TRUE
LEFT JOIN LATERAL (
    SELECT kept.*
    FROM proj_v1.reply_decisions AS kept
    JOIN proj_v1.enrichments AS step
        ON step.workspace_id = kept.workspace_id AND step.job_id = kept.job_id AND step.step = 'decide_reply'
        AND step.src_partition = kept.src_partition AND step.src_offset = kept.src_offset
    WHERE kept.workspace_id = draft.workspace_id AND kept.draft_id = draft.draft_id
) AS decision ON TRUE
LEFT JOIN LATERAL (
    SELECT kept.fit, kept.intent, kept.overall
    FROM proj_v1.lead_scores AS kept
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
    FROM proj_v1.lead_suppressions AS own
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
            SELECT FROM proj_v1.messages AS later
            WHERE later.workspace_id = message.workspace_id
                AND later.lead_id = message.lead_id
                AND later.direction = 'inbound'
                AND NOT later.is_automated
                AND NOT EXISTS (
                    SELECT FROM proj_v1.message_moves AS move
                    WHERE move.workspace_id = later.workspace_id AND move.message_id = later.message_id
                )
                AND (later.sent_at, later.received_at, later.message_id)
                    > (message.sent_at, message.received_at, message.message_id)
                AND (draft.draft_id IS NOT NULL OR follow_up.kind IS NOT NULL)
        ) AS is_there
) AS newer;

COMMENT ON VIEW analytics.conversations IS 'One row for each message in either direction, with what was concluded about it: label, follow-up, booking, draft, decision and score.';
COMMENT ON COLUMN analytics.conversations.workspace_id IS 'The workspace the message belongs to.';
COMMENT ON COLUMN analytics.conversations.message_id IS 'The message. Joins analytics.messages.';
COMMENT ON COLUMN analytics.conversations.conversation_id IS 'The provider''s thread.';
COMMENT ON COLUMN analytics.conversations.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on. Joins analytics.leads.';
COMMENT ON COLUMN analytics.conversations.channel IS 'sms, linkedin or email.';
COMMENT ON COLUMN analytics.conversations.direction IS 'inbound (the lead wrote) or outbound.';
COMMENT ON COLUMN analytics.conversations.sent_at IS 'When it was written or sent, by the provider''s clock.';
COMMENT ON COLUMN analytics.conversations.sent_date IS 'The UTC day of sent_at.';
COMMENT ON COLUMN analytics.conversations.received_at IS 'When its webhook reached Headrace.';
COMMENT ON COLUMN analytics.conversations.text IS 'What its author wrote this time.';
COMMENT ON COLUMN analytics.conversations.label IS 'The message''s label; null for outbound ones and before it is classified.';
COMMENT ON COLUMN analytics.conversations.label_confidence IS '0 to 1; 1 when a rule decided.';
COMMENT ON COLUMN analytics.conversations.is_opt_out IS 'True when the lead asks to end contact.';
COMMENT ON COLUMN analytics.conversations.is_machine_written IS 'True when a machine wrote it.';
COMMENT ON COLUMN analytics.conversations.needs_review IS 'True when a person should look: the label is a guess, or the text tries to steer a model.';
COMMENT ON COLUMN analytics.conversations.is_injection_suspected IS 'True when the text tries to steer a model.';
COMMENT ON COLUMN analytics.conversations.contains_phone IS 'The first phone number in it, E.164.';
COMMENT ON COLUMN analytics.conversations.has_proposed_time IS 'True when it names a day or time for a meeting or call.';
COMMENT ON COLUMN analytics.conversations.label_rule IS 'The deterministic rule that decided the label; null when a model did.';
COMMENT ON COLUMN analytics.conversations.label_model IS 'The model that decided the label; null when a rule did.';
COMMENT ON COLUMN analytics.conversations.follow_up_kind IS 'recontact (the lead named a time) or clarify (it named none and is asked once more); null without a follow-up.';
COMMENT ON COLUMN analytics.conversations.follow_up_due_at IS 'When to write again.';
COMMENT ON COLUMN analytics.conversations.follow_up_timezone IS 'The zone the lead''s times are read in.';
COMMENT ON COLUMN analytics.conversations.follow_up_timezone_evidence IS 'What the zone was read from: text, phone, country or workspace.';
COMMENT ON COLUMN analytics.conversations.is_booking_proposed IS 'True when a slot may be booked without a person, false when not; null when no meeting was asked for.';
COMMENT ON COLUMN analytics.conversations.booking_start_at IS 'That slot.';
COMMENT ON COLUMN analytics.conversations.booking_decline_reason IS 'Why nothing is booked without a person.';
COMMENT ON COLUMN analytics.conversations.booking_process IS 'How the wish to meet is answered: link_and_qualification, offered_slots, lead_proposes_time, callback, lead_calendar or none.';
COMMENT ON COLUMN analytics.conversations.draft_id IS 'The draft of an answer; null when none was called for.';
COMMENT ON COLUMN analytics.conversations.draft_state IS 'open, superseded (the lead wrote again), cancelled (nobody may write to the lead) or rejected (it did not pass the checks).';
COMMENT ON COLUMN analytics.conversations.draft IS 'The drafted answer; null when it was rejected.';
COMMENT ON COLUMN analytics.conversations.draft_failed_checks IS 'The checks that rejected it.';
COMMENT ON COLUMN analytics.conversations.decision IS 'send_at (it may go out by itself), needs_review (a person decides) or blocked; blocked as soon as nobody may write to the lead by the time it was to go out.';
COMMENT ON COLUMN analytics.conversations.send_at IS 'When it may go out; null when it may not.';
COMMENT ON COLUMN analytics.conversations.decision_reasons IS 'Everything that speaks against sending it without a person.';
COMMENT ON COLUMN analytics.conversations.decision_confidence IS 'How sure the evaluator is that sending is right, 0 to 1; null when it was not asked.';
COMMENT ON COLUMN analytics.conversations.fit IS 'The lead''s fit as of this message, 1 to 4.';
COMMENT ON COLUMN analytics.conversations.intent IS 'Its intent, 1 to 4.';
COMMENT ON COLUMN analytics.conversations.overall IS 'Its overall score, 1 to 4.';
COMMENT ON COLUMN analytics.conversations.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.conversations.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.conversations.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.conversations.src_offset IS 'Lineage: its offset.';
COMMENT ON COLUMN analytics.conversations.follow_up_state IS 'open, paused (the lead wrote again) or cancelled (nobody may write to the lead); null without a follow-up, and once it was taken back.';

CREATE VIEW analytics.sentiment_daily AS
SELECT
    label.workspace_id,
    (label.sent_at AT TIME ZONE 'UTC')::date AS sent_date,
    message.channel,
    label.label,
    count(*) AS n,
    round(count(*) / sum(count(*)) OVER day, 6) AS share,
    count(*) FILTER (WHERE label.is_opt_out) AS opt_out_count,
    count(*) FILTER (WHERE label.needs_review) AS needs_review_count,
    round(avg(label.confidence)::numeric, 6) AS mean_confidence
FROM proj_v1.message_labels AS label
JOIN proj_v1.messages AS message
    ON message.workspace_id = label.workspace_id AND message.message_id = label.message_id
GROUP BY
    label.workspace_id,
    (label.sent_at AT TIME ZONE 'UTC')::date,
    message.channel,
    label.label
WINDOW day AS (PARTITION BY label.workspace_id, (label.sent_at AT TIME ZONE 'UTC')::date, message.channel);

COMMENT ON VIEW analytics.sentiment_daily IS 'Labelled messages by workspace, UTC day, channel and label.';
COMMENT ON COLUMN analytics.sentiment_daily.workspace_id IS 'The workspace.';
COMMENT ON COLUMN analytics.sentiment_daily.sent_date IS 'The UTC day the messages were written.';
COMMENT ON COLUMN analytics.sentiment_daily.channel IS 'sms, linkedin or email.';
COMMENT ON COLUMN analytics.sentiment_daily.label IS 'The label.';
COMMENT ON COLUMN analytics.sentiment_daily.n IS 'Messages with it.';
COMMENT ON COLUMN analytics.sentiment_daily.share IS 'Their share of the day''s labelled messages of the channel, 0 to 1.';
COMMENT ON COLUMN analytics.sentiment_daily.opt_out_count IS 'How many of them ask to end contact.';
COMMENT ON COLUMN analytics.sentiment_daily.needs_review_count IS 'How many of them a person should look at.';
COMMENT ON COLUMN analytics.sentiment_daily.mean_confidence IS 'Mean confidence, 0 to 1.';
