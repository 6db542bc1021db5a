CREATE OR REPLACE VIEW {analytics}.sentiment_daily AS
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
FROM {proj}.message_labels AS label
JOIN {proj}.messages AS message
    ON message.workspace_id = label.workspace_id AND message.message_id = label.message_id
GROUP BY
    label.workspace_id,
    (label.sent_at AT TIME ZONE 'UTC')::date,
    message.channel,
    label.label
WINDOW day AS (PARTITION BY label.workspace_id, (label.sent_at AT TIME ZONE 'UTC')::date, message.channel);

COMMENT ON VIEW {analytics}.sentiment_daily IS 'Labelled messages by workspace, UTC day, channel and label.';
COMMENT ON COLUMN {analytics}.sentiment_daily.workspace_id IS 'The workspace.';
COMMENT ON COLUMN {analytics}.sentiment_daily.sent_date IS 'The UTC day the messages were written.';
COMMENT ON COLUMN {analytics}.sentiment_daily.channel IS 'sms, linkedin or email.';
COMMENT ON COLUMN {analytics}.sentiment_daily.label IS 'The label.';
COMMENT ON COLUMN {analytics}.sentiment_daily.n IS 'Messages with it.';
COMMENT ON COLUMN {analytics}.sentiment_daily.share IS 'Their share of the day''s labelled messages of the channel, 0 to 1.';
COMMENT ON COLUMN {analytics}.sentiment_daily.opt_out_count IS 'How many of them ask to end contact.';
COMMENT ON COLUMN {analytics}.sentiment_daily.needs_review_count IS 'How many of them a person should look at.';
COMMENT ON COLUMN {analytics}.sentiment_daily.mean_confidence IS 'Mean confidence, 0 to 1.';
