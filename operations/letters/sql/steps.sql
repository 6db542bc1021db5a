-- What happened to a letter: by generation, and in the order in which one leads to the other.
SELECT e.event, e.generation, e.happened_at, e.changed_by AS by, e.run_id::text AS run_id,
    nullif(concat_ws(':', e.record_topic, e.record_partition, e.record_offset), '') AS record, e.error_class, e.reason
FROM {proj}.dead_letter_events AS e
WHERE e.letter_id = %(letter)s
ORDER BY e.generation, array_position(ARRAY['redriven', 'failed', 'fixed', 'discarded'], e.event), e.happened_at
