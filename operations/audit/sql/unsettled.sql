-- Of a dead letter by the name `letter`: nobody has sent it again since it failed. For one that was sent again the
-- answer is in what followed: it is fixed, and then nothing may be missing, or it has failed again, and then that newer
-- failure accounts for it.
NOT EXISTS (
    SELECT FROM {proj}.dead_letter_events AS later
    LEFT JOIN {proj}.dead_letter_events AS failed
        ON failed.letter_id = later.letter_id
        AND failed.event = 'failed'
        AND failed.stage = letter.stage
        AND failed.record_topic = letter.origin_topic
        AND failed.record_partition = letter.origin_partition
        AND failed.record_offset = letter.origin_offset
    WHERE later.event IN ('redriven', 'fixed')
        AND later.generation > coalesce(failed.generation, 0)
        AND later.letter_id = coalesce(
            (
                SELECT chained.letter_id FROM {proj}.dead_letter_events AS chained
                WHERE chained.event = 'failed'
                    AND chained.stage = letter.stage
                    AND chained.record_topic = letter.origin_topic
                    AND chained.record_partition = letter.origin_partition
                    AND chained.record_offset = letter.origin_offset
                    AND chained.letter_id NOT LIKE '%%:quarantine'
                LIMIT 1
            ),
            concat_ws(':', letter.origin_topic, letter.origin_partition, letter.origin_offset, letter.stage)
        )
)
