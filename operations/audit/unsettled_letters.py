"""Which dead letters account for something that is missing: those that nobody has sent again since they failed.

For one that was sent again the answer is in what followed: it is fixed, and then nothing may be missing, or it has
failed again, and then that newer failure accounts for it.
"""

#: SQL about a row of `{proj}.dead_letters` by the name `letter`.
UNSETTLED = """
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
"""

#: Offsets of a partition whose records have no verdict because of a letter: those that failed, those that came twice
#: when a letter was sent again, and quarantined ones whose receipt has got another verdict since.
ACCOUNTED_OFFSETS = """
SELECT letter.origin_offset FROM {proj}.dead_letters AS letter
WHERE letter.origin_topic = %(topic)s AND letter.origin_partition = %(partition)s
UNION
SELECT settled.place FROM (
    SELECT e.record_topic AS topic, e.record_partition AS partition, e.record_offset AS place,
        e.workspace_id, e.receipt_id
    FROM {proj}.dead_letter_events AS e
    WHERE e.event = 'fixed'
    UNION ALL
    SELECT split_part(e.letter_id, ':', 1), split_part(e.letter_id, ':', 2)::integer,
        split_part(e.letter_id, ':', 3)::bigint, e.workspace_id, e.receipt_id
    FROM {proj}.dead_letter_events AS e
    WHERE e.event = 'fixed' AND e.letter_id LIKE '%%:quarantine'
) AS settled
WHERE settled.topic = %(topic)s AND settled.partition = %(partition)s AND EXISTS (
    SELECT FROM {proj}.webhook_receipts AS judged
    WHERE judged.workspace_id = settled.workspace_id AND judged.receipt_id::text = settled.receipt_id
)
"""
