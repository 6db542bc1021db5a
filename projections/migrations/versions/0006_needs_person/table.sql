CREATE TABLE {schema}.person_needs (
    workspace_id text, message_id uuid, step text NOT NULL, reason text NOT NULL, fields text[] NOT NULL,
    lead_id uuid NOT NULL, job_id uuid NOT NULL, concluded_at timestamptz NOT NULL, sent_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL, ai_provider text, ai_model text, prompt_key text, prompt_version integer,
    prompt_sha256 text, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_person_needs PRIMARY KEY (workspace_id, message_id)
);
CREATE INDEX ix_person_needs_workspace_id_concluded_at ON {schema}.person_needs (workspace_id, concluded_at);
