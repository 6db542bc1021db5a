CREATE OR REPLACE VIEW {analytics}.dead_letters AS
SELECT
    letter.stage,
    letter.origin_topic,
    letter.origin_partition,
    letter.origin_offset,
    letter.workspace_id,
    letter.receipt_id,
    letter.error_class,
    letter.reason,
    letter.attempts,
    letter.first_failed_at,
    letter.last_failed_at
FROM {proj}.dead_letters AS letter
UNION ALL
SELECT
    'project:' || refused.projection AS stage,
    refused.topic AS origin_topic,
    refused.partition AS origin_partition,
    refused."offset" AS origin_offset,
    NULL AS workspace_id,
    NULL AS receipt_id,
    refused.error_class,
    refused.reason,
    refused.attempts,
    refused.record_at AS first_failed_at,
    refused.failed_at AS last_failed_at
FROM {ctl}.dead_letters AS refused
WHERE {live:refused} AND refused.state = 'open';

COMMENT ON VIEW {analytics}.dead_letters IS 'One row for each record a stage could not process and set aside. Nothing is lost: the record is kept.';
COMMENT ON COLUMN {analytics}.dead_letters.stage IS 'Who gave up: a pipeline stage such as dedupe or resolve, or project:<projection>.';
COMMENT ON COLUMN {analytics}.dead_letters.origin_topic IS 'The record: its Kafka topic.';
COMMENT ON COLUMN {analytics}.dead_letters.origin_partition IS 'The record: its partition.';
COMMENT ON COLUMN {analytics}.dead_letters.origin_offset IS 'The record: its offset.';
COMMENT ON COLUMN {analytics}.dead_letters.workspace_id IS 'The workspace, where the record says so.';
COMMENT ON COLUMN {analytics}.dead_letters.receipt_id IS 'The webhook behind it, where the record says so.';
COMMENT ON COLUMN {analytics}.dead_letters.error_class IS 'The kind of error.';
COMMENT ON COLUMN {analytics}.dead_letters.reason IS 'What went wrong, without content.';
COMMENT ON COLUMN {analytics}.dead_letters.attempts IS 'How often it was tried.';
COMMENT ON COLUMN {analytics}.dead_letters.first_failed_at IS 'When it first failed; for project:… when the record was written.';
COMMENT ON COLUMN {analytics}.dead_letters.last_failed_at IS 'When it last failed.';
