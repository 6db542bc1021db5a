-- The rows of the read model, in their first version. src_topic, src_partition and src_offset say which record made a
-- row; with proj_rev, the revision of its projector, they are the version by which a newer row replaces an older one.
CREATE SCHEMA proj_v1;

CREATE TABLE proj_v1.messages (
    workspace_id text, message_id uuid,
    conversation_id uuid NOT NULL, lead_id uuid NOT NULL, provider text NOT NULL, channel text NOT NULL,
    direction text NOT NULL, source text NOT NULL, provider_event text NOT NULL, provider_message_id text,
    sent_at timestamptz NOT NULL, received_at timestamptz NOT NULL, subject text, text text NOT NULL,
    body text NOT NULL, html text, campaign_id text, campaign_name text, account text, from_email text,
    from_name text, attachment_count integer NOT NULL, is_automated boolean NOT NULL, attrs jsonb NOT NULL,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_messages PRIMARY KEY (workspace_id, message_id)
);
CREATE INDEX ix_messages_receipt_id ON proj_v1.messages (receipt_id);
-- What has jobs, in the log's order: few among many notices of what was sent.
CREATE INDEX ix_messages_with_jobs ON proj_v1.messages (src_partition, src_offset)
    WHERE direction = 'inbound' AND source = 'direct';
CREATE INDEX ix_messages_workspace_id_lead_id_sent_at ON proj_v1.messages (workspace_id, lead_id, sent_at);
CREATE INDEX ix_messages_workspace_id_sent_at ON proj_v1.messages (workspace_id, sent_at);

CREATE TABLE proj_v1.leads (
    workspace_id text, lead_id uuid,
    created_at timestamptz NOT NULL, changed_at timestamptz NOT NULL, first_name text, last_name text, company text,
    title text, linkedin_url text, company_linkedin_url text, email text, alternate_emails text[] NOT NULL,
    phone text, campaign_id text, campaign_name text, account text, current_replier_email text,
    current_replier_name text, current_replier_since_at timestamptz, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_leads PRIMARY KEY (workspace_id, lead_id)
);
CREATE INDEX ix_leads_workspace_id_created_at ON proj_v1.leads (workspace_id, created_at);
CREATE INDEX ix_leads_workspace_id_email ON proj_v1.leads (workspace_id, email);

-- A row counts only while it carries the version of its lead's row: an identity the newest state no longer has is
-- thereby gone, without a delete that could come out of order.
CREATE TABLE proj_v1.lead_identities (
    workspace_id text, lead_id uuid, kind text, value text,
    is_alias boolean NOT NULL, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_lead_identities PRIMARY KEY (workspace_id, lead_id, kind, value)
);
CREATE INDEX ix_lead_identities_workspace_id_kind_value ON proj_v1.lead_identities (workspace_id, kind, value);

CREATE TABLE proj_v1.lead_merges (
    workspace_id text, lead_id uuid,
    into_lead_id uuid NOT NULL, merged_at timestamptz NOT NULL, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_lead_merges PRIMARY KEY (workspace_id, lead_id)
);
CREATE INDEX ix_lead_merges_workspace_id_into_lead_id ON proj_v1.lead_merges (workspace_id, into_lead_id);

CREATE TABLE proj_v1.lead_splits (
    workspace_id text, lead_id uuid, new_lead_id uuid,
    split_at timestamptz NOT NULL, split_by text NOT NULL, reason text NOT NULL, identities text[] NOT NULL,
    run_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_lead_splits PRIMARY KEY (workspace_id, lead_id, new_lead_id)
);
CREATE INDEX ix_lead_splits_workspace_id_new_lead_id ON proj_v1.lead_splits (workspace_id, new_lead_id);

-- Written from records under the key of the lead that first had the message, so that the newest move is the last.
CREATE TABLE proj_v1.message_moves (
    workspace_id text, message_id uuid,
    lead_id uuid NOT NULL, into_lead_id uuid NOT NULL, moved_at timestamptz NOT NULL, run_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_message_moves PRIMARY KEY (workspace_id, message_id)
);
CREATE INDEX ix_message_moves_workspace_id_into_lead_id ON proj_v1.message_moves (workspace_id, into_lead_id);

-- Apart from `leads`: its rows move by LEAST and GREATEST, a lead's by newest snapshot.
CREATE TABLE proj_v1.lead_activity (
    workspace_id text, lead_id uuid,
    first_message_at timestamptz NOT NULL, last_message_at timestamptz NOT NULL, first_inbound_at timestamptz,
    last_inbound_at timestamptz, first_outbound_at timestamptz, last_outbound_at timestamptz,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_lead_activity PRIMARY KEY (workspace_id, lead_id)
);

CREATE TABLE proj_v1.lead_suppressions (
    workspace_id text, lead_id uuid, event_id uuid,
    provider text NOT NULL, provider_event text NOT NULL, reason text NOT NULL, detail text,
    occurred_at timestamptz NOT NULL, received_at timestamptz NOT NULL, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_lead_suppressions PRIMARY KEY (workspace_id, lead_id, event_id)
);
CREATE INDEX ix_lead_suppressions_receipt_id ON proj_v1.lead_suppressions (receipt_id);
CREATE INDEX ix_lead_suppressions_workspace_id_lead_id_occurred_at
    ON proj_v1.lead_suppressions (workspace_id, lead_id, occurred_at);

CREATE TABLE proj_v1.lead_signals (
    workspace_id text, lead_id uuid, event_id uuid,
    provider text NOT NULL, provider_event text NOT NULL, signal text NOT NULL, message_id uuid, detail text,
    occurred_at timestamptz NOT NULL, received_at timestamptz NOT NULL, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_lead_signals PRIMARY KEY (workspace_id, lead_id, event_id)
);
CREATE INDEX ix_lead_signals_receipt_id ON proj_v1.lead_signals (receipt_id);
CREATE INDEX ix_lead_signals_workspace_id_lead_id_occurred_at
    ON proj_v1.lead_signals (workspace_id, lead_id, occurred_at);

CREATE TABLE proj_v1.webhook_receipts (
    workspace_id text, receipt_id uuid,
    provider text NOT NULL, provider_event text NOT NULL, verdict text NOT NULL, reason text NOT NULL,
    dedupe_key text NOT NULL, first_receipt_id uuid, occurrence integer NOT NULL, received_at timestamptz NOT NULL,
    source_topic text NOT NULL, source_partition integer NOT NULL, source_offset bigint NOT NULL,
    body_bytes integer NOT NULL, message_ids uuid[] NOT NULL, fact_count integer NOT NULL, stored_at timestamptz,
    route text,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_webhook_receipts PRIMARY KEY (workspace_id, receipt_id)
);
-- From a webhook to its repeats, which are few.
CREATE INDEX ix_webhook_receipts_repeats ON proj_v1.webhook_receipts (workspace_id, first_receipt_id)
    WHERE first_receipt_id IS NOT NULL;
-- Audits prove completeness by counting ranges of it. Not unique: a doubled verdict must be visible to the audit.
CREATE INDEX ix_webhook_receipts_source ON proj_v1.webhook_receipts (source_topic, source_partition, source_offset);
CREATE INDEX ix_webhook_receipts_workspace_id_received_at ON proj_v1.webhook_receipts (workspace_id, received_at);

CREATE TABLE proj_v1.ingest_latency (
    process_id text, route text, status integer, window_start_at timestamptz,
    window_end_at timestamptz NOT NULL, request_count bigint NOT NULL, sum_us bigint NOT NULL,
    max_us bigint NOT NULL, bucket_le_us bigint[] NOT NULL, bucket_counts bigint[] NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_ingest_latency PRIMARY KEY (process_id, route, status, window_start_at)
);
CREATE INDEX ix_ingest_latency_window_start_at ON proj_v1.ingest_latency (window_start_at);

-- The record itself stays in the topic, at (src_topic, src_partition, src_offset). Ids are text: a record that is
-- broken enough to land here may carry anything.
CREATE TABLE proj_v1.dead_letters (
    origin_topic text, origin_partition integer, origin_offset bigint, stage text,
    error_class text NOT NULL, reason text NOT NULL, attempts integer NOT NULL,
    first_failed_at timestamptz NOT NULL, last_failed_at timestamptz NOT NULL, workspace_id text, receipt_id text,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_dead_letters PRIMARY KEY (origin_topic, origin_partition, origin_offset, stage)
);
CREATE INDEX ix_dead_letters_receipt_id ON proj_v1.dead_letters (receipt_id);

-- What was done about a letter, and what became of it. record_*: the record that was sent again.
CREATE TABLE proj_v1.dead_letter_events (
    event_id uuid,
    letter_id text NOT NULL, generation integer NOT NULL, event text NOT NULL, stage text NOT NULL,
    record_topic text, record_partition integer, record_offset bigint, error_class text, reason text,
    changed_by text, run_id uuid, happened_at timestamptz NOT NULL, workspace_id text, receipt_id text,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_dead_letter_events PRIMARY KEY (event_id)
);
CREATE INDEX ix_dead_letter_events_letter_id ON proj_v1.dead_letter_events (letter_id);
CREATE INDEX ix_dead_letter_events_record
    ON proj_v1.dead_letter_events (record_topic, record_partition, record_offset);

-- What was asked for. How a job stands is in the tables below, each moved by its own kinds of events alone.
CREATE TABLE proj_v1.jobs (
    workspace_id text, job_id uuid, generation integer,
    type text NOT NULL, lead_id uuid NOT NULL, message_id uuid NOT NULL, requested_at timestamptz NOT NULL,
    requested_by text NOT NULL, due_at timestamptz NOT NULL, from_start boolean NOT NULL, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_jobs PRIMARY KEY (workspace_id, job_id, generation)
);
CREATE INDEX ix_jobs_message_id ON proj_v1.jobs (message_id);
CREATE INDEX ix_jobs_receipt_id ON proj_v1.jobs (receipt_id);
CREATE INDEX ix_jobs_src_partition_src_offset ON proj_v1.jobs (src_partition, src_offset);
CREATE INDEX ix_jobs_workspace_id_lead_id ON proj_v1.jobs (workspace_id, lead_id);
CREATE INDEX ix_jobs_workspace_id_requested_at ON proj_v1.jobs (workspace_id, requested_at);

-- The newest of: an attempt began, the job was put off.
CREATE TABLE proj_v1.job_progress (
    workspace_id text, job_id uuid, generation integer,
    is_running boolean NOT NULL, attempt integer NOT NULL, due_at timestamptz, step text, error_class text,
    reason text, worker text, changed_at timestamptz NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_job_progress PRIMARY KEY (workspace_id, job_id, generation)
);

-- The end of an attempt tells its beginning, too, and replaces its row.
CREATE TABLE proj_v1.job_attempts (
    workspace_id text, job_id uuid, generation integer, attempt integer,
    type text NOT NULL, lead_id uuid NOT NULL, message_id uuid NOT NULL, worker text NOT NULL,
    started_at timestamptz NOT NULL, ended_at timestamptz, outcome text, step text, error_class text, reason text,
    spends_attempt boolean, next_due_at timestamptz, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_job_attempts PRIMARY KEY (workspace_id, job_id, generation, attempt)
);
CREATE INDEX ix_job_attempts_workspace_id_started_at ON proj_v1.job_attempts (workspace_id, started_at);

CREATE TABLE proj_v1.job_steps (
    workspace_id text, job_id uuid, generation integer, step text,
    attempt integer NOT NULL, finished_at timestamptz NOT NULL, result jsonb NOT NULL, skipped text NOT NULL,
    ends_job text NOT NULL, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_job_steps PRIMARY KEY (workspace_id, job_id, generation, step)
);

-- The first end of a generation counts, so each way to end has its row, with the offset it was first seen at.
CREATE TABLE proj_v1.job_ends (
    workspace_id text, job_id uuid, generation integer, outcome text,
    first_offset bigint NOT NULL, ended_at timestamptz NOT NULL, attempt integer NOT NULL, step text,
    error_class text, reason text, ended_by text,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_job_ends PRIMARY KEY (workspace_id, job_id, generation, outcome)
);
CREATE INDEX ix_job_ends_src_partition_first_offset ON proj_v1.job_ends (src_partition, first_offset);
CREATE INDEX ix_job_ends_workspace_id_ended_at ON proj_v1.job_ends (workspace_id, ended_at);

CREATE TABLE proj_v1.job_holds (
    workspace_id text, job_id uuid, generation integer,
    is_paused boolean NOT NULL, changed_by text NOT NULL, changed_at timestamptz NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_job_holds PRIMARY KEY (workspace_id, job_id, generation)
);

-- The newest conclusion of each step. The typed tables beside it keep what a step once concluded: their rows count
-- only while they carry the version of the step's row here.
CREATE TABLE proj_v1.enrichments (
    workspace_id text, job_id uuid, step text,
    message_id uuid NOT NULL, job_type text NOT NULL, event_type text NOT NULL, skip_reason text,
    details jsonb NOT NULL, lead_id uuid NOT NULL, concluded_at timestamptz NOT NULL, sent_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL, ai_provider text, ai_model text, prompt_key text, prompt_version integer,
    prompt_sha256 text, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_enrichments PRIMARY KEY (workspace_id, job_id, step)
);
CREATE INDEX ix_enrichments_workspace_id_concluded_at ON proj_v1.enrichments (workspace_id, concluded_at);
CREATE INDEX ix_enrichments_workspace_id_message_id ON proj_v1.enrichments (workspace_id, message_id);

CREATE TABLE proj_v1.message_labels (
    workspace_id text, message_id uuid,
    label text NOT NULL, answered_label text, confidence double precision NOT NULL, is_opt_out boolean NOT NULL,
    is_bounce boolean NOT NULL, contains_phone text, has_proposed_time boolean NOT NULL,
    is_automated boolean NOT NULL, rule text, evidence text, needs_review boolean NOT NULL,
    is_injection_suspected boolean NOT NULL, lead_id uuid NOT NULL, job_id uuid NOT NULL,
    concluded_at timestamptz NOT NULL, sent_at timestamptz NOT NULL, received_at timestamptz NOT NULL,
    ai_provider text, ai_model text, prompt_key text, prompt_version integer, prompt_sha256 text,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_message_labels PRIMARY KEY (workspace_id, message_id)
);
CREATE INDEX ix_message_labels_workspace_id_sent_at ON proj_v1.message_labels (workspace_id, sent_at);

-- One row a message: the newest message decides, whichever of them was processed last.
CREATE TABLE proj_v1.lead_states (
    workspace_id text, lead_id uuid, message_id uuid,
    status text NOT NULL, label text NOT NULL, previous_label text, is_automated boolean NOT NULL,
    open_work text NOT NULL, job_id uuid NOT NULL, concluded_at timestamptz NOT NULL, sent_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL, ai_provider text, ai_model text, prompt_key text, prompt_version integer,
    prompt_sha256 text, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_lead_states PRIMARY KEY (workspace_id, lead_id, message_id)
);

CREATE TABLE proj_v1.follow_ups (
    workspace_id text, message_id uuid,
    kind text NOT NULL, due_at timestamptz NOT NULL, timezone text NOT NULL, timezone_evidence text NOT NULL,
    day date, precision text NOT NULL, confidence double precision NOT NULL, attempt integer NOT NULL,
    lead_id uuid NOT NULL, job_id uuid NOT NULL, concluded_at timestamptz NOT NULL, sent_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL, ai_provider text, ai_model text, prompt_key text, prompt_version integer,
    prompt_sha256 text, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_follow_ups PRIMARY KEY (workspace_id, message_id)
);
CREATE INDEX ix_follow_ups_workspace_id_due_at ON proj_v1.follow_ups (workspace_id, due_at);

CREATE TABLE proj_v1.booking_decisions (
    workspace_id text, message_id uuid,
    is_proposed boolean NOT NULL, reason text, process text NOT NULL, start_at timestamptz, timezone text,
    timezone_evidence text, confidence double precision, minutes_later integer, lead_id uuid NOT NULL,
    job_id uuid NOT NULL, concluded_at timestamptz NOT NULL, sent_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL, ai_provider text, ai_model text, prompt_key text, prompt_version integer,
    prompt_sha256 text, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_booking_decisions PRIMARY KEY (workspace_id, message_id)
);

CREATE TABLE proj_v1.drafts (
    workspace_id text, draft_id uuid,
    message_id uuid NOT NULL, channel text NOT NULL, body text, failed_checks text[] NOT NULL,
    attempts integer NOT NULL, lead_id uuid NOT NULL, job_id uuid NOT NULL, concluded_at timestamptz NOT NULL,
    sent_at timestamptz NOT NULL, received_at timestamptz NOT NULL, ai_provider text, ai_model text,
    prompt_key text, prompt_version integer, prompt_sha256 text, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_drafts PRIMARY KEY (workspace_id, draft_id)
);
CREATE INDEX ix_drafts_workspace_id_message_id ON proj_v1.drafts (workspace_id, message_id);

CREATE TABLE proj_v1.reply_decisions (
    workspace_id text, draft_id uuid,
    message_id uuid NOT NULL, channel text NOT NULL, decision text NOT NULL, send_at timestamptz,
    reasons text[] NOT NULL, confidence double precision, threshold double precision NOT NULL,
    response_mode text NOT NULL, lead_id uuid NOT NULL, job_id uuid NOT NULL, concluded_at timestamptz NOT NULL,
    sent_at timestamptz NOT NULL, received_at timestamptz NOT NULL, ai_provider text, ai_model text,
    prompt_key text, prompt_version integer, prompt_sha256 text, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_reply_decisions PRIMARY KEY (workspace_id, draft_id)
);
CREATE INDEX ix_reply_decisions_workspace_id_message_id ON proj_v1.reply_decisions (workspace_id, message_id);

CREATE TABLE proj_v1.lead_scores (
    workspace_id text, lead_id uuid, message_id uuid,
    fit integer NOT NULL, intent integer NOT NULL, overall integer NOT NULL, reasoning text NOT NULL,
    job_id uuid NOT NULL, concluded_at timestamptz NOT NULL, sent_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL, ai_provider text, ai_model text, prompt_key text, prompt_version integer,
    prompt_sha256 text, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_lead_scores PRIMARY KEY (workspace_id, lead_id, message_id)
);
CREATE INDEX ix_lead_scores_workspace_id_message_id ON proj_v1.lead_scores (workspace_id, message_id);

CREATE TABLE proj_v1.ai_interactions (
    workspace_id text, event_id uuid,
    lead_id uuid NOT NULL, message_id uuid NOT NULL, job_id uuid NOT NULL, step text NOT NULL,
    attempt integer NOT NULL, call integer NOT NULL, called_at timestamptz NOT NULL, source text NOT NULL,
    feature text NOT NULL, prompt_key text NOT NULL, prompt_version integer NOT NULL, prompt_sha256 text NOT NULL,
    provider text NOT NULL, api text NOT NULL, model text NOT NULL, structure text, input_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL, cache_write_tokens bigint NOT NULL, output_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL, usage_source text NOT NULL, billing text NOT NULL, cost_micro_usd bigint,
    price_version text NOT NULL, latency_ms bigint NOT NULL, status text NOT NULL, error_class text, error text,
    http_status integer, finish text, response_id text, request_id text, is_injection_suspected boolean NOT NULL,
    trace_id text NOT NULL, receipt_id uuid NOT NULL,
    src_topic text NOT NULL, src_partition integer NOT NULL, src_offset bigint NOT NULL, proj_rev integer NOT NULL,
    CONSTRAINT pk_ai_interactions PRIMARY KEY (workspace_id, event_id)
);
CREATE INDEX ix_ai_interactions_workspace_id_called_at ON proj_v1.ai_interactions (workspace_id, called_at);
CREATE INDEX ix_ai_interactions_workspace_id_job_id ON proj_v1.ai_interactions (workspace_id, job_id);
CREATE INDEX ix_ai_interactions_workspace_id_message_id ON proj_v1.ai_interactions (workspace_id, message_id);
