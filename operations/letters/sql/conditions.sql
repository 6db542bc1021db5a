-- The filter, about a row by the name `letter`, and the order in which the records are kept. A letter of a record that
-- was sent again is found by that record's place, too: it is how the newer failure is known.
(
    cardinality(%(ids)s::text[]) = 0
    OR letter.id = ANY(%(ids)s)
    OR letter.id IN (
        SELECT e.letter_id FROM {proj}.dead_letter_events AS e
        WHERE e.event = 'failed'
            AND concat_ws(':', e.record_topic, e.record_partition, e.record_offset, e.stage) = ANY(%(ids)s)
    )
)
AND (%(stage)s::text IS NULL OR letter.stage = %(stage)s)
AND (%(topics)s::text[] IS NULL OR letter.origin_topic = ANY(%(topics)s))
AND (%(error)s::text IS NULL OR position(%(error)s in lower(concat_ws(' ', letter.error_class, letter.reason))) > 0)
AND (%(since)s::timestamptz IS NULL OR letter.last_failed_at >= %(since)s)
AND (%(until)s::timestamptz IS NULL OR letter.last_failed_at < %(until)s)
AND (%(states)s::text[] IS NULL OR letter.state = ANY(%(states)s))
ORDER BY letter.kept_topic, letter.kept_partition, letter.kept_offset,
    letter.origin_topic, letter.origin_partition, letter.origin_offset, letter.stage
