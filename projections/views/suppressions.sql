-- What a lead wrote is known once it was read: by the step that labelled the message, whose rule the suppression names.
-- What a provider tells is known when its webhook comes.
CREATE OR REPLACE VIEW {analytics}.suppressions AS
SELECT
    suppression.workspace_id,
    suppression.event_id AS suppression_id,
    coalesce(survivor.survivor_id, suppression.lead_id) AS lead_id,
    suppression.lead_id AS original_lead_id,
    suppression.reason,
    CASE
        WHEN suppression.provider = 'headrace' THEN 'split'
        WHEN heard.message_id IS NOT NULL THEN 'message'
        ELSE 'provider'
    END AS cause,
    suppression.provider,
    suppression.provider_event,
    suppression.detail,
    heard.message_id,
    heard.job_id,
    suppression.occurred_at,
    (suppression.occurred_at AT TIME ZONE 'UTC')::date AS occurred_date,
    suppression.received_at,
    coalesce(heard.concluded_at, suppression.received_at) AS known_at,
    round(extract(epoch FROM coalesce(heard.concluded_at, suppression.received_at) - suppression.occurred_at), 3)
        AS delay_seconds,
    suppression.receipt_id,
    suppression.src_topic,
    suppression.src_partition,
    suppression.src_offset
FROM {proj}.lead_suppressions AS suppression
LEFT JOIN {proj}.lead_survivors AS survivor
    ON survivor.workspace_id = suppression.workspace_id AND survivor.lead_id = suppression.lead_id
LEFT JOIN LATERAL (
    SELECT message.message_id, label.job_id, label.concluded_at
    FROM {proj}.messages AS message
    LEFT JOIN {proj}.message_labels AS label
        ON label.workspace_id = message.workspace_id AND label.message_id = message.message_id
    WHERE message.receipt_id = suppression.receipt_id
        AND message.workspace_id = suppression.workspace_id
        AND message.direction = 'inbound'
        AND coalesce(suppression.detail IN (label.rule, 'model/opt-out'), FALSE)
    ORDER BY message.message_id
    LIMIT 1
) AS heard ON TRUE;

COMMENT ON VIEW {analytics}.suppressions IS 'One row for each reason not to write to a lead any more: what happened, when it was known, and from what. A lead may have several; the earliest is the one in analytics.leads.';
COMMENT ON COLUMN {analytics}.suppressions.workspace_id IS 'The workspace.';
COMMENT ON COLUMN {analytics}.suppressions.suppression_id IS 'The suppression''s id.';
COMMENT ON COLUMN {analytics}.suppressions.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on. Joins analytics.leads.';
COMMENT ON COLUMN {analytics}.suppressions.original_lead_id IS 'The lead it was about at first.';
COMMENT ON COLUMN {analytics}.suppressions.reason IS 'unsubscribed, bounced, blacklisted or wrong_person.';
COMMENT ON COLUMN {analytics}.suppressions.cause IS 'message (the lead wrote it), provider (a provider''s webhook says so) or split (taken over from the lead it was split from).';
COMMENT ON COLUMN {analytics}.suppressions.provider IS 'The provider whose webhook it rests on; headrace for a split.';
COMMENT ON COLUMN {analytics}.suppressions.provider_event IS 'The provider''s own name of that event.';
COMMENT ON COLUMN {analytics}.suppressions.detail IS 'The rule that heard it, for what the lead wrote; else the provider''s words, where it has any.';
COMMENT ON COLUMN {analytics}.suppressions.message_id IS 'The message that said it; null when a provider or a split did. Joins analytics.messages.';
COMMENT ON COLUMN {analytics}.suppressions.job_id IS 'The job that read that message. Joins analytics.jobs.';
COMMENT ON COLUMN {analytics}.suppressions.occurred_at IS 'When it happened, by the provider''s clock: no draft or follow-up after it stands.';
COMMENT ON COLUMN {analytics}.suppressions.occurred_date IS 'The UTC day of occurred_at.';
COMMENT ON COLUMN {analytics}.suppressions.received_at IS 'When its webhook reached Headrace.';
COMMENT ON COLUMN {analytics}.suppressions.known_at IS 'When Headrace knew: received_at, or when the lead''s message had been read. A message that was decided again counts by its newest reading.';
COMMENT ON COLUMN {analytics}.suppressions.delay_seconds IS 'Seconds from occurred_at to known_at. Two clocks: a negative value says that they differ.';
COMMENT ON COLUMN {analytics}.suppressions.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN {analytics}.suppressions.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN {analytics}.suppressions.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.suppressions.src_offset IS 'Lineage: its offset.';
