-- Two arms instead of one outer join: a filter on lead_id reaches the index of either.
CREATE OR REPLACE VIEW {analytics}.messages AS
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
    FROM {proj}.messages AS kept
    WHERE NOT EXISTS (
        SELECT FROM {proj}.lead_merges AS merge
        WHERE merge.workspace_id = kept.workspace_id AND merge.lead_id = kept.lead_id
    )
    UNION ALL
    SELECT survivor.survivor_id AS surviving_lead_id, moved.*
    FROM {proj}.lead_survivors AS survivor
    JOIN {proj}.messages AS moved
        ON moved.workspace_id = survivor.workspace_id AND moved.lead_id = survivor.lead_id
) AS message;

COMMENT ON VIEW {analytics}.messages IS 'One row for each distinct message, in either direction and of every channel.';
COMMENT ON COLUMN {analytics}.messages.workspace_id IS 'The workspace the message belongs to.';
COMMENT ON COLUMN {analytics}.messages.message_id IS 'Headrace''s id, derived from the provider''s: the same message has one id, however many webhooks mention it.';
COMMENT ON COLUMN {analytics}.messages.conversation_id IS 'The provider''s thread.';
COMMENT ON COLUMN {analytics}.messages.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on. Joins analytics.leads.';
COMMENT ON COLUMN {analytics}.messages.original_lead_id IS 'The lead the message was assigned to when it came in; differs from lead_id after a merge.';
COMMENT ON COLUMN {analytics}.messages.provider IS 'ghl, unipile, smartlead, instantly or emailbison.';
COMMENT ON COLUMN {analytics}.messages.channel IS 'sms, linkedin or email.';
COMMENT ON COLUMN {analytics}.messages.direction IS 'inbound (the lead wrote) or outbound (a message went to the lead).';
COMMENT ON COLUMN {analytics}.messages.source IS 'direct (a person wrote it), campaign (a campaign''s send) or bounce (a mail system''s notice).';
COMMENT ON COLUMN {analytics}.messages.provider_event IS 'The provider''s own name of the event that brought the message.';
COMMENT ON COLUMN {analytics}.messages.provider_message_id IS 'The provider''s own id of the message; null where it has none.';
COMMENT ON COLUMN {analytics}.messages.sent_at IS 'When it was written or sent, by the provider''s clock.';
COMMENT ON COLUMN {analytics}.messages.sent_date IS 'The UTC day of sent_at.';
COMMENT ON COLUMN {analytics}.messages.received_at IS 'When its webhook reached Headrace.';
COMMENT ON COLUMN {analytics}.messages.subject IS 'E-mail subject; null on other channels.';
COMMENT ON COLUMN {analytics}.messages.text IS 'Only what the author wrote this time: without quoted history and signature.';
COMMENT ON COLUMN {analytics}.messages.body IS 'The whole message as plain text, quoted history included.';
COMMENT ON COLUMN {analytics}.messages.html IS 'The HTML form, where the provider sent one.';
COMMENT ON COLUMN {analytics}.messages.campaign_id IS 'The provider''s campaign; null outside campaigns.';
COMMENT ON COLUMN {analytics}.messages.campaign_name IS 'The campaign''s name at that time.';
COMMENT ON COLUMN {analytics}.messages.account IS 'Our side: the mailbox, phone number or account it went through.';
COMMENT ON COLUMN {analytics}.messages.from_email IS 'Who wrote it, lower-cased address; e-mail only.';
COMMENT ON COLUMN {analytics}.messages.from_name IS 'The writer''s display name; e-mail only.';
COMMENT ON COLUMN {analytics}.messages.attachment_count IS 'Number of attachments.';
COMMENT ON COLUMN {analytics}.messages.is_automated IS 'True when the provider says a machine wrote it, such as an out-of-office notice.';
COMMENT ON COLUMN {analytics}.messages.attrs IS 'The rest as JSON, empty parts left out: to, cc, bcc (lists of address and name), reply_context.';
COMMENT ON COLUMN {analytics}.messages.receipt_id IS 'The webhook that brought it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN {analytics}.messages.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN {analytics}.messages.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.messages.src_offset IS 'Lineage: its offset.';
