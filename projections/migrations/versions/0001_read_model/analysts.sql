-- The analysts' read-only role: it reads the views that are there and those to come, and nothing else. Roles belong to
-- the whole cluster: another database's migration may create it in the same moment. Then it is there, as it should be.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'analyst_ro') THEN
        CREATE ROLE analyst_ro NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

-- A slow query must neither fill the server nor hold back a swap of views. Per database: settings for the whole role
-- are one shared row, over which migrations of two databases collide.
DO $$
BEGIN
    EXECUTE format('ALTER ROLE analyst_ro IN DATABASE %I SET default_transaction_read_only = on', current_database());
    EXECUTE format('ALTER ROLE analyst_ro IN DATABASE %I SET statement_timeout = ''60s''', current_database());
    EXECUTE format(
        'ALTER ROLE analyst_ro IN DATABASE %I SET idle_in_transaction_session_timeout = ''30s''', current_database()
    );
END
$$;

GRANT USAGE ON SCHEMA analytics TO analyst_ro;
GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO analyst_ro;
ALTER DEFAULT PRIVILEGES IN SCHEMA analytics GRANT SELECT ON TABLES TO analyst_ro;
