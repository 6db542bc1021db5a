-- Headers of the records that the live projections could not write; of one projection, or of all.
SELECT headers FROM ctl.dead_letters AS d
WHERE {live.d} AND d.state <> 'fixed' AND (%(projection)s::text IS NULL OR d.projection = %(projection)s)
