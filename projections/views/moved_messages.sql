-- Each message that a split gave to another lead, with that lead as it is known today.
CREATE OR REPLACE VIEW {proj}.moved_messages AS
SELECT
    move.workspace_id,
    move.message_id,
    coalesce(survivor.survivor_id, move.into_lead_id) AS lead_id
FROM {proj}.message_moves AS move
LEFT JOIN {proj}.lead_survivors AS survivor
    ON survivor.workspace_id = move.workspace_id AND survivor.lead_id = move.into_lead_id;
