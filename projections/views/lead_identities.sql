-- Only identities of the lead's newest state: they carry the same version as its row.
CREATE OR REPLACE VIEW {analytics}.lead_identities AS
SELECT
    identity.workspace_id,
    identity.kind,
    identity.value,
    identity.lead_id,
    identity.is_alias,
    identity.receipt_id,
    identity.src_topic,
    identity.src_partition,
    identity.src_offset
FROM {proj}.lead_identities AS identity
JOIN {proj}.leads AS lead
    ON lead.workspace_id = identity.workspace_id
    AND lead.lead_id = identity.lead_id
    AND lead.src_partition = identity.src_partition
    AND lead.src_offset = identity.src_offset
WHERE NOT EXISTS (
    SELECT FROM {proj}.lead_survivors AS gone
    WHERE gone.workspace_id = lead.workspace_id AND gone.lead_id = lead.lead_id AND gone.survivor_id <> gone.lead_id
);

COMMENT ON VIEW {analytics}.lead_identities IS 'One row for each way a lead is recognised by. Look a person up here by address, number or profile.';
COMMENT ON COLUMN {analytics}.lead_identities.workspace_id IS 'The workspace the lead belongs to.';
COMMENT ON COLUMN {analytics}.lead_identities.kind IS 'email, phone, linkedin_id, linkedin_slug, ghl_contact_id or emailbison_lead_id.';
COMMENT ON COLUMN {analytics}.lead_identities.value IS 'The normalised value: lower-cased e-mail, E.164 phone, LinkedIn id or profile slug, provider id.';
COMMENT ON COLUMN {analytics}.lead_identities.lead_id IS 'The lead it belongs to. Joins analytics.leads.';
COMMENT ON COLUMN {analytics}.lead_identities.is_alias IS 'True when a colleague answered for the lead from it: never makes two leads one. Aliases and phone numbers may stand with several leads.';
COMMENT ON COLUMN {analytics}.lead_identities.receipt_id IS 'The webhook that last changed the lead. Joins analytics.webhook_receipts.';
COMMENT ON COLUMN {analytics}.lead_identities.src_topic IS 'Lineage: the Kafka topic of the event behind this row.';
COMMENT ON COLUMN {analytics}.lead_identities.src_partition IS 'Lineage: its partition.';
COMMENT ON COLUMN {analytics}.lead_identities.src_offset IS 'Lineage: its offset.';
