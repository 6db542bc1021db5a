-- What merged leads bring along is computed for them alone, and so are the times of leads that were split, out of their
-- messages: they are few. Everything is joined to the lead from the outside: what a question does not ask for is left
-- out, and no estimate falls below the number of leads.
CREATE OR REPLACE VIEW {analytics}.leads AS
WITH survivor AS (
    SELECT gone.workspace_id, gone.lead_id, gone.survivor_id
    FROM {proj}.lead_survivors AS gone
),

merged AS (
    SELECT
        survivor.workspace_id,
        survivor.survivor_id AS lead_id,
        array_agg(survivor.lead_id ORDER BY survivor.lead_id) AS merged_lead_ids,
        min(activity.first_message_at) AS first_message_at,
        max(activity.last_message_at) AS last_message_at,
        min(activity.first_inbound_at) AS first_inbound_at,
        max(activity.last_inbound_at) AS last_inbound_at,
        min(activity.first_outbound_at) AS first_outbound_at,
        max(activity.last_outbound_at) AS last_outbound_at
    FROM survivor
    LEFT JOIN {proj}.lead_activity AS activity
        ON activity.workspace_id = survivor.workspace_id AND activity.lead_id = survivor.lead_id
    WHERE survivor.survivor_id <> survivor.lead_id
    GROUP BY survivor.workspace_id, survivor.survivor_id
),

suppression AS (
    SELECT DISTINCT ON (any_of.workspace_id, coalesce(survivor.survivor_id, any_of.lead_id))
        any_of.workspace_id,
        coalesce(survivor.survivor_id, any_of.lead_id) AS lead_id,
        any_of.reason,
        any_of.occurred_at
    FROM {proj}.lead_suppressions AS any_of
    LEFT JOIN survivor ON survivor.workspace_id = any_of.workspace_id AND survivor.lead_id = any_of.lead_id
    ORDER BY
        any_of.workspace_id,
        coalesce(survivor.survivor_id, any_of.lead_id),
        any_of.occurred_at,
        any_of.event_id
),

split_lead AS (
    SELECT DISTINCT half.workspace_id, coalesce(survivor.survivor_id, half.lead_id) AS lead_id
    FROM (
        SELECT split.workspace_id, split.lead_id FROM {proj}.lead_splits AS split
        UNION
        SELECT split.workspace_id, split.new_lead_id FROM {proj}.lead_splits AS split
    ) AS half
    LEFT JOIN survivor ON survivor.workspace_id = half.workspace_id AND survivor.lead_id = half.lead_id
),

split_message AS (
    SELECT whole.workspace_id, whole.lead_id, kept.sent_at, kept.direction
    FROM (
        SELECT split_lead.workspace_id, split_lead.lead_id, split_lead.lead_id AS part_id FROM split_lead
        UNION
        SELECT split_lead.workspace_id, split_lead.lead_id, survivor.lead_id
        FROM split_lead
        JOIN survivor
            ON survivor.workspace_id = split_lead.workspace_id AND survivor.survivor_id = split_lead.lead_id
    ) AS whole
    CROSS JOIN LATERAL (
        SELECT message.sent_at, message.direction
        FROM {proj}.messages AS message
        WHERE message.workspace_id = whole.workspace_id
            AND message.lead_id = whole.part_id
            AND NOT EXISTS (
                SELECT FROM {proj}.message_moves AS move
                WHERE move.workspace_id = message.workspace_id AND move.message_id = message.message_id
            )
    ) AS kept
    UNION ALL
    SELECT split_lead.workspace_id, split_lead.lead_id, taken.sent_at, taken.direction
    FROM split_lead
    JOIN {proj}.moved_messages AS elsewhere
        ON elsewhere.workspace_id = split_lead.workspace_id AND elsewhere.lead_id = split_lead.lead_id
    JOIN {proj}.messages AS taken
        ON taken.workspace_id = elsewhere.workspace_id AND taken.message_id = elsewhere.message_id
),

split_rollup AS (
    SELECT
        split_lead.workspace_id,
        split_lead.lead_id,
        min(message.sent_at) AS first_message_at,
        max(message.sent_at) AS last_message_at,
        min(message.sent_at) FILTER (WHERE message.direction = 'inbound') AS first_inbound_at,
        max(message.sent_at) FILTER (WHERE message.direction = 'inbound') AS last_inbound_at,
        min(message.sent_at) FILTER (WHERE message.direction = 'outbound') AS first_outbound_at,
        max(message.sent_at) FILTER (WHERE message.direction = 'outbound') AS last_outbound_at
    FROM split_lead
    LEFT JOIN split_message AS message
        ON message.workspace_id = split_lead.workspace_id AND message.lead_id = split_lead.lead_id
    GROUP BY split_lead.workspace_id, split_lead.lead_id
)

SELECT
    lead.workspace_id,
    lead.lead_id,
    CASE
        WHEN suppression.lead_id IS NOT NULL THEN 'suppressed'
        WHEN rollup.last_inbound_at IS NOT NULL THEN 'replied'
        WHEN rollup.last_outbound_at IS NOT NULL THEN 'contacted'
        ELSE 'new'
    END AS status,
    suppression.lead_id IS NOT NULL AS is_suppressed,
    suppression.reason AS suppression_reason,
    suppression.occurred_at AS suppressed_at,
    lead.first_name,
    lead.last_name,
    lead.company,
    lead.title,
    lead.email,
    lead.alternate_emails,
    lead.phone,
    lead.linkedin_url,
    lead.company_linkedin_url,
    lead.campaign_id,
    lead.campaign_name,
    lead.account,
    lead.current_replier_email,
    lead.current_replier_name,
    lead.current_replier_since_at,
    lead.created_at,
    (lead.created_at AT TIME ZONE 'UTC')::date AS created_date,
    lead.changed_at,
    rollup.first_message_at,
    rollup.last_message_at,
    rollup.first_inbound_at,
    rollup.last_inbound_at,
    rollup.first_outbound_at,
    rollup.last_outbound_at,
    CASE
        WHEN rollup.last_inbound_at IS NULL AND rollup.last_outbound_at IS NULL THEN NULL
        WHEN rollup.last_outbound_at IS NULL OR rollup.last_inbound_at >= rollup.last_outbound_at THEN 'inbound'
        ELSE 'outbound'
    END AS last_message_direction,
    coalesce(merged.merged_lead_ids, '{}') AS merged_lead_ids,
    lead.receipt_id,
    lead.src_topic,
    lead.src_partition,
    lead.src_offset
FROM {proj}.leads AS lead
LEFT JOIN {proj}.lead_activity AS activity
    ON activity.workspace_id = lead.workspace_id AND activity.lead_id = lead.lead_id
LEFT JOIN merged
    ON merged.workspace_id = lead.workspace_id AND merged.lead_id = lead.lead_id
LEFT JOIN split_rollup
    ON split_rollup.workspace_id = lead.workspace_id AND split_rollup.lead_id = lead.lead_id
LEFT JOIN suppression ON suppression.workspace_id = lead.workspace_id AND suppression.lead_id = lead.lead_id
CROSS JOIN LATERAL (
    SELECT
        CASE WHEN split_rollup.lead_id IS NULL THEN least(activity.first_message_at, merged.first_message_at)
            ELSE split_rollup.first_message_at END AS first_message_at,
        CASE WHEN split_rollup.lead_id IS NULL THEN greatest(activity.last_message_at, merged.last_message_at)
            ELSE split_rollup.last_message_at END AS last_message_at,
        CASE WHEN split_rollup.lead_id IS NULL THEN least(activity.first_inbound_at, merged.first_inbound_at)
            ELSE split_rollup.first_inbound_at END AS first_inbound_at,
        CASE WHEN split_rollup.lead_id IS NULL THEN greatest(activity.last_inbound_at, merged.last_inbound_at)
            ELSE split_rollup.last_inbound_at END AS last_inbound_at,
        CASE WHEN split_rollup.lead_id IS NULL THEN least(activity.first_outbound_at, merged.first_outbound_at)
            ELSE split_rollup.first_outbound_at END AS first_outbound_at,
        CASE WHEN split_rollup.lead_id IS NULL THEN greatest(activity.last_outbound_at, merged.last_outbound_at)
            ELSE split_rollup.last_outbound_at END AS last_outbound_at
) AS rollup
WHERE NOT EXISTS (
    SELECT FROM {proj}.lead_survivors AS gone
    WHERE gone.workspace_id = lead.workspace_id AND gone.lead_id = lead.lead_id AND gone.survivor_id <> gone.lead_id
);

COMMENT ON VIEW {analytics}.leads IS 'One row for each person known today. A lead that was merged away is not shown: its messages, times and suppression count for the lead it lives on in.';
COMMENT ON COLUMN {analytics}.leads.workspace_id IS 'The workspace the lead belongs to.';
COMMENT ON COLUMN {analytics}.leads.lead_id IS 'The lead''s id.';
COMMENT ON COLUMN {analytics}.leads.status IS 'suppressed (nobody may write to it), else replied (it wrote to us), else contacted (we wrote to it), else new.';
COMMENT ON COLUMN {analytics}.leads.is_suppressed IS 'True when nobody may write to the lead any more.';
COMMENT ON COLUMN {analytics}.leads.suppression_reason IS 'Why, by the earliest suppression: unsubscribed, bounced, blacklisted or wrong_person.';
COMMENT ON COLUMN {analytics}.leads.suppressed_at IS 'When the earliest suppression happened.';
COMMENT ON COLUMN {analytics}.leads.first_name IS 'First name, the first one any provider told.';
COMMENT ON COLUMN {analytics}.leads.last_name IS 'Last name, the first one any provider told.';
COMMENT ON COLUMN {analytics}.leads.company IS 'Company, the first one any provider told.';
COMMENT ON COLUMN {analytics}.leads.title IS 'Job title, the first one any provider told.';
COMMENT ON COLUMN {analytics}.leads.email IS 'The lead''s own address, lower-cased.';
COMMENT ON COLUMN {analytics}.leads.alternate_emails IS 'Other addresses that answered for the lead.';
COMMENT ON COLUMN {analytics}.leads.phone IS 'Phone number in E.164 form.';
COMMENT ON COLUMN {analytics}.leads.linkedin_url IS 'The person''s LinkedIn profile.';
COMMENT ON COLUMN {analytics}.leads.company_linkedin_url IS 'The company''s LinkedIn page.';
COMMENT ON COLUMN {analytics}.leads.campaign_id IS 'The first campaign the lead was seen in.';
COMMENT ON COLUMN {analytics}.leads.campaign_name IS 'That campaign''s name.';
COMMENT ON COLUMN {analytics}.leads.account IS 'Our mailbox, phone number or account the lead was first seen through.';
COMMENT ON COLUMN {analytics}.leads.current_replier_email IS 'Somebody else answers for the lead from this address; null when the lead itself does.';
COMMENT ON COLUMN {analytics}.leads.current_replier_name IS 'That person''s display name.';
COMMENT ON COLUMN {analytics}.leads.current_replier_since_at IS 'Since when.';
COMMENT ON COLUMN {analytics}.leads.created_at IS 'When the lead was first seen.';
COMMENT ON COLUMN {analytics}.leads.created_date IS 'The UTC day of created_at.';
COMMENT ON COLUMN {analytics}.leads.changed_at IS 'When something was last learnt about the lead.';
COMMENT ON COLUMN {analytics}.leads.first_message_at IS 'sent_at of its earliest message in either direction.';
COMMENT ON COLUMN {analytics}.leads.last_message_at IS 'sent_at of its latest message in either direction.';
COMMENT ON COLUMN {analytics}.leads.first_inbound_at IS 'When it first wrote to us.';
COMMENT ON COLUMN {analytics}.leads.last_inbound_at IS 'When it last wrote to us.';
COMMENT ON COLUMN {analytics}.leads.first_outbound_at IS 'When we first wrote to it.';
COMMENT ON COLUMN {analytics}.leads.last_outbound_at IS 'When we last wrote to it.';
COMMENT ON COLUMN {analytics}.leads.last_message_direction IS 'inbound or outbound, of the latest message; inbound when both bear the same time.';
COMMENT ON COLUMN {analytics}.leads.merged_lead_ids IS 'Leads that turned out to be this one.';
COMMENT ON COLUMN {analytics}.leads.receipt_id IS 'The webhook that last changed the lead. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN {analytics}.leads.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN {analytics}.leads.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.leads.src_offset IS 'Lineage: its offset.';
