-- Offsets of a partition whose records have no verdict because of a letter: those that failed, those that came twice
-- when a letter was sent again, and quarantined ones whose receipt has got another verdict since.
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
