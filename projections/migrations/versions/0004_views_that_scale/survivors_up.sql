-- Each merged lead once, with the lead it lives on in: merges are followed to their end. Most end at once, and only the
-- others are followed. The resolver never merges in a circle; should one come about, its smallest id survives, so that
-- no message drops out of the views. A row a merge, so that this is how many rows are estimated.
CREATE OR REPLACE VIEW {schema}.lead_survivors AS
SELECT merge.workspace_id, merge.lead_id, coalesce(chain.survivor_id, merge.into_lead_id) AS survivor_id
FROM {schema}.lead_merges AS merge
LEFT JOIN (
    WITH RECURSIVE followed AS (
        SELECT first.workspace_id, first.lead_id, first.into_lead_id AS survivor_id
        FROM {schema}.lead_merges AS first
        WHERE EXISTS (
            SELECT FROM {schema}.lead_merges AS further
            WHERE further.workspace_id = first.workspace_id AND further.lead_id = first.into_lead_id
        )
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
        followed.survivor_id
) AS chain
    ON chain.workspace_id = merge.workspace_id AND chain.lead_id = merge.lead_id;
