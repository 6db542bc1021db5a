-- name: mark_discarded
-- Of records that live projections refused: a person decided that nothing is to be done. What is no longer open stays.
UPDATE ctl.dead_letters AS d
SET state = 'discarded', run_id = %s, changed_by = %s, changed_at = clock_timestamp(), note = %s
FROM unnest(%s::text[], %s::text[], %s::int[], %s::bigint[]) AS i (projection, topic, partition, place)
WHERE d.projection = i.projection AND d.topic = i.topic AND d.partition = i.partition AND d."offset" = i.place
    AND {live.d} AND d.state = 'open'
