CREATE OR REPLACE VIEW {analytics}.signals AS
SELECT
    signal.workspace_id,
    signal.event_id AS signal_id,
    coalesce(survivor.survivor_id, signal.lead_id) AS lead_id,
    signal.lead_id AS original_lead_id,
    signal.signal,
    signal.provider,
    signal.provider_event,
    signal.detail,
    signal.message_id,
    signal.occurred_at,
    (signal.occurred_at AT TIME ZONE 'UTC')::date AS occurred_date,
    signal.received_at,
    signal.receipt_id,
    signal.src_topic,
    signal.src_partition,
    signal.src_offset
FROM {proj}.lead_signals AS signal
LEFT JOIN {proj}.lead_survivors AS survivor
    ON survivor.workspace_id = signal.workspace_id AND survivor.lead_id = signal.lead_id;

COMMENT ON VIEW {analytics}.signals IS 'One row for each thing a provider reported about a lead beside messages: meetings, its own labels, accepted connections, clicks.';
COMMENT ON COLUMN {analytics}.signals.workspace_id IS 'The workspace.';
COMMENT ON COLUMN {analytics}.signals.signal_id IS 'The report''s id.';
COMMENT ON COLUMN {analytics}.signals.lead_id IS 'The lead, as it is known today: after a merge, the lead that lives on. Joins analytics.leads.';
COMMENT ON COLUMN {analytics}.signals.original_lead_id IS 'The lead it was about at first.';
COMMENT ON COLUMN {analytics}.signals.signal IS 'What was reported, such as meeting_booked, meeting_completed, interested or out_of_office: analytics.value_meanings has all.';
COMMENT ON COLUMN {analytics}.signals.provider IS 'Who reported it.';
COMMENT ON COLUMN {analytics}.signals.provider_event IS 'The provider''s own name of the event.';
COMMENT ON COLUMN {analytics}.signals.detail IS 'The provider''s words, where it has any, such as the name of a label of its users.';
COMMENT ON COLUMN {analytics}.signals.message_id IS 'The message it is about; null when it names none. Joins analytics.messages.';
COMMENT ON COLUMN {analytics}.signals.occurred_at IS 'When it happened, by the provider''s clock.';
COMMENT ON COLUMN {analytics}.signals.occurred_date IS 'The UTC day of occurred_at.';
COMMENT ON COLUMN {analytics}.signals.received_at IS 'When its webhook reached Headrace.';
COMMENT ON COLUMN {analytics}.signals.receipt_id IS 'The webhook that caused it. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN {analytics}.signals.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN {analytics}.signals.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.signals.src_offset IS 'Lineage: its offset.';
