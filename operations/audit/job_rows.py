"""The audit's questions to Postgres about jobs: messages without one, ends that lack something, what is open.

Ranges are offsets of the events behind the rows, so that an audit looks only at what is new. What was open is
remembered by name: the ends of old jobs come late.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from psycopg import Connection, Cursor

from headrace.events.envelope import header_map
from headrace.events.job_plan import POST_PROCESS, SCORING, STEPS, job_id
from headrace.kafka.log_offsets import LogRange, Place
from operations.audit.findings import StuckJob
from operations.audit.unsettled_letters import UNSETTLED
from projections.versions import bind, fingerprint, is_live, live_versions, schemas

#: Findings told of one partition; more of the same help nobody.
LIMIT = 1000

#: Workspace, job, generation, and how it ended; None asks for the request.
JobRowKey = tuple[str, str, int, str | None]
JobLack = Literal["job", "request", "step"]


class Lacking(msgspec.Struct, frozen=True, kw_only=True):
    """A message, or the end of a job, that lacks something."""

    #: Of the message's event, or of the event that ended the job.
    offset: int
    receipt_id: str
    message_id: str
    #: The job that is missing (job), or that lacks its request or step.
    job_id: str
    job_type: str
    lack: JobLack
    step: str | None = None


class AuditJobRows:
    """Reads the read model. One connection, no transaction: see `AuditRows`."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        live = live_versions(connection)
        self._schemas = schemas(live)
        #: What is remembered is about these versions alone.
        self._fingerprint = fingerprint(live)

    def messages(self, place: Place, log_range: LogRange) -> int:
        """How many messages of the range have jobs by rights: those that a person wrote to us."""
        return int(self._many(_MESSAGES, place, log_range)[0][0])

    def without_job(self, place: Place, log_range: LogRange) -> list[Lacking]:
        """Messages of the range that lack their post-process job, in order."""
        plan = {"providers": list(POST_PROCESS), "job_types": list(POST_PROCESS.values())}
        return [
            Lacking(
                offset=offset,
                receipt_id=str(receipt),
                message_id=str(message),
                job_id=job_id(str(message), type_),
                job_type=type_,
                lack="job",
            )
            for offset, receipt, message, type_ in self._many(_WITHOUT_JOB, place, log_range, plan)
        ]

    def ends(self, place: Place, log_range: LogRange) -> int:
        """How many jobs ended in the range."""
        return int(self._many(_ENDS, place, log_range)[0][0])

    def lacking_ends(self, place: Place, log_range: LogRange) -> list[Lacking]:
        """Ends of the range without request, steps or follower, in order."""
        pairs = [(type_, step) for type_, steps in STEPS.items() for step in steps]
        plan = {
            "types": [type_ for type_, _ in pairs],
            "steps": [step for _, step in pairs],
            "followed": list(POST_PROCESS.values()),
            "scoring": SCORING,
        }
        return [_lacking_end(*row) for row in self._many(_LACKING_ENDS, place, log_range, plan)]

    def unwritten(self, keys: Mapping[int, JobRowKey]) -> list[int]:
        """Offsets of requests and ends, given with what their rows are known by, that have no row."""
        columns = [[key[part] for key in keys.values()] for part in range(4)]
        return [offset for (offset,) in self._ask(_UNWRITTEN, [list(keys), *columns])]

    def refused_by_request(self, receipt_ids: Iterable[str]) -> set[str]:
        """Those of the receipts whose message the request agent set aside."""
        rows = self._ask(_REFUSED_BY_REQUEST, [list(receipt_ids)])
        return {receipt_id for (receipt_id,) in rows}

    def refused_by_projection(self) -> set[str]:
        """Receipts of job events that the projection could not write."""
        rows = self._ask(_REFUSED, [])
        pairs = (msgspec.json.decode(headers, type=list[tuple[str, bytes]]) for (headers,) in rows)
        return {receipt_id for pair in pairs if (receipt_id := header_map(pair).get("ce_receiptid"))}

    def forget_open(self) -> None:
        """Look at every request again."""
        self._connection.execute("DELETE FROM ctl.audit_open_jobs WHERE version = %s", [self._fingerprint])

    def note_open(self, place: Place, log_range: LogRange) -> None:
        """Add those jobs requested in the range that did not end."""
        self._ask(_NOTE_OPEN, self._parameters(place, log_range))

    def drop_ended(self) -> None:
        """Take out what has ended, or has a new life."""
        self._ask(_DROP_ENDED, [self._fingerprint])

    def open(self) -> int:
        """How many jobs are open."""
        rows = self._connection.execute(
            "SELECT count(*) FROM ctl.audit_open_jobs WHERE version = %s", [self._fingerprint]
        ).fetchall()
        return int(rows[0][0])

    def stuck(
        self, topic: str, partitions: Sequence[int], after_seconds: float, attempt_seconds: float
    ) -> tuple[int, list[StuckJob]]:
        """Open jobs of these partitions that are overdue for longer than so long: how many, and the longest first.

        An attempt may take `attempt_seconds`; whoever runs it longer is not running it any more.
        """
        rows = self._ask(
            _STUCK,
            {
                "version": self._fingerprint,
                "topic": topic,
                "partitions": list(partitions),
                "after": after_seconds,
                "attempt": attempt_seconds,
            },
        ).fetchall()
        found = [
            StuckJob(
                workspace=workspace,
                job_id=str(id_),
                job_type=type_,
                message_id=str(message),
                state="running" if is_running else "waiting",
                overdue_seconds=int(overdue),
            )
            for _, workspace, id_, type_, message, is_running, overdue in rows
        ]
        return (rows[0][0] if rows else 0), found

    def proven(self) -> dict[Place, int]:
        """What earlier audits proved."""
        rows = self._connection.execute(
            "SELECT topic, partition, proven_to FROM ctl.audit_job_positions WHERE version = %s", [self._fingerprint]
        )
        return {(topic, partition): proven_to for topic, partition, proven_to in rows}

    def remember(self, proven: Mapping[Place, int]) -> None:
        """Keep what is proven now, so that the next audit starts there."""
        places = sorted(proven)
        columns = [[t for t, _ in places], [p for _, p in places], [proven[place] for place in places]]
        self._connection.execute(_REMEMBER, [self._fingerprint, *columns])

    def _many(
        self, query: bytes, place: Place, log_range: LogRange, more: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        return self._ask(query, {**self._parameters(place, log_range), **(more or {})}).fetchall()

    def _parameters(self, place: Place, log_range: LogRange) -> dict[str, Any]:
        return {
            "version": self._fingerprint,
            "topic": place[0],
            "partition": place[1],
            "start": log_range.start,
            "end": log_range.end,
        }

    def _ask(self, query: bytes, parameters: Sequence[Any] | Mapping[str, Any]) -> Cursor[Any]:
        return self._connection.execute(bind(query, self._schemas), parameters)


def _lacking_end(
    offset: int, id_: object, receipt: object, message: object, type_: str | None, lack: JobLack, step: str | None
) -> Lacking:
    follower = lack == "job"
    return Lacking(
        offset=offset,
        receipt_id="" if receipt is None else str(receipt),
        message_id="" if message is None else str(message),
        job_id=job_id(str(message), SCORING) if follower else str(id_),
        job_type=SCORING if follower else type_ or "",
        lack=lack,
        step=step,
    )


def _sql(text: str) -> bytes:
    return text.replace("{limit}", str(LIMIT)).encode()


_REFUSED = _sql(
    f"SELECT headers FROM ctl.dead_letters AS d WHERE {is_live('d')} AND projection = 'jobs' AND state <> 'fixed'"  # noqa: S608
)
_MESSAGES = _sql("""
SELECT count(*) FROM {proj}.messages AS m
WHERE m.direction = 'inbound' AND m.source = 'direct' AND m.src_topic = %(topic)s
  AND m.src_partition = %(partition)s AND m.src_offset >= %(start)s AND m.src_offset < %(end)s
""")
_WITHOUT_JOB = _sql("""
SELECT m.src_offset, m.receipt_id, m.message_id, plan.type
FROM {proj}.messages AS m
JOIN unnest(%(providers)s::text[], %(job_types)s::text[]) AS plan (provider, type) ON plan.provider = m.provider
WHERE m.direction = 'inbound' AND m.source = 'direct' AND m.src_topic = %(topic)s
  AND m.src_partition = %(partition)s AND m.src_offset >= %(start)s AND m.src_offset < %(end)s
  AND NOT EXISTS (
      SELECT FROM {proj}.jobs AS j
      WHERE j.workspace_id = m.workspace_id AND j.message_id = m.message_id AND j.type = plan.type
  )
ORDER BY m.src_offset
LIMIT {limit}
""")
_ENDS = _sql("""
SELECT count(*) FROM {proj}.job_ends AS e
WHERE e.src_topic = %(topic)s AND e.src_partition = %(partition)s
  AND e.first_offset >= %(start)s AND e.first_offset < %(end)s
""")
# The first end of a generation counts. Steps of earlier generations count for a job that went on where it had failed:
# from the newest generation on that began anew, because it was told to or because the one before had succeeded.
_LACKING_ENDS = _sql("""
WITH ended AS (
    SELECT e.first_offset, e.workspace_id, e.job_id, e.generation, e.outcome, j.job_id IS NOT NULL AS is_known,
        coalesce(j.type, a.type) AS type, coalesce(j.message_id, a.message_id) AS message_id,
        coalesce(j.receipt_id, a.receipt_id) AS receipt_id
    FROM {proj}.job_ends AS e
    LEFT JOIN {proj}.jobs AS j
        ON j.workspace_id = e.workspace_id AND j.job_id = e.job_id AND j.generation = e.generation
    -- Without its request, an attempt tells what the job was about.
    LEFT JOIN {proj}.job_attempts AS a
        ON a.workspace_id = e.workspace_id AND a.job_id = e.job_id AND a.generation = e.generation
        AND a.attempt = e.attempt
    WHERE e.src_topic = %(topic)s AND e.src_partition = %(partition)s
      AND e.first_offset >= %(start)s AND e.first_offset < %(end)s
      AND NOT EXISTS (
          SELECT FROM {proj}.job_ends AS earlier
          WHERE earlier.workspace_id = e.workspace_id AND earlier.job_id = e.job_id
            AND earlier.generation = e.generation AND earlier.first_offset < e.first_offset
      )
),
lacking AS (
    SELECT ended.*, 'request' AS lack, NULL AS step FROM ended WHERE NOT ended.is_known
    UNION ALL
    SELECT ended.*, 'step', plan.step
    FROM ended
    JOIN unnest(%(types)s::text[], %(steps)s::text[]) AS plan (type, step) ON plan.type = ended.type
    CROSS JOIN LATERAL (
        SELECT coalesce(max(began.generation), 1) AS generation
        FROM {proj}.jobs AS began
        WHERE began.workspace_id = ended.workspace_id AND began.job_id = ended.job_id
          AND began.generation <= ended.generation
          AND (began.from_start OR 'succeeded' = (
              SELECT previous.outcome FROM {proj}.job_ends AS previous
              WHERE previous.workspace_id = began.workspace_id AND previous.job_id = began.job_id
                AND previous.generation = began.generation - 1
              ORDER BY previous.first_offset LIMIT 1
          ))
    ) AS life
    WHERE ended.outcome = 'succeeded' AND NOT EXISTS (
        SELECT FROM {proj}.job_steps AS s
        WHERE s.workspace_id = ended.workspace_id AND s.job_id = ended.job_id AND s.step = plan.step
          AND s.generation BETWEEN life.generation AND ended.generation
    )
    UNION ALL
    SELECT ended.*, 'job', NULL
    FROM ended
    WHERE ended.outcome = 'succeeded' AND ended.type = ANY(%(followed)s) AND NOT EXISTS (
        SELECT FROM {proj}.jobs AS follower
        WHERE follower.workspace_id = ended.workspace_id AND follower.message_id = ended.message_id
          AND follower.type = %(scoring)s
    )
)
SELECT first_offset, job_id, receipt_id, message_id, type, lack, step
FROM lacking
ORDER BY first_offset, lack, step
LIMIT {limit}
""")
_UNWRITTEN = _sql("""
SELECT logged.place
FROM unnest(%s::bigint[], %s::text[], %s::uuid[], %s::int[], %s::text[])
    AS logged (place, workspace_id, job_id, generation, outcome)
WHERE NOT CASE
    WHEN logged.outcome IS NULL THEN EXISTS (
        SELECT FROM {proj}.jobs AS j
        WHERE j.workspace_id = logged.workspace_id AND j.job_id = logged.job_id AND j.generation = logged.generation
    )
    ELSE EXISTS (
        SELECT FROM {proj}.job_ends AS e
        WHERE e.workspace_id = logged.workspace_id AND e.job_id = logged.job_id
          AND e.generation = logged.generation AND e.outcome = logged.outcome
    )
END
ORDER BY logged.place
""")
_REFUSED_BY_REQUEST = f"""
SELECT DISTINCT letter.receipt_id FROM {{proj}}.dead_letters AS letter
WHERE letter.stage = 'request' AND letter.receipt_id = ANY(%s) AND {UNSETTLED}
""".encode()  # noqa: S608
_NOTE_OPEN = _sql("""
INSERT INTO ctl.audit_open_jobs (version, workspace_id, job_id, generation)
SELECT %(version)s, j.workspace_id, j.job_id, j.generation
FROM {proj}.jobs AS j
WHERE j.src_topic = %(topic)s AND j.src_partition = %(partition)s
  AND j.src_offset >= %(start)s AND j.src_offset < %(end)s
  AND NOT EXISTS (
      SELECT FROM {proj}.job_ends AS e
      WHERE e.workspace_id = j.workspace_id AND e.job_id = j.job_id AND e.generation = j.generation
  )
ON CONFLICT DO NOTHING
""")
_DROP_ENDED = _sql("""
DELETE FROM ctl.audit_open_jobs AS o
WHERE o.version = %s AND (
    EXISTS (
        SELECT FROM {proj}.job_ends AS e
        WHERE e.workspace_id = o.workspace_id AND e.job_id = o.job_id AND e.generation = o.generation
    )
    OR EXISTS (
        SELECT FROM {proj}.jobs AS later
        WHERE later.workspace_id = o.workspace_id AND later.job_id = o.job_id AND later.generation > o.generation
    )
)
""")
_STUCK = _sql("""
SELECT count(*) OVER (), j.workspace_id, j.job_id, j.type, j.message_id, due.is_running,
    extract(epoch FROM now() - due.at)
FROM ctl.audit_open_jobs AS o
JOIN {proj}.jobs AS j USING (workspace_id, job_id, generation)
LEFT JOIN {proj}.job_progress AS p USING (workspace_id, job_id, generation)
LEFT JOIN {proj}.job_holds AS h USING (workspace_id, job_id, generation)
CROSS JOIN LATERAL (
    SELECT coalesce(p.is_running, FALSE) AS is_running, CASE
        WHEN p.is_running THEN p.changed_at + make_interval(secs => %(attempt)s)
        ELSE coalesce(p.due_at, j.due_at)
    END AS at
) AS due
WHERE o.version = %(version)s AND j.src_topic = %(topic)s AND j.src_partition = ANY(%(partitions)s)
  AND NOT coalesce(h.is_paused, FALSE)
  AND due.at < now() - make_interval(secs => %(after)s)
ORDER BY due.at, j.job_id
LIMIT {limit}
""")
_REMEMBER = b"""
INSERT INTO ctl.audit_job_positions (version, topic, partition, proven_to, verified_at)
SELECT %s, i.topic, i.partition, i.proven_to, clock_timestamp()
FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS i (topic, partition, proven_to)
ON CONFLICT (version, topic, partition) DO UPDATE
SET proven_to = excluded.proven_to, verified_at = excluded.verified_at
"""
