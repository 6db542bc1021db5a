-- name: create
-- What a rebuild keeps beside its rows: how far it was read, what the live version set aside, which tables are folded.
CREATE SCHEMA IF NOT EXISTS {stage};
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE UNLOGGED TABLE IF NOT EXISTS {stage}.progress (
    topic text,
    partition int,
    next_offset bigint NOT NULL,
    newest_at timestamptz,
    PRIMARY KEY (topic, partition)
);
CREATE UNLOGGED TABLE IF NOT EXISTS {stage}.refused (
    topic text,
    partition int,
    "offset" bigint,
    PRIMARY KEY (topic, partition, "offset")
);
CREATE UNLOGGED TABLE IF NOT EXISTS {stage}.folded (name text PRIMARY KEY, row_count bigint);

-- name: begin
-- Where a partition begins, unless it was read before.
INSERT INTO {stage}.progress VALUES (%s, %s, %s) ON CONFLICT DO NOTHING

-- name: progress
-- The next offset to read in each partition.
SELECT topic, partition, next_offset FROM {stage}.progress

-- name: move
-- A partition was read on, unless somebody else did.
UPDATE {stage}.progress
SET next_offset = %(end)s, newest_at = greatest(newest_at, to_timestamp(%(newest_ms)s / 1000.0))
WHERE topic = %(topic)s AND partition = %(partition)s AND next_offset = %(start)s

-- name: refuse
-- A record that the live version set aside, too.
INSERT INTO {stage}.refused VALUES (%s, %s, %s)

-- name: sizes
-- How large each table of the stage is.
SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relnamespace = %s::regnamespace

-- name: folded
-- How many rows a table has that is folded already.
SELECT row_count FROM {stage}.folded WHERE name = %s

-- name: note_folded
-- A table is folded, and has so many rows.
INSERT INTO {stage}.folded VALUES (%s, %s)

-- name: prepare_fold
-- Not as much memory as it could use: several tables are folded at once, and indexes have helpers of their own.
SET LOCAL work_mem = '64MB';
SET LOCAL maintenance_work_mem = '128MB';
DROP TABLE IF EXISTS {table};
DROP TABLE IF EXISTS {doubled}

-- name: find_doubled
-- The keys that have several rows: almost all tables have few, and only these need sorting.
CREATE UNLOGGED TABLE {doubled} AS SELECT {keys} FROM {source} GROUP BY {keys} HAVING count(*) > 1;
ANALYZE {doubled}

-- name: copy_single
-- The rows that are alone.
INSERT INTO {table} ({columns})
SELECT {columns} FROM {source} AS s
WHERE NOT EXISTS (SELECT FROM {doubled} AS d WHERE ({of_doubled}) = ({of_source}))

-- name: fold_doubled
-- One row of each key that has several.
INSERT INTO {table} ({columns})
SELECT DISTINCT ON ({keys}) {newest_of_all}
FROM {source} AS s JOIN {doubled} AS d USING ({keys})
ORDER BY {newest_first}
