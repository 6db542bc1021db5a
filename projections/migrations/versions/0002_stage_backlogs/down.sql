-- One part a kind of unfinished work, each with the time since when it could have been finished. What was received but
-- not judged yet stands in Kafka alone: `headrace audit` tells.
CREATE OR REPLACE VIEW analytics.oldest_unprocessed AS
WITH open_jobs AS (
    SELECT
        job.workspace_id,
        job.due_at,
        CASE
            WHEN hold.is_paused THEN 'jobs:paused'
            WHEN progress.is_running THEN 'jobs:running'
            WHEN progress.error_class IN ('over_budget', 'dependency_down') THEN 'jobs:' || progress.error_class
            WHEN progress.error_class IS NOT NULL THEN 'jobs:retrying'
            ELSE 'jobs:waiting'
        END AS stage
    FROM {jobs}.jobs AS job
    LEFT JOIN {jobs}.job_progress AS progress
        ON progress.workspace_id = job.workspace_id
        AND progress.job_id = job.job_id
        AND progress.generation = job.generation
    LEFT JOIN {jobs}.job_holds AS hold
        ON hold.workspace_id = job.workspace_id AND hold.job_id = job.job_id AND hold.generation = job.generation
    WHERE job.due_at <= now()
        AND NOT EXISTS (
            SELECT FROM {jobs}.job_ends AS finish
            WHERE finish.workspace_id = job.workspace_id
                AND finish.job_id = job.job_id
                AND finish.generation = job.generation
        )
        AND NOT EXISTS (
            SELECT FROM {jobs}.jobs AS later
            WHERE later.workspace_id = job.workspace_id
                AND later.job_id = job.job_id
                AND later.generation > job.generation
        )
),

without_job AS (
    SELECT message.workspace_id, message.received_at
    FROM {leads}.messages AS message
    WHERE message.direction = 'inbound'
        AND message.source = 'direct'
        AND NOT EXISTS (
            SELECT FROM {jobs}.jobs AS job
            WHERE job.workspace_id = message.workspace_id AND job.message_id = message.message_id
        )
),

-- The oldest record that is not projected came after the newest that is. An app that has not looked at the broker for
-- a minute does not know what came since.
projections AS (
    SELECT
        place.projection,
        greatest(broker.end_offset - coalesce(position.next_offset, broker.start_offset), 0) AS lag,
        CASE
            WHEN broker.end_offset > coalesce(position.next_offset, broker.start_offset) THEN position.event_time_max
            ELSE broker.observed_at
        END AS projected_until
    FROM ctl.broker_offsets AS broker
    JOIN (
        SELECT DISTINCT known.projection, known.topic
        FROM ctl.projection_offsets AS known
        WHERE known.version = coalesce((SELECT live.version FROM ctl.projection_versions AS live WHERE live.projection = known.projection AND live.state = 'live'), 1)
    ) AS place
        ON place.topic = broker.topic
    LEFT JOIN ctl.projection_offsets AS position
        ON position.projection = place.projection
        AND position.version = coalesce((SELECT live.version FROM ctl.projection_versions AS live WHERE live.projection = position.projection AND live.state = 'live'), 1)
        AND position.topic = broker.topic
        AND position.partition = broker.partition
    WHERE broker.end_offset > coalesce(position.next_offset, broker.start_offset)
        OR broker.observed_at < now() - interval '60 seconds'
),

unfinished (workspace_id, stage, n, oldest_at) AS (
    SELECT open_jobs.workspace_id, open_jobs.stage, count(*), min(open_jobs.due_at)
    FROM open_jobs
    GROUP BY open_jobs.workspace_id, open_jobs.stage
    UNION ALL
    SELECT without_job.workspace_id, 'messages:without_job', count(*), min(without_job.received_at)
    FROM without_job
    GROUP BY without_job.workspace_id
    UNION ALL
    SELECT letter.workspace_id, 'dead_letters:' || letter.stage, count(*), min(letter.first_failed_at)
    FROM analytics.dead_letters AS letter
    WHERE letter.state IN ('open', 'failed again')
    GROUP BY letter.workspace_id, letter.stage
    UNION ALL
    SELECT NULL, 'project:' || projections.projection, sum(projections.lag)::bigint, min(projections.projected_until)
    FROM projections
    GROUP BY projections.projection
)

SELECT
    unfinished.workspace_id,
    unfinished.stage,
    unfinished.n,
    unfinished.oldest_at,
    greatest(round(extract(epoch FROM now() - unfinished.oldest_at), 1), 0) AS age_seconds
FROM unfinished;

COMMENT ON VIEW analytics.oldest_unprocessed IS 'Work that is not finished, by stage and workspace, with the age of the oldest: what to look at first. No row: nothing is unfinished there.';
COMMENT ON COLUMN analytics.oldest_unprocessed.workspace_id IS 'The workspace; null where nobody knows, as for records that are not projected yet.';
COMMENT ON COLUMN analytics.oldest_unprocessed.stage IS 'project:<projection> (records that are not rows yet), messages:without_job (a person''s message, no job asked for yet), jobs:waiting, jobs:running, jobs:retrying, jobs:over_budget, jobs:dependency_down, jobs:paused (by a person), or dead_letters:<stage> (set aside, and neither sent again nor discarded).';
COMMENT ON COLUMN analytics.oldest_unprocessed.n IS 'How many. For project:… as of the last comparison with the broker; 0 when that is over a minute ago and nothing was left then.';
COMMENT ON COLUMN analytics.oldest_unprocessed.oldest_at IS 'Since when the oldest could have been finished: jobs by when they were first due, messages by receipt, dead letters by their first failure. For project:… the newest record that is a row, so that the oldest that is not came later; null when none is.';
COMMENT ON COLUMN analytics.oldest_unprocessed.age_seconds IS 'Seconds since oldest_at; for project:… the age is at most that.';

DROP TABLE ctl.stage_backlogs;
