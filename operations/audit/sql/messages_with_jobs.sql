-- How many messages of the range have jobs by rights: those that a person wrote to us.
SELECT count(*) FROM {proj}.messages AS m
WHERE m.direction = 'inbound' AND m.source = 'direct' AND m.src_topic = %(topic)s
  AND m.src_partition = %(partition)s AND m.src_offset >= %(start)s AND m.src_offset < %(end)s
