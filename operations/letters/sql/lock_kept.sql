-- One record that a projection refused, for nobody else to decide about meanwhile.
SELECT topic, partition, "offset", key, value, headers, record_at, state
FROM ctl.dead_letters
WHERE projection = %(projection)s AND version = %(version)s AND topic = %(topic)s AND partition = %(partition)s
    AND "offset" = %(offset)s
FOR UPDATE
