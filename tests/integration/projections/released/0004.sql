-- The schema as revision 0004 made it when it was the newest: what installations of that day have.
-- Made with `pg_dump --schema-only --no-owner --no-comments`; comments and settings are left out. Never changed:
-- a migration that doesn't bring this to what a new installation has is wrong, not this file.

CREATE SCHEMA analytics;

CREATE SCHEMA ctl;

CREATE SCHEMA proj_v1;

CREATE TABLE proj_v1.ai_interactions (
    workspace_id text NOT NULL,
    event_id uuid NOT NULL,
    lead_id uuid NOT NULL,
    message_id uuid NOT NULL,
    job_id uuid NOT NULL,
    step text NOT NULL,
    attempt integer NOT NULL,
    call integer NOT NULL,
    called_at timestamp with time zone NOT NULL,
    source text NOT NULL,
    feature text NOT NULL,
    prompt_key text NOT NULL,
    prompt_version integer NOT NULL,
    prompt_sha256 text NOT NULL,
    provider text NOT NULL,
    api text NOT NULL,
    model text NOT NULL,
    structure text,
    input_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    usage_source text NOT NULL,
    billing text NOT NULL,
    cost_micro_usd bigint,
    price_version text NOT NULL,
    latency_ms bigint NOT NULL,
    status text NOT NULL,
    error_class text,
    error text,
    http_status integer,
    finish text,
    response_id text,
    request_id text,
    is_injection_suspected boolean NOT NULL,
    trace_id text NOT NULL,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE VIEW analytics.ai_cost_daily AS
 SELECT workspace_id,
    ((called_at AT TIME ZONE 'UTC'::text))::date AS called_date,
    source,
    split_part(source, '/'::text, 1) AS source_kind,
    feature,
    provider,
    model,
    count(*) AS n,
    count(*) FILTER (WHERE (status <> 'ok'::text)) AS failed_count,
    round(((count(*) FILTER (WHERE (status <> 'ok'::text)))::numeric / (count(*))::numeric), 6) AS error_rate,
    sum(input_tokens) AS input_tokens,
    sum(cached_tokens) AS cached_tokens,
    sum(output_tokens) AS output_tokens,
    sum(reasoning_tokens) AS reasoning_tokens,
    sum(cost_micro_usd) AS cost_micro_usd,
    (sum(cost_micro_usd) / 1000000.0) AS cost_usd,
    count(*) FILTER (WHERE (cost_micro_usd IS NULL)) AS unknown_cost_count,
    percentile_disc((0.5)::double precision) WITHIN GROUP (ORDER BY latency_ms) AS p50_ms,
    percentile_disc((0.95)::double precision) WITHIN GROUP (ORDER BY latency_ms) AS p95_ms
   FROM proj_v1.ai_interactions call
  GROUP BY workspace_id, (((called_at AT TIME ZONE 'UTC'::text))::date), source, feature, provider, model;

CREATE TABLE proj_v1.lead_merges (
    workspace_id text NOT NULL,
    lead_id uuid NOT NULL,
    into_lead_id uuid NOT NULL,
    merged_at timestamp with time zone NOT NULL,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE VIEW proj_v1.lead_survivors AS
 WITH RECURSIVE followed AS (
         SELECT lead_merges.workspace_id,
            lead_merges.lead_id,
            lead_merges.into_lead_id AS survivor_id
           FROM proj_v1.lead_merges
        UNION ALL
         SELECT followed_1.workspace_id,
            followed_1.lead_id,
            next.into_lead_id
           FROM (followed followed_1
             JOIN proj_v1.lead_merges next ON (((next.workspace_id = followed_1.workspace_id) AND (next.lead_id = followed_1.survivor_id))))
        ) CYCLE survivor_id SET is_circle USING path
 SELECT DISTINCT ON (followed.workspace_id, followed.lead_id) followed.workspace_id,
    followed.lead_id,
    followed.survivor_id
   FROM (followed
     LEFT JOIN proj_v1.lead_merges further ON (((further.workspace_id = followed.workspace_id) AND (further.lead_id = followed.survivor_id))))
  ORDER BY followed.workspace_id, followed.lead_id, (further.lead_id IS NOT NULL), followed.survivor_id;

CREATE VIEW analytics.ai_interactions AS
 SELECT call.workspace_id,
    call.event_id,
    COALESCE(survivor.survivor_id, call.lead_id) AS lead_id,
    call.message_id,
    call.job_id,
    call.step,
    call.attempt,
    call.call,
    call.called_at,
    ((call.called_at AT TIME ZONE 'UTC'::text))::date AS called_date,
    call.source,
    call.feature,
    call.prompt_key,
    call.prompt_version,
    call.prompt_sha256,
    call.provider,
    call.api,
    call.model,
    call.structure,
    call.input_tokens,
    call.cached_tokens,
    call.cache_write_tokens,
    call.output_tokens,
    call.reasoning_tokens,
    (call.input_tokens + call.output_tokens) AS total_tokens,
    call.usage_source,
    call.billing,
    call.cost_micro_usd,
    ((call.cost_micro_usd)::numeric / 1000000.0) AS cost_usd,
    call.price_version,
    call.latency_ms,
    call.status,
    call.error_class,
    call.error,
    call.http_status,
    call.finish,
    call.response_id,
    call.request_id,
    call.is_injection_suspected,
    call.trace_id,
    call.receipt_id,
    call.src_topic,
    call.src_partition,
    call.src_offset
   FROM (proj_v1.ai_interactions call
     LEFT JOIN proj_v1.lead_survivors survivor ON (((survivor.workspace_id = call.workspace_id) AND (survivor.lead_id = call.lead_id))));

CREATE TABLE proj_v1.messages (
    workspace_id text NOT NULL,
    message_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    lead_id uuid NOT NULL,
    provider text NOT NULL,
    channel text NOT NULL,
    direction text NOT NULL,
    source text NOT NULL,
    provider_event text NOT NULL,
    provider_message_id text,
    sent_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    subject text,
    text text NOT NULL,
    body text NOT NULL,
    html text,
    campaign_id text,
    campaign_name text,
    account text,
    from_email text,
    from_name text,
    attachment_count integer NOT NULL,
    is_automated boolean NOT NULL,
    attrs jsonb NOT NULL,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE VIEW analytics.messages AS
 SELECT workspace_id,
    message_id,
    conversation_id,
    surviving_lead_id AS lead_id,
    lead_id AS original_lead_id,
    provider,
    channel,
    direction,
    source,
    provider_event,
    provider_message_id,
    sent_at,
    ((sent_at AT TIME ZONE 'UTC'::text))::date AS sent_date,
    received_at,
    subject,
    text,
    body,
    html,
    campaign_id,
    campaign_name,
    account,
    from_email,
    from_name,
    attachment_count,
    is_automated,
    attrs,
    receipt_id,
    src_topic,
    src_partition,
    src_offset
   FROM ( SELECT kept.lead_id AS surviving_lead_id,
            kept.workspace_id,
            kept.message_id,
            kept.conversation_id,
            kept.lead_id,
            kept.provider,
            kept.channel,
            kept.direction,
            kept.source,
            kept.provider_event,
            kept.provider_message_id,
            kept.sent_at,
            kept.received_at,
            kept.subject,
            kept.text,
            kept.body,
            kept.html,
            kept.campaign_id,
            kept.campaign_name,
            kept.account,
            kept.from_email,
            kept.from_name,
            kept.attachment_count,
            kept.is_automated,
            kept.attrs,
            kept.receipt_id,
            kept.src_topic,
            kept.src_partition,
            kept.src_offset,
            kept.proj_rev
           FROM proj_v1.messages kept
          WHERE (NOT (EXISTS ( SELECT
                   FROM proj_v1.lead_merges merge
                  WHERE ((merge.workspace_id = kept.workspace_id) AND (merge.lead_id = kept.lead_id)))))
        UNION ALL
         SELECT survivor.survivor_id AS surviving_lead_id,
            moved.workspace_id,
            moved.message_id,
            moved.conversation_id,
            moved.lead_id,
            moved.provider,
            moved.channel,
            moved.direction,
            moved.source,
            moved.provider_event,
            moved.provider_message_id,
            moved.sent_at,
            moved.received_at,
            moved.subject,
            moved.text,
            moved.body,
            moved.html,
            moved.campaign_id,
            moved.campaign_name,
            moved.account,
            moved.from_email,
            moved.from_name,
            moved.attachment_count,
            moved.is_automated,
            moved.attrs,
            moved.receipt_id,
            moved.src_topic,
            moved.src_partition,
            moved.src_offset,
            moved.proj_rev
           FROM (proj_v1.lead_survivors survivor
             JOIN proj_v1.messages moved ON (((moved.workspace_id = survivor.workspace_id) AND (moved.lead_id = survivor.lead_id))))) message;

CREATE TABLE proj_v1.booking_decisions (
    workspace_id text NOT NULL,
    message_id uuid NOT NULL,
    is_proposed boolean NOT NULL,
    reason text,
    process text NOT NULL,
    start_at timestamp with time zone,
    timezone text,
    timezone_evidence text,
    confidence double precision,
    minutes_later integer,
    lead_id uuid NOT NULL,
    job_id uuid NOT NULL,
    concluded_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    ai_provider text,
    ai_model text,
    prompt_key text,
    prompt_version integer,
    prompt_sha256 text,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE TABLE proj_v1.drafts (
    workspace_id text NOT NULL,
    draft_id uuid NOT NULL,
    message_id uuid NOT NULL,
    channel text NOT NULL,
    body text,
    failed_checks text[] NOT NULL,
    attempts integer NOT NULL,
    lead_id uuid NOT NULL,
    job_id uuid NOT NULL,
    concluded_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    ai_provider text,
    ai_model text,
    prompt_key text,
    prompt_version integer,
    prompt_sha256 text,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE TABLE proj_v1.enrichments (
    workspace_id text NOT NULL,
    job_id uuid NOT NULL,
    step text NOT NULL,
    message_id uuid NOT NULL,
    job_type text NOT NULL,
    event_type text NOT NULL,
    skip_reason text,
    details jsonb NOT NULL,
    lead_id uuid NOT NULL,
    concluded_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    ai_provider text,
    ai_model text,
    prompt_key text,
    prompt_version integer,
    prompt_sha256 text,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE TABLE proj_v1.follow_ups (
    workspace_id text NOT NULL,
    message_id uuid NOT NULL,
    kind text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    timezone text NOT NULL,
    timezone_evidence text NOT NULL,
    day date,
    "precision" text NOT NULL,
    confidence double precision NOT NULL,
    attempt integer NOT NULL,
    lead_id uuid NOT NULL,
    job_id uuid NOT NULL,
    concluded_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    ai_provider text,
    ai_model text,
    prompt_key text,
    prompt_version integer,
    prompt_sha256 text,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE TABLE proj_v1.lead_scores (
    workspace_id text NOT NULL,
    lead_id uuid NOT NULL,
    message_id uuid NOT NULL,
    fit integer NOT NULL,
    intent integer NOT NULL,
    overall integer NOT NULL,
    reasoning text NOT NULL,
    job_id uuid NOT NULL,
    concluded_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    ai_provider text,
    ai_model text,
    prompt_key text,
    prompt_version integer,
    prompt_sha256 text,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE TABLE proj_v1.lead_suppressions (
    workspace_id text NOT NULL,
    lead_id uuid NOT NULL,
    event_id uuid NOT NULL,
    provider text NOT NULL,
    provider_event text NOT NULL,
    reason text NOT NULL,
    detail text,
    occurred_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE TABLE proj_v1.message_labels (
    workspace_id text NOT NULL,
    message_id uuid NOT NULL,
    label text NOT NULL,
    answered_label text,
    confidence double precision NOT NULL,
    is_opt_out boolean NOT NULL,
    is_bounce boolean NOT NULL,
    contains_phone text,
    has_proposed_time boolean NOT NULL,
    is_automated boolean NOT NULL,
    rule text,
    evidence text,
    needs_review boolean NOT NULL,
    is_injection_suspected boolean NOT NULL,
    lead_id uuid NOT NULL,
    job_id uuid NOT NULL,
    concluded_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    ai_provider text,
    ai_model text,
    prompt_key text,
    prompt_version integer,
    prompt_sha256 text,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE TABLE proj_v1.reply_decisions (
    workspace_id text NOT NULL,
    draft_id uuid NOT NULL,
    message_id uuid NOT NULL,
    channel text NOT NULL,
    decision text NOT NULL,
    send_at timestamp with time zone,
    reasons text[] NOT NULL,
    confidence double precision,
    threshold double precision NOT NULL,
    response_mode text NOT NULL,
    lead_id uuid NOT NULL,
    job_id uuid NOT NULL,
    concluded_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    ai_provider text,
    ai_model text,
    prompt_key text,
    prompt_version integer,
    prompt_sha256 text,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE VIEW analytics.conversations AS
 SELECT message.workspace_id,
    message.message_id,
    message.conversation_id,
    message.lead_id,
    message.channel,
    message.direction,
    message.sent_at,
    message.sent_date,
    message.received_at,
    message.text,
    label.label,
    label.confidence AS label_confidence,
    label.is_opt_out,
    label.is_automated AS is_machine_written,
    label.needs_review,
    label.is_injection_suspected,
    label.contains_phone,
    label.has_proposed_time,
    label.rule AS label_rule,
    label.ai_model AS label_model,
    follow_up.kind AS follow_up_kind,
    follow_up.due_at AS follow_up_due_at,
    follow_up.timezone AS follow_up_timezone,
    follow_up.timezone_evidence AS follow_up_timezone_evidence,
    booking.is_proposed AS is_booking_proposed,
    booking.start_at AS booking_start_at,
    booking.reason AS booking_decline_reason,
    booking.process AS booking_process,
    draft.draft_id,
        CASE
            WHEN (draft.draft_id IS NULL) THEN NULL::text
            WHEN (draft.body IS NULL) THEN 'rejected'::text
            WHEN lead.is_suppressed THEN 'cancelled'::text
            WHEN (newer.message_id IS NOT NULL) THEN 'superseded'::text
            ELSE 'open'::text
        END AS draft_state,
    draft.body AS draft,
    draft.failed_checks AS draft_failed_checks,
    decision.decision,
    decision.send_at,
    decision.reasons AS decision_reasons,
    decision.confidence AS decision_confidence,
    score.fit,
    score.intent,
    score.overall,
    message.receipt_id,
    message.src_topic,
    message.src_partition,
    message.src_offset
   FROM ((((((((analytics.messages message
     LEFT JOIN proj_v1.message_labels label ON (((label.workspace_id = message.workspace_id) AND (label.message_id = message.message_id))))
     LEFT JOIN LATERAL ( SELECT kept.workspace_id,
            kept.message_id,
            kept.kind,
            kept.due_at,
            kept.timezone,
            kept.timezone_evidence,
            kept.day,
            kept."precision",
            kept.confidence,
            kept.attempt,
            kept.lead_id,
            kept.job_id,
            kept.concluded_at,
            kept.sent_at,
            kept.received_at,
            kept.ai_provider,
            kept.ai_model,
            kept.prompt_key,
            kept.prompt_version,
            kept.prompt_sha256,
            kept.receipt_id,
            kept.src_topic,
            kept.src_partition,
            kept.src_offset,
            kept.proj_rev
           FROM (proj_v1.follow_ups kept
             JOIN proj_v1.enrichments step ON (((step.workspace_id = kept.workspace_id) AND (step.job_id = kept.job_id) AND (step.step = 'follow_up_timing'::text) AND (step.src_partition = kept.src_partition) AND (step.src_offset = kept.src_offset))))
          WHERE ((kept.workspace_id = message.workspace_id) AND (kept.message_id = message.message_id))) follow_up ON (true))
     LEFT JOIN LATERAL ( SELECT kept.workspace_id,
            kept.message_id,
            kept.is_proposed,
            kept.reason,
            kept.process,
            kept.start_at,
            kept.timezone,
            kept.timezone_evidence,
            kept.confidence,
            kept.minutes_later,
            kept.lead_id,
            kept.job_id,
            kept.concluded_at,
            kept.sent_at,
            kept.received_at,
            kept.ai_provider,
            kept.ai_model,
            kept.prompt_key,
            kept.prompt_version,
            kept.prompt_sha256,
            kept.receipt_id,
            kept.src_topic,
            kept.src_partition,
            kept.src_offset,
            kept.proj_rev
           FROM (proj_v1.booking_decisions kept
             JOIN proj_v1.enrichments step ON (((step.workspace_id = kept.workspace_id) AND (step.job_id = kept.job_id) AND (step.step = 'booking_decision'::text) AND (step.src_partition = kept.src_partition) AND (step.src_offset = kept.src_offset))))
          WHERE ((kept.workspace_id = message.workspace_id) AND (kept.message_id = message.message_id))) booking ON (true))
     LEFT JOIN LATERAL ( SELECT kept.workspace_id,
            kept.draft_id,
            kept.message_id,
            kept.channel,
            kept.body,
            kept.failed_checks,
            kept.attempts,
            kept.lead_id,
            kept.job_id,
            kept.concluded_at,
            kept.sent_at,
            kept.received_at,
            kept.ai_provider,
            kept.ai_model,
            kept.prompt_key,
            kept.prompt_version,
            kept.prompt_sha256,
            kept.receipt_id,
            kept.src_topic,
            kept.src_partition,
            kept.src_offset,
            kept.proj_rev
           FROM (proj_v1.drafts kept
             JOIN proj_v1.enrichments step ON (((step.workspace_id = kept.workspace_id) AND (step.job_id = kept.job_id) AND (step.step = 'draft'::text) AND (step.src_partition = kept.src_partition) AND (step.src_offset = kept.src_offset))))
          WHERE ((kept.workspace_id = message.workspace_id) AND (kept.message_id = message.message_id))) draft ON (true))
     LEFT JOIN LATERAL ( SELECT kept.workspace_id,
            kept.draft_id,
            kept.message_id,
            kept.channel,
            kept.decision,
            kept.send_at,
            kept.reasons,
            kept.confidence,
            kept.threshold,
            kept.response_mode,
            kept.lead_id,
            kept.job_id,
            kept.concluded_at,
            kept.sent_at,
            kept.received_at,
            kept.ai_provider,
            kept.ai_model,
            kept.prompt_key,
            kept.prompt_version,
            kept.prompt_sha256,
            kept.receipt_id,
            kept.src_topic,
            kept.src_partition,
            kept.src_offset,
            kept.proj_rev
           FROM (proj_v1.reply_decisions kept
             JOIN proj_v1.enrichments step ON (((step.workspace_id = kept.workspace_id) AND (step.job_id = kept.job_id) AND (step.step = 'decide_reply'::text) AND (step.src_partition = kept.src_partition) AND (step.src_offset = kept.src_offset))))
          WHERE ((kept.workspace_id = draft.workspace_id) AND (kept.draft_id = draft.draft_id))) decision ON (true))
     LEFT JOIN LATERAL ( SELECT kept.fit,
            kept.intent,
            kept.overall
           FROM proj_v1.lead_scores kept
          WHERE ((kept.workspace_id = message.workspace_id) AND (kept.message_id = message.message_id))
          ORDER BY kept.concluded_at DESC
         LIMIT 1) score ON (true))
     LEFT JOIN LATERAL ( SELECT (suppressed.occurred_at IS NOT NULL) AS is_suppressed
           FROM proj_v1.lead_suppressions suppressed
          WHERE ((suppressed.workspace_id = message.workspace_id) AND (suppressed.lead_id = ANY (ARRAY[message.lead_id, message.original_lead_id])) AND (draft.draft_id IS NOT NULL))
         LIMIT 1) lead ON (true))
     LEFT JOIN LATERAL ( SELECT later.message_id
           FROM proj_v1.messages later
          WHERE ((later.workspace_id = message.workspace_id) AND (later.lead_id = ANY (ARRAY[message.lead_id, message.original_lead_id])) AND (later.direction = 'inbound'::text) AND (NOT later.is_automated) AND (ROW(later.sent_at, later.received_at, later.message_id) > ROW(message.sent_at, message.received_at, message.message_id)) AND (draft.draft_id IS NOT NULL))
         LIMIT 1) newer ON (true));

CREATE TABLE ctl.dead_letters (
    projection text NOT NULL,
    version integer NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    key bytea,
    value bytea,
    headers bytea NOT NULL,
    record_at timestamp with time zone NOT NULL,
    error_class text NOT NULL,
    reason text NOT NULL,
    attempts integer NOT NULL,
    state text NOT NULL,
    fixed_by_run_id uuid,
    failed_at timestamp with time zone NOT NULL
);

CREATE TABLE proj_v1.dead_letters (
    origin_topic text NOT NULL,
    origin_partition integer NOT NULL,
    origin_offset bigint NOT NULL,
    stage text NOT NULL,
    error_class text NOT NULL,
    reason text NOT NULL,
    attempts integer NOT NULL,
    first_failed_at timestamp with time zone NOT NULL,
    last_failed_at timestamp with time zone NOT NULL,
    workspace_id text,
    receipt_id text,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE VIEW analytics.dead_letters AS
 SELECT letter.stage,
    letter.origin_topic,
    letter.origin_partition,
    letter.origin_offset,
    letter.workspace_id,
    letter.receipt_id,
    letter.error_class,
    letter.reason,
    letter.attempts,
    letter.first_failed_at,
    letter.last_failed_at
   FROM proj_v1.dead_letters letter
UNION ALL
 SELECT ('project:'::text || refused.projection) AS stage,
    refused.topic AS origin_topic,
    refused.partition AS origin_partition,
    refused."offset" AS origin_offset,
    NULL::text AS workspace_id,
    NULL::text AS receipt_id,
    refused.error_class,
    refused.reason,
    refused.attempts,
    refused.record_at AS first_failed_at,
    refused.failed_at AS last_failed_at
   FROM ctl.dead_letters refused
  WHERE ((refused.version = 1) AND (refused.state = 'open'::text));

CREATE VIEW analytics.enrichments AS
 SELECT step.workspace_id,
    step.job_id,
    step.step,
    step.job_type,
    step.message_id,
    COALESCE(survivor.survivor_id, step.lead_id) AS lead_id,
        CASE
            WHEN (step.skip_reason IS NULL) THEN 'done'::text
            ELSE 'skipped'::text
        END AS outcome,
    step.skip_reason,
    step.event_type,
    step.details,
    step.concluded_at,
    ((step.concluded_at AT TIME ZONE 'UTC'::text))::date AS concluded_date,
    step.ai_provider,
    step.ai_model,
    step.prompt_key,
    step.prompt_version,
    step.prompt_sha256,
    step.receipt_id,
    step.src_topic,
    step.src_partition,
    step.src_offset
   FROM (proj_v1.enrichments step
     LEFT JOIN proj_v1.lead_survivors survivor ON (((survivor.workspace_id = step.workspace_id) AND (survivor.lead_id = step.lead_id))));

CREATE TABLE proj_v1.job_attempts (
    workspace_id text NOT NULL,
    job_id uuid NOT NULL,
    generation integer NOT NULL,
    attempt integer NOT NULL,
    type text NOT NULL,
    lead_id uuid NOT NULL,
    message_id uuid NOT NULL,
    worker text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    outcome text,
    step text,
    error_class text,
    reason text,
    spends_attempt boolean,
    next_due_at timestamp with time zone,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE TABLE proj_v1.job_ends (
    workspace_id text NOT NULL,
    job_id uuid NOT NULL,
    generation integer NOT NULL,
    outcome text NOT NULL,
    first_offset bigint NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    attempt integer NOT NULL,
    step text,
    error_class text,
    reason text,
    ended_by text,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE VIEW analytics.job_attempts AS
 SELECT workspace_id,
    job_id,
    type,
    generation,
    attempt,
    COALESCE(outcome,
        CASE
            WHEN ((EXISTS ( SELECT
               FROM proj_v1.job_attempts later
              WHERE ((later.workspace_id = attempt.workspace_id) AND (later.job_id = attempt.job_id) AND (ROW(later.generation, later.attempt) > ROW(attempt.generation, attempt.attempt))))) OR (EXISTS ( SELECT
               FROM proj_v1.job_ends finish
              WHERE ((finish.workspace_id = attempt.workspace_id) AND (finish.job_id = attempt.job_id) AND (finish.generation = attempt.generation))))) THEN 'cut off'::text
            ELSE 'running'::text
        END) AS outcome,
    started_at,
    ((started_at AT TIME ZONE 'UTC'::text))::date AS started_date,
    ended_at,
    (round((EXTRACT(epoch FROM (ended_at - started_at)) * (1000)::numeric)))::bigint AS duration_ms,
    step,
    error_class,
    reason,
    spends_attempt,
    next_due_at,
    worker,
    message_id,
    receipt_id,
    src_topic,
    src_partition,
    src_offset
   FROM proj_v1.job_attempts attempt;

CREATE TABLE proj_v1.job_holds (
    workspace_id text NOT NULL,
    job_id uuid NOT NULL,
    generation integer NOT NULL,
    is_paused boolean NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE TABLE proj_v1.job_progress (
    workspace_id text NOT NULL,
    job_id uuid NOT NULL,
    generation integer NOT NULL,
    is_running boolean NOT NULL,
    attempt integer NOT NULL,
    due_at timestamp with time zone,
    step text,
    error_class text,
    reason text,
    worker text,
    changed_at timestamp with time zone NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE TABLE proj_v1.jobs (
    workspace_id text NOT NULL,
    job_id uuid NOT NULL,
    generation integer NOT NULL,
    type text NOT NULL,
    lead_id uuid NOT NULL,
    message_id uuid NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    requested_by text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    from_start boolean NOT NULL,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE VIEW analytics.jobs AS
 SELECT job.workspace_id,
    job.job_id,
    job.type,
        CASE
            WHEN (ended.outcome IS NOT NULL) THEN ended.outcome
            WHEN hold.is_paused THEN 'paused'::text
            WHEN progress.is_running THEN 'running'::text
            ELSE 'waiting'::text
        END AS state,
    job.generation,
    GREATEST(progress.attempt, ended.attempt, 0) AS attempts,
    COALESCE(survivor.survivor_id, job.lead_id) AS lead_id,
    job.lead_id AS original_lead_id,
    job.message_id,
    job.requested_at,
    ((job.requested_at AT TIME ZONE 'UTC'::text))::date AS requested_date,
    job.requested_by,
        CASE
            WHEN (ended.outcome IS NULL) THEN COALESCE(progress.due_at, job.due_at)
            ELSE NULL::timestamp with time zone
        END AS due_at,
        CASE
            WHEN ((ended.outcome IS NULL) AND progress.is_running) THEN progress.changed_at
            ELSE NULL::timestamp with time zone
        END AS running_since_at,
        CASE
            WHEN ((ended.outcome IS NULL) AND progress.is_running) THEN progress.worker
            ELSE NULL::text
        END AS worker,
    ended.ended_at,
        CASE
            WHEN (ended.outcome IS NULL) THEN progress.step
            ELSE ended.step
        END AS step,
        CASE
            WHEN (ended.outcome IS NULL) THEN progress.error_class
            ELSE ended.error_class
        END AS error_class,
        CASE
            WHEN (ended.outcome IS NULL) THEN progress.reason
            ELSE ended.reason
        END AS reason,
        CASE
            WHEN (ended.outcome IS NOT NULL) THEN ended.ended_by
            WHEN hold.is_paused THEN hold.changed_by
            ELSE NULL::text
        END AS decided_by,
    job.receipt_id,
    job.src_topic,
    job.src_partition,
    job.src_offset
   FROM ((((proj_v1.jobs job
     LEFT JOIN LATERAL ( SELECT finish.workspace_id,
            finish.job_id,
            finish.generation,
            finish.outcome,
            finish.first_offset,
            finish.ended_at,
            finish.attempt,
            finish.step,
            finish.error_class,
            finish.reason,
            finish.ended_by,
            finish.src_topic,
            finish.src_partition,
            finish.src_offset,
            finish.proj_rev
           FROM proj_v1.job_ends finish
          WHERE ((finish.workspace_id = job.workspace_id) AND (finish.job_id = job.job_id) AND (finish.generation = job.generation))
          ORDER BY finish.first_offset
         LIMIT 1) ended ON (true))
     LEFT JOIN proj_v1.job_progress progress ON (((progress.workspace_id = job.workspace_id) AND (progress.job_id = job.job_id) AND (progress.generation = job.generation))))
     LEFT JOIN proj_v1.job_holds hold ON (((hold.workspace_id = job.workspace_id) AND (hold.job_id = job.job_id) AND (hold.generation = job.generation))))
     LEFT JOIN proj_v1.lead_survivors survivor ON (((survivor.workspace_id = job.workspace_id) AND (survivor.lead_id = job.lead_id))))
  WHERE (NOT (EXISTS ( SELECT
           FROM proj_v1.jobs later
          WHERE ((later.workspace_id = job.workspace_id) AND (later.job_id = job.job_id) AND (later.generation > job.generation)))));

CREATE VIEW analytics.job_outcomes_daily AS
 SELECT workspace_id,
    type,
    ((ended_at AT TIME ZONE 'UTC'::text))::date AS ended_date,
    count(*) AS jobs,
    count(*) FILTER (WHERE (state = 'succeeded'::text)) AS succeeded,
    count(*) FILTER (WHERE (state = 'died'::text)) AS died,
    count(*) FILTER (WHERE (state = 'cancelled'::text)) AS cancelled,
    sum(attempts) AS attempts,
    count(*) FILTER (WHERE (attempts > 1)) AS retried,
    round((percentile_cont((0.5)::double precision) WITHIN GROUP (ORDER BY ((EXTRACT(epoch FROM (ended_at - requested_at)))::double precision)))::numeric, 3) AS median_seconds,
    round((percentile_cont((0.95)::double precision) WITHIN GROUP (ORDER BY ((EXTRACT(epoch FROM (ended_at - requested_at)))::double precision)))::numeric, 3) AS p95_seconds
   FROM analytics.jobs job
  WHERE (ended_at IS NOT NULL)
  GROUP BY workspace_id, type, (((ended_at AT TIME ZONE 'UTC'::text))::date);

CREATE TABLE proj_v1.job_steps (
    workspace_id text NOT NULL,
    job_id uuid NOT NULL,
    generation integer NOT NULL,
    step text NOT NULL,
    attempt integer NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    result jsonb NOT NULL,
    skipped text NOT NULL,
    ends_job text NOT NULL,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE VIEW analytics.job_steps AS
 SELECT workspace_id,
    job_id,
    generation,
    step,
    attempt,
    finished_at,
    skipped,
    ends_job,
    result,
    receipt_id,
    src_topic,
    src_partition,
    src_offset
   FROM proj_v1.job_steps step;

CREATE TABLE proj_v1.lead_identities (
    workspace_id text NOT NULL,
    lead_id uuid NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    is_alias boolean NOT NULL,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE TABLE proj_v1.leads (
    workspace_id text NOT NULL,
    lead_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    first_name text,
    last_name text,
    company text,
    title text,
    linkedin_url text,
    company_linkedin_url text,
    email text,
    alternate_emails text[] NOT NULL,
    phone text,
    campaign_id text,
    campaign_name text,
    account text,
    current_replier_email text,
    current_replier_name text,
    current_replier_since_at timestamp with time zone,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE VIEW analytics.lead_identities AS
 SELECT identity.workspace_id,
    identity.kind,
    identity.value,
    identity.lead_id,
    identity.is_alias,
    identity.receipt_id,
    identity.src_topic,
    identity.src_partition,
    identity.src_offset
   FROM (proj_v1.lead_identities identity
     JOIN proj_v1.leads lead ON (((lead.workspace_id = identity.workspace_id) AND (lead.lead_id = identity.lead_id) AND (lead.src_partition = identity.src_partition) AND (lead.src_offset = identity.src_offset))))
  WHERE (NOT (EXISTS ( SELECT
           FROM proj_v1.lead_survivors gone
          WHERE ((gone.workspace_id = lead.workspace_id) AND (gone.lead_id = lead.lead_id) AND (gone.survivor_id <> gone.lead_id)))));

CREATE TABLE proj_v1.lead_states (
    workspace_id text NOT NULL,
    lead_id uuid NOT NULL,
    message_id uuid NOT NULL,
    status text NOT NULL,
    label text NOT NULL,
    previous_label text,
    is_automated boolean NOT NULL,
    open_work text NOT NULL,
    job_id uuid NOT NULL,
    concluded_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    ai_provider text,
    ai_model text,
    prompt_key text,
    prompt_version integer,
    prompt_sha256 text,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE VIEW analytics.lead_states AS
 SELECT DISTINCT ON (state.workspace_id, COALESCE(survivor.survivor_id, state.lead_id)) state.workspace_id,
    COALESCE(survivor.survivor_id, state.lead_id) AS lead_id,
        CASE
            WHEN (suppression.occurred_at IS NOT NULL) THEN 'blacklisted'::text
            ELSE state.status
        END AS status,
    state.label,
    (state.label = ANY (ARRAY['Meeting Booked'::text, 'Meeting Requested'::text, 'Call Requested'::text, 'Information Requested'::text, 'Interested'::text])) AS is_positive,
    (suppression.occurred_at IS NOT NULL) AS is_suppressed,
    state.message_id,
    state.sent_at AS state_since_at,
    state.concluded_at,
    score.fit,
    score.intent,
    score.overall,
    score.reasoning,
    state.receipt_id,
    state.src_topic,
    state.src_partition,
    state.src_offset
   FROM ((((proj_v1.lead_states state
     JOIN proj_v1.enrichments step ON (((step.workspace_id = state.workspace_id) AND (step.job_id = state.job_id) AND (step.step = 'lead_state'::text) AND (step.src_partition = state.src_partition) AND (step.src_offset = state.src_offset))))
     LEFT JOIN proj_v1.lead_survivors survivor ON (((survivor.workspace_id = state.workspace_id) AND (survivor.lead_id = state.lead_id))))
     LEFT JOIN LATERAL ( SELECT min(found.occurred_at) AS occurred_at
           FROM proj_v1.lead_suppressions found
          WHERE ((found.workspace_id = state.workspace_id) AND (found.lead_id IN ( SELECT state.lead_id
                UNION ALL
                 SELECT survivor.survivor_id
                UNION ALL
                 SELECT other.lead_id
                   FROM proj_v1.lead_survivors other
                  WHERE ((other.workspace_id = state.workspace_id) AND (other.survivor_id = COALESCE(survivor.survivor_id, state.lead_id))))))) suppression ON (true))
     LEFT JOIN LATERAL ( SELECT newest.fit,
            newest.intent,
            newest.overall,
            newest.reasoning
           FROM proj_v1.lead_scores newest
          WHERE ((newest.workspace_id = state.workspace_id) AND ((newest.lead_id = state.lead_id) OR (newest.lead_id = survivor.survivor_id)))
          ORDER BY newest.sent_at DESC, newest.received_at DESC, newest.message_id DESC
         LIMIT 1) score ON (true))
  ORDER BY state.workspace_id, COALESCE(survivor.survivor_id, state.lead_id), state.is_automated, state.sent_at DESC, state.received_at DESC, state.message_id DESC;

CREATE TABLE proj_v1.lead_activity (
    workspace_id text NOT NULL,
    lead_id uuid NOT NULL,
    first_message_at timestamp with time zone NOT NULL,
    last_message_at timestamp with time zone NOT NULL,
    first_inbound_at timestamp with time zone,
    last_inbound_at timestamp with time zone,
    first_outbound_at timestamp with time zone,
    last_outbound_at timestamp with time zone,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE VIEW analytics.leads AS
 WITH merged AS (
         SELECT survivor.workspace_id,
            survivor.survivor_id AS lead_id,
            array_agg(survivor.lead_id ORDER BY survivor.lead_id) AS merged_lead_ids,
            min(activity_1.first_message_at) AS first_message_at,
            max(activity_1.last_message_at) AS last_message_at,
            min(activity_1.first_inbound_at) AS first_inbound_at,
            max(activity_1.last_inbound_at) AS last_inbound_at,
            min(activity_1.first_outbound_at) AS first_outbound_at,
            max(activity_1.last_outbound_at) AS last_outbound_at
           FROM (proj_v1.lead_survivors survivor
             LEFT JOIN proj_v1.lead_activity activity_1 ON (((activity_1.workspace_id = survivor.workspace_id) AND (activity_1.lead_id = survivor.lead_id))))
          WHERE (survivor.survivor_id <> survivor.lead_id)
          GROUP BY survivor.workspace_id, survivor.survivor_id
        ), merged_suppression AS (
         SELECT DISTINCT ON (survivor.workspace_id, survivor.survivor_id) survivor.workspace_id,
            survivor.survivor_id AS lead_id,
            suppression_1.reason,
            suppression_1.occurred_at,
            suppression_1.event_id
           FROM (proj_v1.lead_survivors survivor
             JOIN proj_v1.lead_suppressions suppression_1 ON (((suppression_1.workspace_id = survivor.workspace_id) AND (suppression_1.lead_id = survivor.lead_id))))
          WHERE (survivor.survivor_id <> survivor.lead_id)
          ORDER BY survivor.workspace_id, survivor.survivor_id, suppression_1.occurred_at, suppression_1.event_id
        )
 SELECT lead.workspace_id,
    lead.lead_id,
        CASE
            WHEN (suppression.occurred_at IS NOT NULL) THEN 'suppressed'::text
            WHEN (rollup.last_inbound_at IS NOT NULL) THEN 'replied'::text
            WHEN (rollup.last_outbound_at IS NOT NULL) THEN 'contacted'::text
            ELSE 'new'::text
        END AS status,
    (suppression.occurred_at IS NOT NULL) AS is_suppressed,
    suppression.reason AS suppression_reason,
    suppression.occurred_at AS suppressed_at,
    lead.first_name,
    lead.last_name,
    lead.company,
    lead.title,
    lead.email,
    lead.alternate_emails,
    lead.phone,
    lead.linkedin_url,
    lead.company_linkedin_url,
    lead.campaign_id,
    lead.campaign_name,
    lead.account,
    lead.current_replier_email,
    lead.current_replier_name,
    lead.current_replier_since_at,
    lead.created_at,
    ((lead.created_at AT TIME ZONE 'UTC'::text))::date AS created_date,
    lead.changed_at,
    rollup.first_message_at,
    rollup.last_message_at,
    rollup.first_inbound_at,
    rollup.last_inbound_at,
    rollup.first_outbound_at,
    rollup.last_outbound_at,
        CASE
            WHEN ((rollup.last_inbound_at IS NULL) AND (rollup.last_outbound_at IS NULL)) THEN NULL::text
            WHEN ((rollup.last_outbound_at IS NULL) OR (rollup.last_inbound_at >= rollup.last_outbound_at)) THEN 'inbound'::text
            ELSE 'outbound'::text
        END AS last_message_direction,
    COALESCE(merged.merged_lead_ids, '{}'::uuid[]) AS merged_lead_ids,
    lead.receipt_id,
    lead.src_topic,
    lead.src_partition,
    lead.src_offset
   FROM (((((proj_v1.leads lead
     LEFT JOIN proj_v1.lead_activity activity ON (((activity.workspace_id = lead.workspace_id) AND (activity.lead_id = lead.lead_id))))
     LEFT JOIN merged ON (((merged.workspace_id = lead.workspace_id) AND (merged.lead_id = lead.lead_id))))
     LEFT JOIN merged_suppression ON (((merged_suppression.workspace_id = lead.workspace_id) AND (merged_suppression.lead_id = lead.lead_id))))
     CROSS JOIN LATERAL ( SELECT LEAST(activity.first_message_at, merged.first_message_at) AS first_message_at,
            GREATEST(activity.last_message_at, merged.last_message_at) AS last_message_at,
            LEAST(activity.first_inbound_at, merged.first_inbound_at) AS first_inbound_at,
            GREATEST(activity.last_inbound_at, merged.last_inbound_at) AS last_inbound_at,
            LEAST(activity.first_outbound_at, merged.first_outbound_at) AS first_outbound_at,
            GREATEST(activity.last_outbound_at, merged.last_outbound_at) AS last_outbound_at) rollup)
     LEFT JOIN LATERAL ( SELECT any_of.reason,
            any_of.occurred_at
           FROM (( SELECT own.reason,
                    own.occurred_at,
                    own.event_id
                   FROM proj_v1.lead_suppressions own
                  WHERE ((own.workspace_id = lead.workspace_id) AND (own.lead_id = lead.lead_id))
                  ORDER BY own.occurred_at, own.event_id
                 LIMIT 1)
                UNION ALL
                 SELECT merged_suppression.reason,
                    merged_suppression.occurred_at,
                    merged_suppression.event_id
                  WHERE (merged_suppression.occurred_at IS NOT NULL)) any_of
          ORDER BY any_of.occurred_at, any_of.event_id
         LIMIT 1) suppression ON (true))
  WHERE (NOT (EXISTS ( SELECT
           FROM proj_v1.lead_survivors gone
          WHERE ((gone.workspace_id = lead.workspace_id) AND (gone.lead_id = lead.lead_id) AND (gone.survivor_id <> gone.lead_id)))));

CREATE TABLE ctl.broker_offsets (
    topic text NOT NULL,
    partition integer NOT NULL,
    start_offset bigint NOT NULL,
    end_offset bigint NOT NULL,
    observed_at timestamp with time zone NOT NULL
);

CREATE TABLE ctl.projection_offsets (
    projection text NOT NULL,
    version integer NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    event_time_max timestamp with time zone,
    heartbeat_at timestamp with time zone NOT NULL
);

CREATE VIEW analytics.oldest_unprocessed AS
 WITH open_jobs AS (
         SELECT job.workspace_id,
            job.due_at,
                CASE
                    WHEN hold.is_paused THEN 'jobs:paused'::text
                    WHEN progress.is_running THEN 'jobs:running'::text
                    WHEN (progress.error_class = ANY (ARRAY['over_budget'::text, 'dependency_down'::text])) THEN ('jobs:'::text || progress.error_class)
                    WHEN (progress.error_class IS NOT NULL) THEN 'jobs:retrying'::text
                    ELSE 'jobs:waiting'::text
                END AS stage
           FROM ((proj_v1.jobs job
             LEFT JOIN proj_v1.job_progress progress ON (((progress.workspace_id = job.workspace_id) AND (progress.job_id = job.job_id) AND (progress.generation = job.generation))))
             LEFT JOIN proj_v1.job_holds hold ON (((hold.workspace_id = job.workspace_id) AND (hold.job_id = job.job_id) AND (hold.generation = job.generation))))
          WHERE ((job.due_at <= now()) AND (NOT (EXISTS ( SELECT
                   FROM proj_v1.job_ends finish
                  WHERE ((finish.workspace_id = job.workspace_id) AND (finish.job_id = job.job_id) AND (finish.generation = job.generation))))) AND (NOT (EXISTS ( SELECT
                   FROM proj_v1.jobs later
                  WHERE ((later.workspace_id = job.workspace_id) AND (later.job_id = job.job_id) AND (later.generation > job.generation))))))
        ), without_job AS (
         SELECT message.workspace_id,
            message.received_at
           FROM proj_v1.messages message
          WHERE ((message.direction = 'inbound'::text) AND (message.source = 'direct'::text) AND (NOT (EXISTS ( SELECT
                   FROM proj_v1.jobs job
                  WHERE ((job.workspace_id = message.workspace_id) AND (job.message_id = message.message_id))))))
        ), letters AS (
         SELECT COALESCE(letter.workspace_id, job.workspace_id) AS workspace_id,
            letter.stage,
            letter.first_failed_at
           FROM (proj_v1.dead_letters letter
             LEFT JOIN proj_v1.jobs job ON (((job.src_topic = letter.origin_topic) AND (job.src_partition = letter.origin_partition) AND (job.src_offset = letter.origin_offset))))
          WHERE (NOT (EXISTS ( SELECT
                   FROM proj_v1.jobs later
                  WHERE ((later.workspace_id = job.workspace_id) AND (later.job_id = job.job_id) AND (later.generation > job.generation)))))
        ), projections AS (
         SELECT place.projection,
            GREATEST((broker.end_offset - COALESCE("position".next_offset, broker.start_offset)), (0)::bigint) AS lag,
                CASE
                    WHEN (broker.end_offset > COALESCE("position".next_offset, broker.start_offset)) THEN "position".event_time_max
                    ELSE broker.observed_at
                END AS projected_until
           FROM ((ctl.broker_offsets broker
             JOIN ( SELECT DISTINCT projection_offsets.projection,
                    projection_offsets.topic
                   FROM ctl.projection_offsets
                  WHERE (projection_offsets.version = 1)) place ON ((place.topic = broker.topic)))
             LEFT JOIN ctl.projection_offsets "position" ON ((("position".projection = place.projection) AND ("position".version = 1) AND ("position".topic = broker.topic) AND ("position".partition = broker.partition))))
          WHERE ((broker.end_offset > COALESCE("position".next_offset, broker.start_offset)) OR (broker.observed_at < (now() - '00:01:00'::interval)))
        ), unfinished(workspace_id, stage, n, oldest_at) AS (
         SELECT open_jobs.workspace_id,
            open_jobs.stage,
            count(*) AS count,
            min(open_jobs.due_at) AS min
           FROM open_jobs
          GROUP BY open_jobs.workspace_id, open_jobs.stage
        UNION ALL
         SELECT without_job.workspace_id,
            'messages:without_job'::text,
            count(*) AS count,
            min(without_job.received_at) AS min
           FROM without_job
          GROUP BY without_job.workspace_id
        UNION ALL
         SELECT letters.workspace_id,
            ('dead_letters:'::text || letters.stage),
            count(*) AS count,
            min(letters.first_failed_at) AS min
           FROM letters
          GROUP BY letters.workspace_id, letters.stage
        UNION ALL
         SELECT NULL::text,
            ('dead_letters:project:'::text || refused.projection),
            count(*) AS count,
            min(refused.record_at) AS min
           FROM ctl.dead_letters refused
          WHERE ((refused.version = 1) AND (refused.state = 'open'::text))
          GROUP BY refused.projection
        UNION ALL
         SELECT NULL::text,
            ('project:'::text || projections.projection),
            (sum(projections.lag))::bigint AS sum,
            min(projections.projected_until) AS min
           FROM projections
          GROUP BY projections.projection
        )
 SELECT workspace_id,
    stage,
    n,
    oldest_at,
    GREATEST(round(EXTRACT(epoch FROM (now() - oldest_at)), 1), (0)::numeric) AS age_seconds
   FROM unfinished;

CREATE VIEW analytics.projection_freshness AS
 SELECT place.projection,
    broker.topic,
    count(*) AS partition_count,
    (sum(GREATEST((broker.end_offset - COALESCE("position".next_offset, broker.start_offset)), (0)::bigint)))::bigint AS lag,
    max("position".event_time_max) AS last_event_at,
    min(broker.observed_at) AS observed_at,
    round(EXTRACT(epoch FROM (now() - min(broker.observed_at))), 1) AS heartbeat_age_seconds,
    ( SELECT count(*) AS count
           FROM ctl.dead_letters letter
          WHERE ((letter.projection = place.projection) AND (letter.version = 1) AND (letter.state = 'open'::text))) AS open_dead_letter_count,
    ((now() - min(broker.observed_at)) > '00:01:00'::interval) AS is_stale
   FROM ((ctl.broker_offsets broker
     JOIN ( SELECT DISTINCT projection_offsets.projection,
            projection_offsets.topic
           FROM ctl.projection_offsets
          WHERE (projection_offsets.version = 1)) place ON ((place.topic = broker.topic)))
     LEFT JOIN ctl.projection_offsets "position" ON ((("position".projection = place.projection) AND ("position".version = 1) AND ("position".topic = broker.topic) AND ("position".partition = broker.partition))))
  GROUP BY place.projection, broker.topic;

CREATE VIEW analytics.sentiment_daily AS
 SELECT label.workspace_id,
    ((label.sent_at AT TIME ZONE 'UTC'::text))::date AS sent_date,
    message.channel,
    label.label,
    count(*) AS n,
    round(((count(*))::numeric / sum(count(*)) OVER day), 6) AS share,
    count(*) FILTER (WHERE label.is_opt_out) AS opt_out_count,
    count(*) FILTER (WHERE label.needs_review) AS needs_review_count,
    round((avg(label.confidence))::numeric, 6) AS mean_confidence
   FROM (proj_v1.message_labels label
     JOIN proj_v1.messages message ON (((message.workspace_id = label.workspace_id) AND (message.message_id = label.message_id))))
  GROUP BY label.workspace_id, (((label.sent_at AT TIME ZONE 'UTC'::text))::date), message.channel, label.label
  WINDOW day AS (PARTITION BY label.workspace_id, (((label.sent_at AT TIME ZONE 'UTC'::text))::date), message.channel);

CREATE TABLE proj_v1.ingest_latency (
    process_id text NOT NULL,
    route text NOT NULL,
    status integer NOT NULL,
    window_start_at timestamp with time zone NOT NULL,
    window_end_at timestamp with time zone NOT NULL,
    request_count bigint NOT NULL,
    sum_us bigint NOT NULL,
    max_us bigint NOT NULL,
    bucket_le_us bigint[] NOT NULL,
    bucket_counts bigint[] NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE VIEW analytics.webhook_latency_hourly AS
 WITH windows AS (
         SELECT latency.process_id,
            latency.route,
            latency.status,
            latency.window_start_at,
            latency.window_end_at,
            latency.request_count,
            latency.sum_us,
            latency.max_us,
            latency.bucket_le_us,
            latency.bucket_counts,
            latency.src_topic,
            latency.src_partition,
            latency.src_offset,
            latency.proj_rev,
            date_trunc('hour'::text, latency.window_start_at, 'UTC'::text) AS hour
           FROM proj_v1.ingest_latency latency
        ), totals AS (
         SELECT windows.route,
            windows.hour,
            (sum(windows.request_count))::bigint AS n,
            sum(windows.request_count) FILTER (WHERE ((windows.status >= 500) OR (windows.status = 429))) AS failed,
            sum(windows.request_count) FILTER (WHERE (((windows.status >= 400) AND (windows.status <= 499)) AND (windows.status <> 429))) AS refused,
            sum(windows.sum_us) AS sum_us,
            max(windows.max_us) AS max_us
           FROM windows
          GROUP BY windows.route, windows.hour
        ), buckets AS (
         SELECT windows.route,
            windows.hour,
            bucket.le_us,
            sum(bucket.size) AS size
           FROM (windows
             CROSS JOIN LATERAL UNNEST(windows.bucket_le_us, windows.bucket_counts) bucket(le_us, size))
          GROUP BY windows.route, windows.hour, bucket.le_us
        ), ranked AS (
         SELECT buckets.route,
            buckets.hour,
            buckets.le_us,
            buckets.size,
            sum(buckets.size) OVER upwards AS up_to,
            sum(buckets.size) OVER (PARTITION BY buckets.route, buckets.hour) AS total,
            lag(buckets.le_us, 1, (0)::bigint) OVER upwards AS previous_le_us
           FROM buckets
          WINDOW upwards AS (PARTITION BY buckets.route, buckets.hour ORDER BY buckets.le_us)
        ), quantiles AS (
         SELECT ranked.route,
            ranked.hour,
            wanted.quantile,
            (bounds.lower_us + ((((bounds.upper_us)::numeric - bounds.lower_us) * ((wanted.quantile * ranked.total) - (ranked.up_to - ranked.size))) / ranked.size)) AS us
           FROM (((ranked
             JOIN totals totals_1 ON (((totals_1.route = ranked.route) AND (totals_1.hour = ranked.hour))))
             CROSS JOIN ( VALUES (0.5), (0.95), (0.99)) wanted(quantile))
             CROSS JOIN LATERAL ( SELECT LEAST(GREATEST((ranked.previous_le_us)::numeric, ((ranked.le_us)::numeric / ((2)::numeric ^ 0.25))), (totals_1.max_us)::numeric) AS lower_us,
                    LEAST(ranked.le_us, totals_1.max_us) AS upper_us) bounds)
          WHERE ((ranked.up_to >= (wanted.quantile * ranked.total)) AND ((ranked.up_to - ranked.size) < (wanted.quantile * ranked.total)))
        )
 SELECT totals.route,
    totals.hour,
    totals.n,
    round((max(quantiles.us) FILTER (WHERE (quantiles.quantile = 0.5)) / (1000)::numeric), 3) AS p50_ms,
    round((max(quantiles.us) FILTER (WHERE (quantiles.quantile = 0.95)) / (1000)::numeric), 3) AS p95_ms,
    round((max(quantiles.us) FILTER (WHERE (quantiles.quantile = 0.99)) / (1000)::numeric), 3) AS p99_ms,
    round(((totals.sum_us / (NULLIF(totals.n, 0))::numeric) / (1000)::numeric), 3) AS mean_ms,
    round(((totals.max_us)::numeric / (1000)::numeric), 3) AS max_ms,
    round((COALESCE(totals.failed, (0)::numeric) / (NULLIF(totals.n, 0))::numeric), 6) AS error_rate,
    round((COALESCE(totals.refused, (0)::numeric) / (NULLIF(totals.n, 0))::numeric), 6) AS refused_rate
   FROM (totals
     LEFT JOIN quantiles ON (((quantiles.route = totals.route) AND (quantiles.hour = totals.hour))))
  GROUP BY totals.route, totals.hour, totals.n, totals.failed, totals.refused, totals.sum_us, totals.max_us;

CREATE TABLE proj_v1.webhook_receipts (
    workspace_id text NOT NULL,
    receipt_id uuid NOT NULL,
    provider text NOT NULL,
    provider_event text NOT NULL,
    verdict text NOT NULL,
    reason text NOT NULL,
    dedupe_key text NOT NULL,
    first_receipt_id uuid,
    occurrence integer NOT NULL,
    received_at timestamp with time zone NOT NULL,
    source_topic text NOT NULL,
    source_partition integer NOT NULL,
    source_offset bigint NOT NULL,
    body_bytes integer NOT NULL,
    message_ids uuid[] NOT NULL,
    fact_count integer NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

CREATE VIEW analytics.webhook_receipts AS
 SELECT workspace_id,
    receipt_id,
    provider,
    provider_event,
    verdict,
    (verdict = 'duplicate'::text) AS is_duplicate,
    reason,
    received_at,
    ((received_at AT TIME ZONE 'UTC'::text))::date AS received_date,
    dedupe_key,
    first_receipt_id,
    occurrence,
    body_bytes,
    message_ids,
    fact_count,
    source_topic,
    source_partition,
    source_offset,
    src_topic,
    src_partition,
    src_offset
   FROM proj_v1.webhook_receipts receipt;

CREATE TABLE ctl.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE ctl.audit_job_positions (
    version integer NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    proven_to bigint NOT NULL,
    verified_at timestamp with time zone NOT NULL
);

CREATE TABLE ctl.audit_open_jobs (
    version integer NOT NULL,
    workspace_id text NOT NULL,
    job_id uuid NOT NULL,
    generation integer NOT NULL
);

CREATE TABLE ctl.audit_positions (
    version integer NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    verdicts_to bigint NOT NULL,
    facts_to bigint NOT NULL,
    verified_at timestamp with time zone NOT NULL
);

CREATE TABLE ctl.expired_ranges (
    projection text NOT NULL,
    version integer NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    from_offset bigint NOT NULL,
    to_offset bigint NOT NULL,
    noted_at timestamp with time zone NOT NULL
);

CREATE TABLE ctl.runs (
    run_id uuid NOT NULL,
    verb text NOT NULL,
    started_by text NOT NULL,
    scope jsonb NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    outcome text,
    counts jsonb NOT NULL
);

CREATE TABLE proj_v1.lead_signals (
    workspace_id text NOT NULL,
    lead_id uuid NOT NULL,
    event_id uuid NOT NULL,
    provider text NOT NULL,
    provider_event text NOT NULL,
    signal text NOT NULL,
    message_id uuid,
    detail text,
    occurred_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    receipt_id uuid NOT NULL,
    src_topic text NOT NULL,
    src_partition integer NOT NULL,
    src_offset bigint NOT NULL,
    proj_rev integer NOT NULL
);

ALTER TABLE ONLY ctl.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY ctl.audit_job_positions
    ADD CONSTRAINT pk_audit_job_positions PRIMARY KEY (version, topic, partition);

ALTER TABLE ONLY ctl.audit_open_jobs
    ADD CONSTRAINT pk_audit_open_jobs PRIMARY KEY (version, workspace_id, job_id, generation);

ALTER TABLE ONLY ctl.audit_positions
    ADD CONSTRAINT pk_audit_positions PRIMARY KEY (version, topic, partition);

ALTER TABLE ONLY ctl.broker_offsets
    ADD CONSTRAINT pk_broker_offsets PRIMARY KEY (topic, partition);

ALTER TABLE ONLY ctl.dead_letters
    ADD CONSTRAINT pk_dead_letters PRIMARY KEY (projection, version, topic, partition, "offset");

ALTER TABLE ONLY ctl.expired_ranges
    ADD CONSTRAINT pk_expired_ranges PRIMARY KEY (projection, version, topic, partition, from_offset);

ALTER TABLE ONLY ctl.projection_offsets
    ADD CONSTRAINT pk_projection_offsets PRIMARY KEY (projection, version, topic, partition);

ALTER TABLE ONLY ctl.runs
    ADD CONSTRAINT pk_runs PRIMARY KEY (run_id);

ALTER TABLE ONLY proj_v1.ai_interactions
    ADD CONSTRAINT pk_ai_interactions PRIMARY KEY (workspace_id, event_id);

ALTER TABLE ONLY proj_v1.booking_decisions
    ADD CONSTRAINT pk_booking_decisions PRIMARY KEY (workspace_id, message_id);

ALTER TABLE ONLY proj_v1.dead_letters
    ADD CONSTRAINT pk_dead_letters PRIMARY KEY (origin_topic, origin_partition, origin_offset, stage);

ALTER TABLE ONLY proj_v1.drafts
    ADD CONSTRAINT pk_drafts PRIMARY KEY (workspace_id, draft_id);

ALTER TABLE ONLY proj_v1.enrichments
    ADD CONSTRAINT pk_enrichments PRIMARY KEY (workspace_id, job_id, step);

ALTER TABLE ONLY proj_v1.follow_ups
    ADD CONSTRAINT pk_follow_ups PRIMARY KEY (workspace_id, message_id);

ALTER TABLE ONLY proj_v1.ingest_latency
    ADD CONSTRAINT pk_ingest_latency PRIMARY KEY (process_id, route, status, window_start_at);

ALTER TABLE ONLY proj_v1.job_attempts
    ADD CONSTRAINT pk_job_attempts PRIMARY KEY (workspace_id, job_id, generation, attempt);

ALTER TABLE ONLY proj_v1.job_ends
    ADD CONSTRAINT pk_job_ends PRIMARY KEY (workspace_id, job_id, generation, outcome);

ALTER TABLE ONLY proj_v1.job_holds
    ADD CONSTRAINT pk_job_holds PRIMARY KEY (workspace_id, job_id, generation);

ALTER TABLE ONLY proj_v1.job_progress
    ADD CONSTRAINT pk_job_progress PRIMARY KEY (workspace_id, job_id, generation);

ALTER TABLE ONLY proj_v1.job_steps
    ADD CONSTRAINT pk_job_steps PRIMARY KEY (workspace_id, job_id, generation, step);

ALTER TABLE ONLY proj_v1.jobs
    ADD CONSTRAINT pk_jobs PRIMARY KEY (workspace_id, job_id, generation);

ALTER TABLE ONLY proj_v1.lead_activity
    ADD CONSTRAINT pk_lead_activity PRIMARY KEY (workspace_id, lead_id);

ALTER TABLE ONLY proj_v1.lead_identities
    ADD CONSTRAINT pk_lead_identities PRIMARY KEY (workspace_id, lead_id, kind, value);

ALTER TABLE ONLY proj_v1.lead_merges
    ADD CONSTRAINT pk_lead_merges PRIMARY KEY (workspace_id, lead_id);

ALTER TABLE ONLY proj_v1.lead_scores
    ADD CONSTRAINT pk_lead_scores PRIMARY KEY (workspace_id, lead_id, message_id);

ALTER TABLE ONLY proj_v1.lead_signals
    ADD CONSTRAINT pk_lead_signals PRIMARY KEY (workspace_id, lead_id, event_id);

ALTER TABLE ONLY proj_v1.lead_states
    ADD CONSTRAINT pk_lead_states PRIMARY KEY (workspace_id, lead_id, message_id);

ALTER TABLE ONLY proj_v1.lead_suppressions
    ADD CONSTRAINT pk_lead_suppressions PRIMARY KEY (workspace_id, lead_id, event_id);

ALTER TABLE ONLY proj_v1.leads
    ADD CONSTRAINT pk_leads PRIMARY KEY (workspace_id, lead_id);

ALTER TABLE ONLY proj_v1.message_labels
    ADD CONSTRAINT pk_message_labels PRIMARY KEY (workspace_id, message_id);

ALTER TABLE ONLY proj_v1.messages
    ADD CONSTRAINT pk_messages PRIMARY KEY (workspace_id, message_id);

ALTER TABLE ONLY proj_v1.reply_decisions
    ADD CONSTRAINT pk_reply_decisions PRIMARY KEY (workspace_id, draft_id);

ALTER TABLE ONLY proj_v1.webhook_receipts
    ADD CONSTRAINT pk_webhook_receipts PRIMARY KEY (workspace_id, receipt_id);

CREATE INDEX ix_ai_interactions_workspace_id_called_at ON proj_v1.ai_interactions USING btree (workspace_id, called_at);

CREATE INDEX ix_ai_interactions_workspace_id_job_id ON proj_v1.ai_interactions USING btree (workspace_id, job_id);

CREATE INDEX ix_ai_interactions_workspace_id_message_id ON proj_v1.ai_interactions USING btree (workspace_id, message_id);

CREATE INDEX ix_dead_letters_receipt_id ON proj_v1.dead_letters USING btree (receipt_id);

CREATE INDEX ix_drafts_workspace_id_message_id ON proj_v1.drafts USING btree (workspace_id, message_id);

CREATE INDEX ix_enrichments_workspace_id_concluded_at ON proj_v1.enrichments USING btree (workspace_id, concluded_at);

CREATE INDEX ix_enrichments_workspace_id_message_id ON proj_v1.enrichments USING btree (workspace_id, message_id);

CREATE INDEX ix_follow_ups_workspace_id_due_at ON proj_v1.follow_ups USING btree (workspace_id, due_at);

CREATE INDEX ix_ingest_latency_window_start_at ON proj_v1.ingest_latency USING btree (window_start_at);

CREATE INDEX ix_job_attempts_workspace_id_started_at ON proj_v1.job_attempts USING btree (workspace_id, started_at);

CREATE INDEX ix_job_ends_src_partition_first_offset ON proj_v1.job_ends USING btree (src_partition, first_offset);

CREATE INDEX ix_job_ends_workspace_id_ended_at ON proj_v1.job_ends USING btree (workspace_id, ended_at);

CREATE INDEX ix_jobs_message_id ON proj_v1.jobs USING btree (message_id);

CREATE INDEX ix_jobs_receipt_id ON proj_v1.jobs USING btree (receipt_id);

CREATE INDEX ix_jobs_src_partition_src_offset ON proj_v1.jobs USING btree (src_partition, src_offset);

CREATE INDEX ix_jobs_workspace_id_lead_id ON proj_v1.jobs USING btree (workspace_id, lead_id);

CREATE INDEX ix_jobs_workspace_id_requested_at ON proj_v1.jobs USING btree (workspace_id, requested_at);

CREATE INDEX ix_lead_identities_workspace_id_kind_value ON proj_v1.lead_identities USING btree (workspace_id, kind, value);

CREATE INDEX ix_lead_merges_workspace_id_into_lead_id ON proj_v1.lead_merges USING btree (workspace_id, into_lead_id);

CREATE INDEX ix_lead_scores_workspace_id_message_id ON proj_v1.lead_scores USING btree (workspace_id, message_id);

CREATE INDEX ix_lead_signals_receipt_id ON proj_v1.lead_signals USING btree (receipt_id);

CREATE INDEX ix_lead_signals_workspace_id_lead_id_occurred_at ON proj_v1.lead_signals USING btree (workspace_id, lead_id, occurred_at);

CREATE INDEX ix_lead_suppressions_receipt_id ON proj_v1.lead_suppressions USING btree (receipt_id);

CREATE INDEX ix_lead_suppressions_workspace_id_lead_id_occurred_at ON proj_v1.lead_suppressions USING btree (workspace_id, lead_id, occurred_at);

CREATE INDEX ix_leads_workspace_id_created_at ON proj_v1.leads USING btree (workspace_id, created_at);

CREATE INDEX ix_leads_workspace_id_email ON proj_v1.leads USING btree (workspace_id, email);

CREATE INDEX ix_message_labels_workspace_id_sent_at ON proj_v1.message_labels USING btree (workspace_id, sent_at);

CREATE INDEX ix_messages_receipt_id ON proj_v1.messages USING btree (receipt_id);

CREATE INDEX ix_messages_with_jobs ON proj_v1.messages USING btree (src_partition, src_offset) WHERE ((direction = 'inbound'::text) AND (source = 'direct'::text));

CREATE INDEX ix_messages_workspace_id_lead_id_sent_at ON proj_v1.messages USING btree (workspace_id, lead_id, sent_at);

CREATE INDEX ix_messages_workspace_id_sent_at ON proj_v1.messages USING btree (workspace_id, sent_at);

CREATE INDEX ix_reply_decisions_workspace_id_message_id ON proj_v1.reply_decisions USING btree (workspace_id, message_id);

CREATE INDEX ix_webhook_receipts_source ON proj_v1.webhook_receipts USING btree (source_topic, source_partition, source_offset);

CREATE INDEX ix_webhook_receipts_workspace_id_received_at ON proj_v1.webhook_receipts USING btree (workspace_id, received_at);

GRANT USAGE ON SCHEMA analytics TO analyst_ro;

GRANT SELECT ON TABLE analytics.ai_cost_daily TO analyst_ro;

GRANT SELECT ON TABLE analytics.ai_interactions TO analyst_ro;

GRANT SELECT ON TABLE analytics.messages TO analyst_ro;

GRANT SELECT ON TABLE analytics.conversations TO analyst_ro;

GRANT SELECT ON TABLE analytics.dead_letters TO analyst_ro;

GRANT SELECT ON TABLE analytics.enrichments TO analyst_ro;

GRANT SELECT ON TABLE analytics.job_attempts TO analyst_ro;

GRANT SELECT ON TABLE analytics.jobs TO analyst_ro;

GRANT SELECT ON TABLE analytics.job_outcomes_daily TO analyst_ro;

GRANT SELECT ON TABLE analytics.job_steps TO analyst_ro;

GRANT SELECT ON TABLE analytics.lead_identities TO analyst_ro;

GRANT SELECT ON TABLE analytics.lead_states TO analyst_ro;

GRANT SELECT ON TABLE analytics.leads TO analyst_ro;

GRANT SELECT ON TABLE analytics.oldest_unprocessed TO analyst_ro;

GRANT SELECT ON TABLE analytics.projection_freshness TO analyst_ro;

GRANT SELECT ON TABLE analytics.sentiment_daily TO analyst_ro;

GRANT SELECT ON TABLE analytics.webhook_latency_hourly TO analyst_ro;

GRANT SELECT ON TABLE analytics.webhook_receipts TO analyst_ro;

ALTER DEFAULT PRIVILEGES IN SCHEMA analytics GRANT SELECT ON TABLES TO analyst_ro;
