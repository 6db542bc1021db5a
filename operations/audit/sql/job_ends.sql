-- How many jobs ended in the range.
SELECT count(*) FROM {proj}.job_ends AS e
WHERE e.src_topic = %(topic)s AND e.src_partition = %(partition)s
  AND e.first_offset >= %(start)s AND e.first_offset < %(end)s
