-- A webhook that left quarantine has its verdict in the workspace it went to: one row, not two.
CREATE OR REPLACE VIEW {analytics}.webhook_receipts AS
SELECT
    receipt.workspace_id,
    receipt.receipt_id,
    receipt.provider,
    receipt.provider_event,
    receipt.verdict,
    receipt.verdict = 'duplicate' AS is_duplicate,
    receipt.reason,
    receipt.received_at,
    (receipt.received_at AT TIME ZONE 'UTC')::date AS received_date,
    receipt.dedupe_key,
    receipt.first_receipt_id,
    receipt.occurrence,
    receipt.body_bytes,
    receipt.message_ids,
    receipt.fact_count,
    receipt.source_topic,
    receipt.source_partition,
    receipt.source_offset,
    receipt.src_topic,
    receipt.src_partition,
    receipt.src_offset,
    receipt.route,
    -- The only webhook that is kept and refused nevertheless.
    CASE WHEN receipt.verdict = 'quarantined' AND receipt.reason = 'unreadable body' THEN 400 ELSE 200 END AS status_code,
    receipt.stored_at AS acked_at,
    (extract(epoch FROM receipt.stored_at - receipt.received_at) * 1000000)::bigint AS latency_us
FROM {proj}.webhook_receipts AS receipt
WHERE receipt.verdict <> 'quarantined'
    OR receipt.workspace_id <> ''
    OR NOT EXISTS (
        SELECT FROM {proj}.dead_letter_events AS event
        WHERE event.letter_id
            = concat_ws(':', receipt.source_topic, receipt.source_partition, receipt.source_offset, 'quarantine')
            AND event.event = 'fixed'
    );

COMMENT ON VIEW {analytics}.webhook_receipts IS 'One row for each webhook that was accepted, with what became of it.';
COMMENT ON COLUMN {analytics}.webhook_receipts.workspace_id IS 'The workspace the webhook belongs to; empty when it is quarantined and nobody knows.';
COMMENT ON COLUMN {analytics}.webhook_receipts.receipt_id IS 'The id the sender got in the answer.';
COMMENT ON COLUMN {analytics}.webhook_receipts.provider IS 'ghl, unipile, smartlead, instantly or emailbison.';
COMMENT ON COLUMN {analytics}.webhook_receipts.provider_event IS 'The provider''s own name of the event; empty when it could not be read.';
COMMENT ON COLUMN {analytics}.webhook_receipts.verdict IS 'fresh (new, processed), duplicate (the provider repeated itself), ignored (nothing to do), malformed (unreadable) or quarantined (unknown workspace).';
COMMENT ON COLUMN {analytics}.webhook_receipts.is_duplicate IS 'True when the verdict is duplicate.';
COMMENT ON COLUMN {analytics}.webhook_receipts.reason IS 'Why, in a word or two, when it is neither fresh nor duplicate.';
COMMENT ON COLUMN {analytics}.webhook_receipts.received_at IS 'When it reached Headrace, by the gateway''s clock.';
COMMENT ON COLUMN {analytics}.webhook_receipts.received_date IS 'The UTC day of received_at.';
COMMENT ON COLUMN {analytics}.webhook_receipts.dedupe_key IS 'What makes two webhooks the same.';
COMMENT ON COLUMN {analytics}.webhook_receipts.first_receipt_id IS 'For a duplicate: the webhook it repeats.';
COMMENT ON COLUMN {analytics}.webhook_receipts.occurrence IS '1, and counted up where the same thing truly happened again.';
COMMENT ON COLUMN {analytics}.webhook_receipts.body_bytes IS 'Size of the body in bytes.';
COMMENT ON COLUMN {analytics}.webhook_receipts.message_ids IS 'The messages it produced. Each is in analytics.messages.';
COMMENT ON COLUMN {analytics}.webhook_receipts.fact_count IS 'Facts it produced: messages, suppressions and signals.';
COMMENT ON COLUMN {analytics}.webhook_receipts.source_topic IS 'Where the body lies byte for byte: the Kafka topic.';
COMMENT ON COLUMN {analytics}.webhook_receipts.source_partition IS 'Where the body lies: the partition.';
COMMENT ON COLUMN {analytics}.webhook_receipts.source_offset IS 'Where the body lies: the offset.';
COMMENT ON COLUMN {analytics}.webhook_receipts.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN {analytics}.webhook_receipts.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.webhook_receipts.src_offset IS 'Lineage: its offset.';
COMMENT ON COLUMN {analytics}.webhook_receipts.route IS 'The path it was posted to; null or empty for webhooks of a release that did not note it.';
COMMENT ON COLUMN {analytics}.webhook_receipts.status_code IS 'The answer''s HTTP status: 200, or 400 for a body that could not be read and is kept in quarantine.';
COMMENT ON COLUMN {analytics}.webhook_receipts.acked_at IS 'When Kafka had it, by the broker''s clock, to the millisecond: what the answer waited for.';
COMMENT ON COLUMN {analytics}.webhook_receipts.latency_us IS 'Microseconds from received_at to acked_at. Two clocks: a negative value says that they differ. Whole response times are in analytics.webhook_latency_hourly.';
