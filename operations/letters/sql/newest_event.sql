-- How the letter `q` stands: the furthest event of its newest generation. Who redrove it did so for what follows.
SELECT CASE WHEN e.event = 'failed' THEN 'failed again' ELSE e.event END AS state, e.generation,
    e.happened_at AS changed_at, coalesce(e.changed_by, redriven.changed_by) AS changed_by,
    coalesce(e.run_id, redriven.run_id) AS run_id,
    CASE WHEN e.event = 'discarded' THEN e.reason END AS discard_reason
FROM {proj}.dead_letter_events AS e
LEFT JOIN {proj}.dead_letter_events AS redriven
    ON redriven.letter_id = e.letter_id AND redriven.generation = e.generation AND redriven.event = 'redriven'
WHERE e.letter_id = q.id
ORDER BY e.generation DESC, array_position(ARRAY['redriven', 'failed', 'fixed', 'discarded'], e.event) DESC
LIMIT 1
