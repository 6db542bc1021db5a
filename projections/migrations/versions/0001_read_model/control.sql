-- How far the projections are, what was proven, and what engineers do. The schema is there already: Alembic's own table
-- is in it.

-- How far each version of each projection is. event_time_max: the broker's append time of the newest projected record.
CREATE TABLE ctl.projection_offsets (
    projection text, version integer, topic text, partition integer,
    next_offset bigint NOT NULL, event_time_max timestamptz, heartbeat_at timestamptz NOT NULL,
    CONSTRAINT pk_projection_offsets PRIMARY KEY (projection, version, topic, partition)
);

-- What the broker had, last time the projections app asked: SQL alone can then tell the lag.
CREATE TABLE ctl.broker_offsets (
    topic text, partition integer,
    start_offset bigint NOT NULL, end_offset bigint NOT NULL, observed_at timestamptz NOT NULL,
    CONSTRAINT pk_broker_offsets PRIMARY KEY (topic, partition)
);

-- Records that a projection refused. headers: a JSON array of [name, base64 value], as bytes, because a broken record
-- may hold what jsonb refuses. state: open, fixed or discarded; note: why it was discarded. redrives: how often a
-- person had it projected again; run_id: the newest run that did, or that discarded it.
CREATE TABLE ctl.dead_letters (
    projection text, version integer, topic text, partition integer, "offset" bigint,
    key bytea, value bytea, headers bytea NOT NULL, record_at timestamptz NOT NULL, error_class text NOT NULL,
    reason text NOT NULL, attempts integer NOT NULL, state text NOT NULL, fixed_by_run_id uuid,
    failed_at timestamptz NOT NULL, redrives integer DEFAULT 0 NOT NULL, run_id uuid, changed_at timestamptz,
    changed_by text, note text,
    CONSTRAINT pk_dead_letters PRIMARY KEY (projection, version, topic, partition, "offset")
);

-- Offsets that retention removed before they were projected: the one legal jump, never a silent one.
CREATE TABLE ctl.expired_ranges (
    projection text, version integer, topic text, partition integer, from_offset bigint,
    to_offset bigint NOT NULL, noted_at timestamptz NOT NULL,
    CONSTRAINT pk_expired_ranges PRIMARY KEY (projection, version, topic, partition, from_offset)
);

-- What engineers set in motion. outcome: done, failed or cancelled; null while it runs, and when its process died.
-- subjects: what nobody else may work on meanwhile, such as `projection:leads`.
CREATE TABLE ctl.runs (
    run_id uuid,
    verb text NOT NULL, started_by text NOT NULL, scope jsonb NOT NULL, started_at timestamptz NOT NULL,
    ended_at timestamptz, outcome text, counts jsonb NOT NULL, subjects text[] DEFAULT '{}' NOT NULL,
    phase text DEFAULT '' NOT NULL, host text DEFAULT '' NOT NULL, pid integer DEFAULT 0 NOT NULL,
    heartbeat_at timestamptz DEFAULT now() NOT NULL, resumes integer DEFAULT 0 NOT NULL,
    cancel_requested_at timestamptz, cancel_requested_by text, error text, result jsonb,
    CONSTRAINT pk_runs PRIMARY KEY (run_id)
);

-- The versions of each projection's tables, of which one is live: the views read it. shape: a digest of what the
-- tables look like, so that a program which declares other tables does not write them.
CREATE TABLE ctl.projection_versions (
    projection text, version integer,
    state text NOT NULL, rev integer, shape text, run_id uuid, changed_at timestamptz DEFAULT now() NOT NULL,
    problem text,
    CONSTRAINT pk_projection_versions PRIMARY KEY (projection, version)
);
CREATE UNIQUE INDEX ix_projection_versions_live ON ctl.projection_versions (projection) WHERE state = 'live';

-- Up to where a partition of webhooks.* is proven complete: verdicts, and what fresh webhooks led to.
CREATE TABLE ctl.audit_positions (
    version integer, topic text, partition integer,
    verdicts_to bigint NOT NULL, facts_to bigint NOT NULL, verified_at timestamptz NOT NULL,
    CONSTRAINT pk_audit_positions PRIMARY KEY (version, topic, partition)
);

-- Up to where a partition of `messages` is proven to have its jobs, and one of `jobs` to have ended them well.
CREATE TABLE ctl.audit_job_positions (
    version integer, topic text, partition integer,
    proven_to bigint NOT NULL, verified_at timestamptz NOT NULL,
    CONSTRAINT pk_audit_job_positions PRIMARY KEY (version, topic, partition)
);

-- The jobs that were open when last audited: looking only at these and the new ones keeps an audit cheap.
CREATE TABLE ctl.audit_open_jobs (
    version integer, workspace_id text, job_id uuid, generation integer,
    CONSTRAINT pk_audit_open_jobs PRIMARY KEY (version, workspace_id, job_id, generation)
);

-- The first version of everything, with the shapes of the tables in tables.sql.
INSERT INTO ctl.projection_versions (projection, version, state, rev, shape) VALUES
    ('leads', 1, 'live', 1, 'b0338a873eece937'),
    ('webhook_receipts', 1, 'live', 1, 'a1d26c3a223d84d8'),
    ('ingest_latency', 1, 'live', 1, '14809d85c25fd08a'),
    ('dead_letters', 1, 'live', 1, '71e895b8e27c2c64'),
    ('jobs', 1, 'live', 1, '7cb3ede5923dd54a'),
    ('enrichments', 1, 'live', 1, '1a15f0f4a5f02db4'),
    ('ai_interactions', 1, 'live', 1, 'bb520f9e7d7d92f7');
