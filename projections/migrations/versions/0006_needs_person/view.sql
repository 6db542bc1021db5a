-- What a person has to answer without a draft. A step of the job tells it where the job ended well; else how the job
-- stands tells it. A decision about a draft goes before both, and a step's word before the job's: one reason a message.
-- The few messages come first, and what became of each is looked up one by one, as OFFSET 0 has it.
CREATE VIEW analytics.needs_person AS
WITH standing AS (
    SELECT ended.workspace_id, ended.job_id, ended.generation,
        CASE ended.outcome WHEN 'died' THEN 'job_died' ELSE 'job_cancelled' END AS reason,
        ended.ended_at AS since_at, ended.reason AS job_reason,
        ended.src_topic, ended.src_partition, ended.src_offset
    FROM {jobs}.job_ends AS ended
    WHERE ended.outcome <> 'succeeded'
        AND (ended.outcome = 'died' OR coalesce(ended.ended_by, '') <> 'headrace')
        AND NOT EXISTS (
            SELECT FROM {jobs}.job_ends AS earlier
            WHERE earlier.workspace_id = ended.workspace_id AND earlier.job_id = ended.job_id
                AND earlier.generation = ended.generation AND earlier.first_offset < ended.first_offset
        )
    UNION ALL
    SELECT hold.workspace_id, hold.job_id, hold.generation, 'job_paused', hold.changed_at, NULL,
        hold.src_topic, hold.src_partition, hold.src_offset
    FROM {jobs}.job_holds AS hold
    WHERE hold.is_paused
        AND NOT EXISTS (
            SELECT FROM {jobs}.job_ends AS ended
            WHERE ended.workspace_id = hold.workspace_id AND ended.job_id = hold.job_id
                AND ended.generation = hold.generation
        )
    UNION ALL
    SELECT parked.workspace_id, parked.job_id, parked.generation,
        CASE parked.error_class WHEN 'over_budget' THEN 'over_budget' ELSE 'ai_unavailable' END, NULL, parked.reason,
        parked.src_topic, parked.src_partition, parked.src_offset
    FROM {jobs}.job_progress AS parked
    WHERE parked.error_class IN ('over_budget', 'dependency_down')
        AND NOT EXISTS (
            SELECT FROM {jobs}.job_ends AS ended
            WHERE ended.workspace_id = parked.workspace_id AND ended.job_id = parked.job_id
                AND ended.generation = parked.generation
        )
        AND NOT EXISTS (
            SELECT FROM {jobs}.job_holds AS hold
            WHERE hold.workspace_id = parked.workspace_id AND hold.job_id = parked.job_id
                AND hold.generation = parked.generation AND hold.is_paused
        )
),

waiting AS (
    SELECT need.workspace_id, need.message_id, need.job_id, need.reason, need.fields, need.concluded_at AS since_at,
        NULL AS job_reason, need.src_topic, need.src_partition, need.src_offset, 1 AS place
    FROM {enrichments}.person_needs AS need
    WHERE (
        SELECT (step.src_partition, step.src_offset) = (need.src_partition, need.src_offset)
        FROM {enrichments}.enrichments AS step
        WHERE step.workspace_id = need.workspace_id AND step.job_id = need.job_id AND step.step = need.step
    )
    UNION ALL
    SELECT job.workspace_id, job.message_id, job.job_id, standing.reason, ARRAY[]::text[],
        coalesce(standing.since_at, job.requested_at), standing.job_reason,
        standing.src_topic, standing.src_partition, standing.src_offset, 2
    FROM standing
    JOIN {jobs}.jobs AS job
        ON job.workspace_id = standing.workspace_id AND job.job_id = standing.job_id
        AND job.generation = standing.generation
    WHERE job.type <> 'LEAD_SCORING_POST_PROCESS'
        AND NOT EXISTS (
            SELECT FROM {jobs}.jobs AS later
            WHERE later.workspace_id = job.workspace_id AND later.job_id = job.job_id
                AND later.generation > job.generation
        )
),

-- A step's word and the job's about the same message are one.
needed AS (
    SELECT DISTINCT ON (waiting.workspace_id, waiting.message_id) waiting.*
    FROM waiting
    ORDER BY waiting.workspace_id, waiting.message_id, waiting.place
),

meaning (reason, todo) AS (
    VALUES
        ('other_language', 'Answer it yourself: it is not surely in English, and nobody drafted in its language.'),
        ('no_phone_on_file', 'Find a number and call: the lead asks for a call, and none is known.'),
        ('facts_missing', 'Answer it, and add the missing fact to the workspace file: no draft had all it needs.'),
        ('no_reply_written', 'Read it: its label calls for a reply, and the model wrote none.'),
        ('draft_rejected', 'Answer it yourself: no draft passed the checks.'),
        ('already_booked', 'Read it: a meeting is booked, and the lead writes again, maybe to move it.'),
        ('booking_proposed', 'Book the proposed time and confirm it: no draft is written beside a booking.'),
        ('objection', 'Answer the objection: none is answered by a draft.'),
        ('ambiguous', 'Read it and answer if it wants one: its label calls for no draft, and it is no mere thanks.'),
        ('label_unsure', 'Read it and label it: the classifier was too unsure to go by.'),
        ('injection_suspected', 'Read it with care: its text tries to steer a model.'),
        ('unreadable', 'Read it: it took longer to read than any message may.'),
        ('answer_invalid', 'Answer it; the model''s answer did not fit. If it happens often, choose a stronger model.'),
        ('answer_refused', 'Read it: the model or its provider''s filter declined to answer.'),
        ('not_drafted', 'Answer it: an earlier version left it without a draft and did not say why.'),
        ('job_died', 'Answer it, or mend the cause and run `headrace jobs retry` with the job''s id.'),
        ('job_cancelled', 'Answer it if it wants one: its job was cancelled by a person before it was done.'),
        ('job_paused', 'Answer it, or let the job go on with `headrace jobs resume` and its id.'),
        ('over_budget', 'Answer it, raise the workspace''s AI budget, or let it wait for the next day.'),
        ('ai_unavailable', 'Answer it, or mend the AI provider: the job goes on by itself once it answers.')
)

SELECT
    needed.workspace_id,
    needed.message_id,
    person.lead_id,
    needed.reason,
    needed.fields,
    meaning.todo,
    needed.since_at AS waiting_since_at,
    needed.job_id,
    needed.job_reason,
    message.channel,
    message.provider,
    message.account,
    lead.first_name,
    lead.last_name,
    lead.company,
    label.label,
    message.sent_at,
    message.received_at,
    message.subject,
    message.text,
    message.receipt_id,
    needed.src_topic,
    needed.src_partition,
    needed.src_offset
FROM needed
LEFT JOIN meaning ON meaning.reason = needed.reason
LEFT JOIN {leads}.messages AS message
    ON message.workspace_id = needed.workspace_id AND message.message_id = needed.message_id
LEFT JOIN {enrichments}.message_labels AS label
    ON label.workspace_id = needed.workspace_id AND label.message_id = needed.message_id
CROSS JOIN LATERAL (
    SELECT
        coalesce(
            (
                SELECT moved.lead_id
                FROM {leads}.moved_messages AS moved
                WHERE moved.workspace_id = message.workspace_id AND moved.message_id = message.message_id
            ),
            (
                SELECT gone.survivor_id
                FROM {leads}.lead_survivors AS gone
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
            SELECT today.lead_id
            UNION ALL
            SELECT gone.lead_id
            FROM {leads}.lead_survivors AS gone
            WHERE gone.workspace_id = needed.workspace_id AND gone.survivor_id = today.lead_id
        ) AS lead_ids
    OFFSET 0
) AS person
LEFT JOIN {leads}.leads AS lead
    ON lead.workspace_id = needed.workspace_id AND lead.lead_id = person.lead_id
WHERE coalesce(message.direction, '') = 'inbound'
    -- Asked in one, so that each stays a look into an index.
    AND NOT (
        EXISTS (
            SELECT FROM {enrichments}.reply_decisions AS decision
            JOIN {enrichments}.enrichments AS step
                ON step.workspace_id = decision.workspace_id AND step.job_id = decision.job_id
                AND step.step = 'decide_reply' AND step.src_partition = decision.src_partition
                AND step.src_offset = decision.src_offset
            WHERE decision.workspace_id = needed.workspace_id AND decision.message_id = needed.message_id
        )
        OR EXISTS (
            SELECT FROM {leads}.lead_suppressions AS suppression
            WHERE suppression.workspace_id = needed.workspace_id AND suppression.lead_id = ANY(person.lead_ids)
        )
        OR EXISTS (
            SELECT FROM {leads}.messages AS later
            WHERE later.workspace_id = needed.workspace_id
                AND later.lead_id = ANY(person.lead_ids)
                AND ((later.direction = 'inbound' AND NOT later.is_automated)
                    OR (later.direction = 'outbound' AND later.source = 'direct'))
                AND (later.sent_at, later.received_at, later.message_id)
                    > (message.sent_at, message.received_at, message.message_id)
                AND NOT EXISTS (
                    SELECT FROM {leads}.message_moves AS move
                    WHERE move.workspace_id = later.workspace_id AND move.message_id = later.message_id
                )
        )
        OR EXISTS (
            SELECT FROM {leads}.message_moves AS move
            JOIN {leads}.messages AS later
                ON later.workspace_id = move.workspace_id AND later.message_id = move.message_id
            WHERE move.workspace_id = needed.workspace_id
                AND move.into_lead_id = ANY(person.lead_ids)
                AND ((later.direction = 'inbound' AND NOT later.is_automated)
                    OR (later.direction = 'outbound' AND later.source = 'direct'))
                AND (later.sent_at, later.received_at, later.message_id)
                    > (message.sent_at, message.received_at, message.message_id)
        )
    );

COMMENT ON VIEW analytics.needs_person IS 'One row for each reply that waits for a person and has no draft to look at: nothing was written since, and its lead may be written to. Held drafts are in analytics.conversations. Oldest first: ORDER BY waiting_since_at, message_id.';
COMMENT ON COLUMN analytics.needs_person.workspace_id IS 'The workspace.';
COMMENT ON COLUMN analytics.needs_person.message_id IS 'The message that waits. Joins analytics.messages.';
COMMENT ON COLUMN analytics.needs_person.lead_id IS 'Its lead, as it is known today. Joins analytics.leads.';
COMMENT ON COLUMN analytics.needs_person.reason IS 'The one reason why a person is needed: other_language, no_phone_on_file, facts_missing, no_reply_written, draft_rejected, already_booked, booking_proposed, objection, ambiguous, label_unsure, injection_suspected, unreadable, answer_invalid, answer_refused, not_drafted, job_died, job_cancelled, job_paused, over_budget or ai_unavailable.';
COMMENT ON COLUMN analytics.needs_person.fields IS 'The fields a model''s answer had wrong, with answer_invalid; empty otherwise.';
COMMENT ON COLUMN analytics.needs_person.todo IS 'What the person is to do.';
COMMENT ON COLUMN analytics.needs_person.waiting_since_at IS 'Since when it waits for a person: when its job found so, or ended; when the job was asked for, where it is parked.';
COMMENT ON COLUMN analytics.needs_person.job_id IS 'The job that looked after the message. Joins analytics.jobs.';
COMMENT ON COLUMN analytics.needs_person.job_reason IS 'What the job says about its end or its waiting; null where it ended well.';
COMMENT ON COLUMN analytics.needs_person.channel IS 'sms, linkedin or email.';
COMMENT ON COLUMN analytics.needs_person.provider IS 'The provider the message came from.';
COMMENT ON COLUMN analytics.needs_person.account IS 'Our mailbox, phone number or account.';
COMMENT ON COLUMN analytics.needs_person.first_name IS 'The lead''s first name.';
COMMENT ON COLUMN analytics.needs_person.last_name IS 'Its last name.';
COMMENT ON COLUMN analytics.needs_person.company IS 'Its company.';
COMMENT ON COLUMN analytics.needs_person.label IS 'The message''s label; null where it has none.';
COMMENT ON COLUMN analytics.needs_person.sent_at IS 'When the message was written, by the provider''s clock.';
COMMENT ON COLUMN analytics.needs_person.received_at IS 'When its webhook reached Headrace.';
COMMENT ON COLUMN analytics.needs_person.subject IS 'Its subject; e-mail only.';
COMMENT ON COLUMN analytics.needs_person.text IS 'What the lead wrote this time.';
COMMENT ON COLUMN analytics.needs_person.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.needs_person.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.needs_person.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.needs_person.src_offset IS 'Lineage: its offset.';
