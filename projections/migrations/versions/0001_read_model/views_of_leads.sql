-- Who people are and what was written. Merges and splits are followed in proj_v1 itself, where every view reads them.
CREATE SCHEMA analytics;

-- Each merged lead once, with the lead it lives on in: merges are followed to their end. The resolver never
-- merges in a circle; should one come about, its smallest id survives, so that no message drops out of the views.
CREATE VIEW proj_v1.lead_survivors AS
WITH RECURSIVE followed AS (
    SELECT workspace_id, lead_id, into_lead_id AS survivor_id
    FROM proj_v1.lead_merges
    UNION ALL
    SELECT followed.workspace_id, followed.lead_id, next.into_lead_id
    FROM followed
    JOIN proj_v1.lead_merges AS next
        ON next.workspace_id = followed.workspace_id AND next.lead_id = followed.survivor_id
) CYCLE survivor_id SET is_circle USING path
SELECT DISTINCT ON (followed.workspace_id, followed.lead_id)
    followed.workspace_id,
    followed.lead_id,
    followed.survivor_id
FROM followed
LEFT JOIN proj_v1.lead_merges AS further
    ON further.workspace_id = followed.workspace_id AND further.lead_id = followed.survivor_id
ORDER BY
    followed.workspace_id,
    followed.lead_id,
    further.lead_id IS NOT NULL,
    followed.survivor_id;

-- Each message that a split gave to another lead, with that lead as it is known today.
CREATE VIEW proj_v1.moved_messages AS
SELECT
    move.workspace_id,
    move.message_id,
    coalesce(survivor.survivor_id, move.into_lead_id) AS lead_id
FROM proj_v1.message_moves AS move
LEFT JOIN proj_v1.lead_survivors AS survivor
    ON survivor.workspace_id = move.workspace_id AND survivor.lead_id = move.into_lead_id;

-- Arms instead of outer joins: a filter on lead_id reaches the index of the first two, and the third is small.
CREATE VIEW analytics.messages AS
SELECT
    message.workspace_id,
    message.message_id,
    message.conversation_id,
    message.surviving_lead_id AS lead_id,
    message.lead_id AS original_lead_id,
    message.provider,
    message.channel,
    message.direction,
    message.source,
    message.provider_event,
    message.provider_message_id,
    message.sent_at,
    (message.sent_at AT TIME ZONE 'UTC')::date AS sent_date,
    message.received_at,
    message.subject,
    message.text,
    message.body,
    message.html,
    message.campaign_id,
    message.campaign_name,
    message.account,
    message.from_email,
    message.from_name,
    message.attachment_count,
    message.is_automated,
    message.attrs,
    message.receipt_id,
    message.src_topic,
    message.src_partition,
    message.src_offset
FROM (
    SELECT kept.lead_id AS surviving_lead_id, kept.*
    FROM proj_v1.messages AS kept
    WHERE NOT EXISTS (
        SELECT FROM proj_v1.lead_merges AS merge
        WHERE merge.workspace_id = kept.workspace_id AND merge.lead_id = kept.lead_id
    )
        AND NOT EXISTS (
            SELECT FROM proj_v1.message_moves AS move
            WHERE move.workspace_id = kept.workspace_id AND move.message_id = kept.message_id
        )
    UNION ALL
    SELECT survivor.survivor_id AS surviving_lead_id, moved.*
    FROM proj_v1.lead_survivors AS survivor
    JOIN proj_v1.messages AS moved
        ON moved.workspace_id = survivor.workspace_id AND moved.lead_id = survivor.lead_id
    WHERE NOT EXISTS (
        SELECT FROM proj_v1.message_moves AS move
        WHERE move.workspace_id = moved.workspace_id AND move.message_id = moved.message_id
    )
    UNION ALL
    SELECT elsewhere.lead_id AS surviving_lead_id, taken.*
    FROM proj_v1.moved_messages AS elsewhere
    JOIN proj_v1.messages AS taken
        ON taken.workspace_id = elsewhere.workspace_id AND taken.message_id = elsewhere.message_id
) AS message;

COMMENT ON VIEW analytics.messages IS 'One row for each distinct message, in either direction and of every channel.';
COMMENT ON COLUMN analytics.messages.workspace_id IS 'The workspace the message belongs to.';
COMMENT ON COLUMN analytics.messages.message_id IS 'Headrace''s id, derived from the provider''s: the same message has one id, however many webhooks mention it.';
COMMENT ON COLUMN analytics.messages.conversation_id IS 'The provider''s thread.';
COMMENT ON COLUMN analytics.messages.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on; after a split, the one it belongs to. Joins analytics.leads.';
COMMENT ON COLUMN analytics.messages.original_lead_id IS 'The lead the message was assigned to when it came in; differs from lead_id after a merge or split.';
COMMENT ON COLUMN analytics.messages.provider IS 'ghl, unipile, smartlead, instantly or emailbison.';
COMMENT ON COLUMN analytics.messages.channel IS 'sms, linkedin or email.';
COMMENT ON COLUMN analytics.messages.direction IS 'inbound (the lead wrote) or outbound (a message went to the lead).';
COMMENT ON COLUMN analytics.messages.source IS 'direct (a person wrote it), campaign (a campaign''s send) or bounce (a mail system''s notice).';
COMMENT ON COLUMN analytics.messages.provider_event IS 'The provider''s own name of the event that brought the message.';
COMMENT ON COLUMN analytics.messages.provider_message_id IS 'The provider''s own id of the message; null where it has none.';
COMMENT ON COLUMN analytics.messages.sent_at IS 'When it was written or sent, by the provider''s clock.';
COMMENT ON COLUMN analytics.messages.sent_date IS 'The UTC day of sent_at.';
COMMENT ON COLUMN analytics.messages.received_at IS 'When its webhook reached Headrace.';
COMMENT ON COLUMN analytics.messages.subject IS 'E-mail subject; null on other channels.';
COMMENT ON COLUMN analytics.messages.text IS 'Only what the author wrote this time: without quoted history and signature.';
COMMENT ON COLUMN analytics.messages.body IS 'The whole message as plain text, quoted history included.';
COMMENT ON COLUMN analytics.messages.html IS 'The HTML form, where the provider sent one.';
COMMENT ON COLUMN analytics.messages.campaign_id IS 'The provider''s campaign; null outside campaigns.';
COMMENT ON COLUMN analytics.messages.campaign_name IS 'The campaign''s name at that time.';
COMMENT ON COLUMN analytics.messages.account IS 'Our side: the mailbox, phone number or account it went through.';
COMMENT ON COLUMN analytics.messages.from_email IS 'Who wrote it, lower-cased address; e-mail only.';
COMMENT ON COLUMN analytics.messages.from_name IS 'The writer''s display name; e-mail only.';
COMMENT ON COLUMN analytics.messages.attachment_count IS 'Number of attachments.';
COMMENT ON COLUMN analytics.messages.is_automated IS 'True when the provider says a machine wrote it, such as an out-of-office notice.';
COMMENT ON COLUMN analytics.messages.attrs IS 'The rest as JSON, empty parts left out: to, cc, bcc (lists of address and name), reply_context.';
COMMENT ON COLUMN analytics.messages.receipt_id IS 'The webhook that brought it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.messages.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.messages.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.messages.src_offset IS 'Lineage: its offset.';

-- What merged leads bring along is computed for them alone, and so are the times of leads that were split, out of their
-- messages: they are few, and the others stay index look-ups.
CREATE VIEW analytics.leads AS
WITH merged AS (
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
    FROM proj_v1.lead_survivors AS survivor
    LEFT JOIN proj_v1.lead_activity AS activity
        ON activity.workspace_id = survivor.workspace_id AND activity.lead_id = survivor.lead_id
    WHERE survivor.survivor_id <> survivor.lead_id
    GROUP BY survivor.workspace_id, survivor.survivor_id
),

merged_suppression AS (
    SELECT DISTINCT ON (survivor.workspace_id, survivor.survivor_id)
        survivor.workspace_id,
        survivor.survivor_id AS lead_id,
        suppression.reason,
        suppression.occurred_at,
        suppression.event_id
    FROM proj_v1.lead_survivors AS survivor
    JOIN proj_v1.lead_suppressions AS suppression
        ON suppression.workspace_id = survivor.workspace_id AND suppression.lead_id = survivor.lead_id
    WHERE survivor.survivor_id <> survivor.lead_id
    ORDER BY
        survivor.workspace_id,
        survivor.survivor_id,
        suppression.occurred_at,
        suppression.event_id
),

split_lead AS (
    SELECT workspace_id, lead_id FROM proj_v1.lead_splits
    UNION
    SELECT workspace_id, new_lead_id FROM proj_v1.lead_splits
),

split_rollup AS (
    SELECT
        survivor.workspace_id,
        survivor.lead_id,
        min(message.sent_at) AS first_message_at,
        max(message.sent_at) AS last_message_at,
        min(message.sent_at) FILTER (WHERE message.direction = 'inbound') AS first_inbound_at,
        max(message.sent_at) FILTER (WHERE message.direction = 'inbound') AS last_inbound_at,
        min(message.sent_at) FILTER (WHERE message.direction = 'outbound') AS first_outbound_at,
        max(message.sent_at) FILTER (WHERE message.direction = 'outbound') AS last_outbound_at
    FROM (
        SELECT DISTINCT split_lead.workspace_id, coalesce(gone.survivor_id, split_lead.lead_id) AS lead_id
        FROM split_lead
        LEFT JOIN proj_v1.lead_survivors AS gone
            ON gone.workspace_id = split_lead.workspace_id AND gone.lead_id = split_lead.lead_id
    ) AS survivor
    LEFT JOIN analytics.messages AS message
        ON message.workspace_id = survivor.workspace_id AND message.lead_id = survivor.lead_id
    GROUP BY survivor.workspace_id, survivor.lead_id
)

SELECT
    lead.workspace_id,
    lead.lead_id,
    CASE
        WHEN suppression.occurred_at IS NOT NULL THEN 'suppressed'
        WHEN rollup.last_inbound_at IS NOT NULL THEN 'replied'
        WHEN rollup.last_outbound_at IS NOT NULL THEN 'contacted'
        ELSE 'new'
    END AS status,
    suppression.occurred_at IS NOT NULL AS is_suppressed,
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
FROM proj_v1.leads AS lead
LEFT JOIN proj_v1.lead_activity AS activity
    ON activity.workspace_id = lead.workspace_id AND activity.lead_id = lead.lead_id
LEFT JOIN merged
    ON merged.workspace_id = lead.workspace_id AND merged.lead_id = lead.lead_id
LEFT JOIN split_rollup
    ON split_rollup.workspace_id = lead.workspace_id AND split_rollup.lead_id = lead.lead_id
LEFT JOIN merged_suppression
    ON merged_suppression.workspace_id = lead.workspace_id AND merged_suppression.lead_id = lead.lead_id
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
LEFT JOIN LATERAL (
    SELECT any_of.reason, any_of.occurred_at
    FROM (
        (
            SELECT own.reason, own.occurred_at, own.event_id
            FROM proj_v1.lead_suppressions AS own
            WHERE own.workspace_id = lead.workspace_id AND own.lead_id = lead.lead_id
            ORDER BY own.occurred_at, own.event_id
            LIMIT 1
        )
        UNION ALL
        SELECT merged_suppression.reason, merged_suppression.occurred_at, merged_suppression.event_id
        WHERE merged_suppression.occurred_at IS NOT NULL
    ) AS any_of
    ORDER BY any_of.occurred_at, any_of.event_id
    LIMIT 1
) AS suppression ON true
WHERE NOT EXISTS (
    SELECT FROM proj_v1.lead_survivors AS gone
    WHERE gone.workspace_id = lead.workspace_id AND gone.lead_id = lead.lead_id AND gone.survivor_id <> gone.lead_id
);

COMMENT ON VIEW analytics.leads IS 'One row for each person known today. A lead that was merged away is not shown: its messages, times and suppression count for the lead it lives on in.';
COMMENT ON COLUMN analytics.leads.workspace_id IS 'The workspace the lead belongs to.';
COMMENT ON COLUMN analytics.leads.lead_id IS 'The lead''s id.';
COMMENT ON COLUMN analytics.leads.status IS 'suppressed (nobody may write to it), else replied (it wrote to us), else contacted (we wrote to it), else new.';
COMMENT ON COLUMN analytics.leads.is_suppressed IS 'True when nobody may write to the lead any more.';
COMMENT ON COLUMN analytics.leads.suppression_reason IS 'Why, by the earliest suppression: unsubscribed, bounced, blacklisted or wrong_person.';
COMMENT ON COLUMN analytics.leads.suppressed_at IS 'When the earliest suppression happened.';
COMMENT ON COLUMN analytics.leads.first_name IS 'First name, the first one any provider told.';
COMMENT ON COLUMN analytics.leads.last_name IS 'Last name, the first one any provider told.';
COMMENT ON COLUMN analytics.leads.company IS 'Company, the first one any provider told.';
COMMENT ON COLUMN analytics.leads.title IS 'Job title, the first one any provider told.';
COMMENT ON COLUMN analytics.leads.email IS 'The lead''s own address, lower-cased.';
COMMENT ON COLUMN analytics.leads.alternate_emails IS 'Other addresses that answered for the lead.';
COMMENT ON COLUMN analytics.leads.phone IS 'Phone number in E.164 form.';
COMMENT ON COLUMN analytics.leads.linkedin_url IS 'The person''s LinkedIn profile.';
COMMENT ON COLUMN analytics.leads.company_linkedin_url IS 'The company''s LinkedIn page.';
COMMENT ON COLUMN analytics.leads.campaign_id IS 'The first campaign the lead was seen in.';
COMMENT ON COLUMN analytics.leads.campaign_name IS 'That campaign''s name.';
COMMENT ON COLUMN analytics.leads.account IS 'Our mailbox, phone number or account the lead was first seen through.';
COMMENT ON COLUMN analytics.leads.current_replier_email IS 'Somebody else answers for the lead from this address; null when the lead itself does.';
COMMENT ON COLUMN analytics.leads.current_replier_name IS 'That person''s display name.';
COMMENT ON COLUMN analytics.leads.current_replier_since_at IS 'Since when.';
COMMENT ON COLUMN analytics.leads.created_at IS 'When the lead was first seen.';
COMMENT ON COLUMN analytics.leads.created_date IS 'The UTC day of created_at.';
COMMENT ON COLUMN analytics.leads.changed_at IS 'When something was last learnt about the lead.';
COMMENT ON COLUMN analytics.leads.first_message_at IS 'sent_at of its earliest message in either direction.';
COMMENT ON COLUMN analytics.leads.last_message_at IS 'sent_at of its latest message in either direction.';
COMMENT ON COLUMN analytics.leads.first_inbound_at IS 'When it first wrote to us.';
COMMENT ON COLUMN analytics.leads.last_inbound_at IS 'When it last wrote to us.';
COMMENT ON COLUMN analytics.leads.first_outbound_at IS 'When we first wrote to it.';
COMMENT ON COLUMN analytics.leads.last_outbound_at IS 'When we last wrote to it.';
COMMENT ON COLUMN analytics.leads.last_message_direction IS 'inbound or outbound, of the latest message; inbound when both bear the same time.';
COMMENT ON COLUMN analytics.leads.merged_lead_ids IS 'Leads that turned out to be this one.';
COMMENT ON COLUMN analytics.leads.receipt_id IS 'The webhook that last changed the lead. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.leads.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.leads.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.leads.src_offset IS 'Lineage: its offset.';

-- Only identities of the lead's newest state: they carry the same version as its row.
CREATE VIEW analytics.lead_identities AS
SELECT
    identity.workspace_id,
    identity.kind,
    identity.value,
    identity.lead_id,
    identity.is_alias,
    identity.receipt_id,
    identity.src_topic,
    identity.src_partition,
    identity.src_offset
FROM proj_v1.lead_identities AS identity
JOIN proj_v1.leads AS lead
    ON lead.workspace_id = identity.workspace_id
    AND lead.lead_id = identity.lead_id
    AND lead.src_partition = identity.src_partition
    AND lead.src_offset = identity.src_offset
WHERE NOT EXISTS (
    SELECT FROM proj_v1.lead_survivors AS gone
    WHERE gone.workspace_id = lead.workspace_id AND gone.lead_id = lead.lead_id AND gone.survivor_id <> gone.lead_id
);

COMMENT ON VIEW analytics.lead_identities IS 'One row for each way a lead is recognised by. Look a person up here by address, number or profile.';
COMMENT ON COLUMN analytics.lead_identities.workspace_id IS 'The workspace the lead belongs to.';
COMMENT ON COLUMN analytics.lead_identities.kind IS 'email, phone, linkedin_id, linkedin_slug, ghl_contact_id or emailbison_lead_id.';
COMMENT ON COLUMN analytics.lead_identities.value IS 'The normalised value: lower-cased e-mail, E.164 phone, LinkedIn id or profile slug, provider id.';
COMMENT ON COLUMN analytics.lead_identities.lead_id IS 'The lead it belongs to. Joins analytics.leads.';
COMMENT ON COLUMN analytics.lead_identities.is_alias IS 'True when a colleague answered for the lead from it: never makes two leads one. Aliases and phone numbers may stand with several leads.';
COMMENT ON COLUMN analytics.lead_identities.receipt_id IS 'The webhook that last changed the lead. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN analytics.lead_identities.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN analytics.lead_identities.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN analytics.lead_identities.src_offset IS 'Lineage: its offset.';
