-- Everything goes, later versions of the read model as well. The log still has every event: migrating up again and a
-- replay bring the rows back. The role stays, without what this database gave it: other databases and people's logins
-- may use it.
ALTER DEFAULT PRIVILEGES IN SCHEMA analytics REVOKE ALL ON TABLES FROM analyst_ro;
DROP SCHEMA analytics CASCADE;

DO $$
DECLARE
    version text;
BEGIN
    EXECUTE format('ALTER ROLE analyst_ro IN DATABASE %I RESET ALL', current_database());
    FOR version IN SELECT nspname FROM pg_namespace WHERE nspname ~ '^proj_v[0-9]+$' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', version);
    END LOOP;
END
$$;

DROP TABLE
    ctl.audit_open_jobs,
    ctl.audit_job_positions,
    ctl.audit_positions,
    ctl.projection_versions,
    ctl.runs,
    ctl.expired_ranges,
    ctl.dead_letters,
    ctl.broker_offsets,
    ctl.projection_offsets;
