-- Stretches of the range without a verdict, first offset and the one behind the last. The range's end closes the last one.
SELECT before + 1, here FROM (
    SELECT source_offset AS here, lag(source_offset, 1, %(start)s - 1) OVER (ORDER BY source_offset) AS before
    FROM (
        SELECT source_offset FROM {proj}.webhook_receipts
        WHERE source_topic = %(topic)s AND source_partition = %(partition)s
          AND source_offset >= %(start)s AND source_offset < %(end)s
        UNION ALL
        SELECT %(end)s
    ) AS seen
) AS steps
WHERE here > before + 1
ORDER BY here
LIMIT %(limit)s
