-- name: create
-- What a repair keeps beside its rows: its keys with their batches (bytes of any length, so without an index), how far
-- it has read, which records its rows are made of, and what was done with each batch.
CREATE SCHEMA IF NOT EXISTS {stage};
CREATE UNLOGGED TABLE IF NOT EXISTS {stage}.keys (partition int NOT NULL, key bytea NOT NULL, batch int NOT NULL);
CREATE UNLOGGED TABLE IF NOT EXISTS {stage}.progress (partition int PRIMARY KEY, next_offset bigint NOT NULL);
CREATE UNLOGGED TABLE IF NOT EXISTS {stage}.touched (
    partition int,
    "offset" bigint,
    batch int NOT NULL,
    is_refused boolean NOT NULL,
    PRIMARY KEY (partition, "offset")
);
CREATE INDEX IF NOT EXISTS ix_touched_batch ON {stage}.touched (batch);
CREATE UNLOGGED TABLE IF NOT EXISTS {stage}.done (
    batch int PRIMARY KEY,
    inserted bigint NOT NULL,
    replaced bigint NOT NULL,
    removed bigint NOT NULL
)

-- name: begin_anew
-- Without keys and rows; {tables} are those of rows.
TRUNCATE {stage}.keys, {stage}.progress, {stage}.touched, {stage}.done, {tables}

-- name: copy_keys
-- Keys with their batches.
COPY {stage}.keys FROM STDIN (FORMAT binary)

-- name: begin
-- Where a partition is read from.
INSERT INTO {stage}.progress VALUES (%s, %s)

-- name: keys
-- All keys with their batches.
SELECT partition, key, batch FROM {stage}.keys

-- name: progress
-- The next offset to read in each partition.
SELECT partition, next_offset FROM {stage}.progress

-- name: move
-- A partition was read on, unless somebody else did.
UPDATE {stage}.progress SET next_offset = %(end)s WHERE partition = %(partition)s AND next_offset = %(start)s

-- name: touch
-- Records of the keys, and which of them stand for no rows.
INSERT INTO {stage}.touched SELECT * FROM unnest(%b::int[], %b::bigint[], %b::int[], %b::bool[])

-- name: is_set_aside
-- Whether the live version set a record aside.
SELECT FROM ctl.dead_letters
WHERE projection = %s AND version = %s AND topic = %s AND partition = %s AND "offset" = %s

-- name: count_displaced
-- Live rows of the keys that name places which nobody has projected. Rows and positions are committed together.
SELECT count(*)
FROM {live} AS t
JOIN {made} AS m USING ({keys})
LEFT JOIN ctl.projection_offsets AS o
    ON o.projection = %s AND o.version = %s AND o.topic = %s AND o.partition = t.src_partition
WHERE t.src_offset < 0 OR t.src_offset >= coalesce(o.next_offset, 0)

-- name: claims
-- Places that live rows of the keys name as newer than what was read, though nothing was read there. What the workers
-- have written since is left out.
SELECT DISTINCT t.src_partition, t.src_offset
FROM {live} AS t
JOIN {made} AS m USING ({keys})
LEFT JOIN {stage}.progress AS p ON p.partition = t.src_partition
WHERE (t.src_partition, t.src_offset) > (m.src_partition, m.src_offset)
  AND t.src_offset < coalesce(p.next_offset, t.src_offset + 1)
  AND NOT {is_own}

-- name: is_own
-- Part of the others: whether one of the repair's records made the live row.
EXISTS (SELECT FROM {stage}.touched AS o WHERE o.partition = t.src_partition AND o."offset" = t.src_offset)

-- name: find_extra
-- Live rows that records of the keys once stood for, and don't any more.
DROP TABLE IF EXISTS {extra};
ANALYZE {stage}.touched;
ANALYZE {made};
CREATE UNLOGGED TABLE {extra} AS
SELECT {keys_of_live}, t.src_partition, t.src_offset, x.batch
FROM {live} AS t
JOIN {stage}.touched AS x ON x.partition = t.src_partition AND x."offset" = t.src_offset
WHERE NOT EXISTS (SELECT FROM {made} AS m WHERE ({keys_of_made}) = ({keys_of_live}));
CREATE INDEX ON {extra} (batch)

-- name: count_extra
-- How many there are.
SELECT count(*) FROM {extra}

-- name: batches
-- All that is left to be replaced, in order.
SELECT DISTINCT partition, batch FROM {stage}.keys
WHERE batch NOT IN (SELECT batch FROM {stage}.done)
ORDER BY batch

-- name: remove
-- What no record stands for: still not, and still the same row.
DELETE FROM {live} AS t USING {extra} AS e
WHERE e.batch = %s
  AND ({keys_of_extra}, e.src_partition, e.src_offset) = ({keys_of_live}, t.src_partition, t.src_offset)
  AND NOT EXISTS (SELECT FROM {made} AS m WHERE ({keys_of_made}) = ({keys_of_live}))

-- name: replace
-- Puts rows in, and over those that differ; counts both. A row that one of the repair's records made is the repair's
-- to set, whatever its revision. Any other was made by a record that the repair did not read, and is dealt with as the
-- live writer would.
WITH written AS (
    INSERT INTO {live} AS t ({columns})
    SELECT {columns_of_made}
    FROM {stage}.touched AS x
    JOIN {made} AS m ON m.src_partition = x.partition AND m.src_offset = x."offset"
    WHERE x.batch = %s
    ORDER BY {keys_of_made}
    {on_conflict}
    RETURNING xmax = 0 AS is_new
)
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM written

-- name: note_replaced
-- What was done with a batch.
INSERT INTO {stage}.done VALUES (%s, %s, %s, %s)

-- name: mend_dead_letters
-- Records of a batch that were set aside, and are rows now.
UPDATE ctl.dead_letters AS d SET state = 'fixed', fixed_by_run_id = %s
FROM {stage}.touched AS x
WHERE x.batch = %s AND NOT x.is_refused AND d.partition = x.partition AND d."offset" = x."offset"
  AND d.projection = %s AND d.version = %s AND d.topic = %s AND d.state = 'open'

-- name: replaced
-- All that was done so far.
SELECT coalesce(sum(inserted), 0)::bigint, coalesce(sum(replaced), 0)::bigint, coalesce(sum(removed), 0)::bigint
FROM {stage}.done
