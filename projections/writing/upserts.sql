-- name: upsert
-- Write one row a key, unless what stands there is as new: an array of each column's values.
INSERT INTO {table} AS t ({columns})
SELECT {selected}
FROM unnest({parameters}) AS i ({columns})
{on_conflict}
