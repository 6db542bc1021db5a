-- Each merged lead once, with the lead it lives on in: merges are followed to their end. The resolver never
-- merges in a circle; should one come about, its smallest id survives, so that no message drops out of the views.
CREATE OR REPLACE VIEW {schema}.lead_survivors AS
WITH RECURSIVE followed AS (
    SELECT workspace_id, lead_id, into_lead_id AS survivor_id
    FROM {schema}.lead_merges
    UNION ALL
    SELECT followed.workspace_id, followed.lead_id, next.into_lead_id
    FROM followed
    JOIN {schema}.lead_merges AS next
        ON next.workspace_id = followed.workspace_id AND next.lead_id = followed.survivor_id
) CYCLE survivor_id SET is_circle USING path
SELECT DISTINCT ON (followed.workspace_id, followed.lead_id)
    followed.workspace_id,
    followed.lead_id,
    followed.survivor_id
FROM followed
LEFT JOIN {schema}.lead_merges AS further
    ON further.workspace_id = followed.workspace_id AND further.lead_id = followed.survivor_id
ORDER BY
    followed.workspace_id,
    followed.lead_id,
    further.lead_id IS NOT NULL,
    followed.survivor_id;
