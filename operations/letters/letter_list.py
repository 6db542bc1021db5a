"""Reads the list of dead letters out of the read model: those of the workers, of the projections, and quarantine."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from headrace.events.dead_letters import QUARANTINE
from headrace.events.envelope import Headers, header_map
from headrace.events.topics import REPLY_TOPICS, WEBHOOKS_QUARANTINE
from headrace.settings import Settings
from operations.letters.kept_records import kept_in_log
from operations.letters.letter import Letter, LetterFilter, LetterStep
from projections.connection import libpq_url
from projections.versions import bind, is_live, live_schemas

_headers = msgspec.json.Decoder(Headers)
#: Topic → the one provider whose webhooks stand there.
_PROVIDERS = {topic.name: topic.name.removeprefix("webhooks.") for topic in REPLY_TOPICS}


def find_letters(settings: Settings, wanted: LetterFilter) -> list[Letter]:
    """Every letter that fits, in the order in which their records are kept.

    A filter by provider may have to read records. Raises psycopg.Error, KafkaUnreachable.
    """
    rows = _asked(settings, wanted)
    letters = [_letter(settings, row) for row in rows]
    if wanted.provider is not None:
        letters = [one for one in _with_providers(settings, letters) if one.provider == wanted.provider]
    found = [one for one in letters if _is_about(one, wanted)]
    return found[: wanted.limit]


def steps_of(settings: Settings, letter: Letter) -> list[LetterStep]:
    """What happened to a letter, in order. Those a projection refused have no more than their newest state."""
    with _connected(settings) as connection, connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(bind(_STEPS, live_schemas(connection)), [letter.id]).fetchall()
    return [msgspec.convert(row, LetterStep) for row in rows]


def settled_since(settings: Settings, ids: Sequence[str]) -> dict[str, Letter]:
    """The letters of these ids as they stand now, whatever their state."""
    quarantined = tuple(id_ for id_ in ids if id_.endswith(f":{QUARANTINE}"))
    others = tuple(id_ for id_ in ids if not id_.endswith(f":{QUARANTINE}"))
    found = find_letters(settings, LetterFilter(ids=others)) if others else []
    if quarantined:
        found += find_letters(settings, LetterFilter(ids=quarantined, quarantine=True))
    return {one.id: one for one in found}


def _asked(settings: Settings, wanted: LetterFilter) -> list[dict[str, Any]]:
    parameters = {
        "ids": list(wanted.ids),
        "stage": wanted.stage,
        "topics": None if wanted.topic is None else [wanted.topic, f"{settings.topic_prefix}{wanted.topic}"],
        "error": None if wanted.error is None else wanted.error.lower(),
        "since": wanted.since,
        "until": wanted.until,
        "states": None if wanted.states is None else list(wanted.states),
        "quarantine": settings.topic(WEBHOOKS_QUARANTINE),
    }
    query = _IN_QUARANTINE if wanted.quarantine else _SET_ASIDE
    with _connected(settings) as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(bind(query + _CONDITIONS, live_schemas(connection)), parameters).fetchall()


def _letter(settings: Settings, row: dict[str, Any]) -> Letter:
    headers = row.pop("headers")
    provider = row.pop("provider") or _PROVIDERS.get(row["origin_topic"].removeprefix(settings.topic_prefix), "")
    if headers is not None:
        told = header_map(_headers.decode(headers))
        row |= {"workspace": told.get("ce_workspace"), "receipt_id": told.get("ce_receiptid")}
        provider = provider or told.get("ce_provider", "")
    for name in ("run_id", "job_id"):
        row[name] = None if row[name] is None else str(row[name])
    return Letter(**row, provider=provider)


def _with_providers(settings: Settings, letters: Iterable[Letter]) -> list[Letter]:
    known = list(letters)
    unknown = [one for one in known if not one.provider and one.kept_topic is not None]
    told = {id_: header_map(record.headers).get("ce_provider", "") for id_, record in kept_in_log(settings, unknown)}
    return [msgspec.structs.replace(one, provider=one.provider or told.get(one.id, "")) for one in known]


def _is_about(letter: Letter, wanted: LetterFilter) -> bool:
    """The conditions that the records of projections' letters answer, and no column."""
    return wanted.workspace in (None, letter.workspace) and wanted.receipt_id in (None, letter.receipt_id)


def _connected(settings: Settings) -> psycopg.Connection[Any]:
    return psycopg.connect(libpq_url(settings.database_url), autocommit=True, connect_timeout=5)


_CONDITIONS = b"""
WHERE (cardinality(%(ids)s::text[]) = 0 OR letter.id = ANY(%(ids)s) OR letter.id IN (
        SELECT e.letter_id FROM {proj}.dead_letter_events AS e
        WHERE e.event = 'failed'
            AND concat_ws(':', e.record_topic, e.record_partition, e.record_offset, e.stage) = ANY(%(ids)s)
    ))
    AND (%(stage)s::text IS NULL OR letter.stage = %(stage)s)
    AND (%(topics)s::text[] IS NULL OR letter.origin_topic = ANY(%(topics)s))
    AND (%(error)s::text IS NULL OR position(%(error)s in lower(concat_ws(' ', letter.error_class, letter.reason))) > 0)
    AND (%(since)s::timestamptz IS NULL OR letter.last_failed_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR letter.last_failed_at < %(until)s)
    AND (%(states)s::text[] IS NULL OR letter.state = ANY(%(states)s))
ORDER BY letter.kept_topic, letter.kept_partition, letter.kept_offset,
    letter.origin_topic, letter.origin_partition, letter.origin_offset, letter.stage
"""
_SET_ASIDE = f"""
SELECT letter.* FROM (
    SELECT
        d.letter_id AS id, d.state, d.stage, d.origin_topic, d.origin_partition, d.origin_offset,
        d.workspace_id AS workspace, d.receipt_id, NULL AS provider, d.error_class, d.reason, d.attempts,
        d.first_failed_at, d.last_failed_at, d.generation, d.changed_at, d.changed_by, d.run_id, d.discard_reason,
        d.job_id, d.src_topic AS kept_topic, d.src_partition AS kept_partition, d.src_offset AS kept_offset,
        refused.headers
    FROM analytics.dead_letters AS d
    LEFT JOIN ctl.dead_letters AS refused
        ON d.stage = 'project:' || refused.projection
        AND {is_live("refused")}
        AND refused.topic = d.origin_topic
        AND refused.partition = d.origin_partition
        AND refused."offset" = d.origin_offset
) AS letter
""".encode()  # noqa: S608
# A receipt that got another verdict in the same workspace has no quarantined row any more: its events tell of it.
_IN_QUARANTINE = b"""
SELECT letter.* FROM (
    SELECT
        q.id, coalesce(newest.state, 'open') AS state, 'quarantine' AS stage, q.origin_topic, q.origin_partition,
        q.origin_offset, nullif(q.workspace, '') AS workspace, q.receipt_id, q.provider, 'Quarantined' AS error_class,
        q.reason, 1 + coalesce(newest.generation, 0) AS attempts, q.received_at AS first_failed_at,
        q.received_at AS last_failed_at, coalesce(newest.generation, 0) AS generation, newest.changed_at,
        newest.changed_by, newest.run_id, newest.discard_reason, NULL AS job_id, q.origin_topic AS kept_topic,
        q.origin_partition AS kept_partition, q.origin_offset AS kept_offset, NULL::bytea AS headers
    FROM (
        SELECT concat_ws(':', r.source_topic, r.source_partition, r.source_offset, 'quarantine') AS id,
            r.source_topic AS origin_topic, r.source_partition AS origin_partition, r.source_offset AS origin_offset,
            r.workspace_id AS workspace, r.receipt_id::text AS receipt_id, r.provider, r.reason, r.received_at
        FROM {proj}.webhook_receipts AS r
        WHERE r.source_topic = %(quarantine)s
        UNION ALL
        SELECT e.letter_id, %(quarantine)s, split_part(e.letter_id, ':', 2)::integer,
            split_part(e.letter_id, ':', 3)::bigint, e.workspace_id, e.receipt_id, j.provider, 'assigned since',
            j.received_at
        FROM {proj}.dead_letter_events AS e
        JOIN {proj}.webhook_receipts AS j ON j.workspace_id = e.workspace_id AND j.receipt_id::text = e.receipt_id
        WHERE e.event = 'fixed' AND e.letter_id LIKE '%%:quarantine' AND NOT EXISTS (
            SELECT FROM {proj}.webhook_receipts AS r
            WHERE r.source_topic = %(quarantine)s
                AND r.source_partition = split_part(e.letter_id, ':', 2)::integer
                AND r.source_offset = split_part(e.letter_id, ':', 3)::bigint
        )
    ) AS q
    LEFT JOIN LATERAL (
        SELECT CASE WHEN e.event = 'failed' THEN 'failed again' ELSE e.event END AS state, e.generation,
            e.happened_at AS changed_at, coalesce(e.changed_by, sent.changed_by) AS changed_by,
            coalesce(e.run_id, sent.run_id) AS run_id,
            CASE WHEN e.event = 'discarded' THEN e.reason END AS discard_reason
        FROM {proj}.dead_letter_events AS e
        LEFT JOIN {proj}.dead_letter_events AS sent
            ON sent.letter_id = e.letter_id AND sent.generation = e.generation AND sent.event = 'redriven'
        WHERE e.letter_id = q.id
        ORDER BY e.generation DESC, array_position(ARRAY['redriven', 'failed', 'fixed', 'discarded'], e.event) DESC
        LIMIT 1
    ) AS newest ON TRUE
) AS letter
"""
_STEPS = b"""
SELECT e.event, e.generation, e.happened_at, e.changed_by AS by, e.run_id::text AS run_id,
    nullif(concat_ws(':', e.record_topic, e.record_partition, e.record_offset), '') AS record, e.error_class, e.reason
FROM {proj}.dead_letter_events AS e
WHERE e.letter_id = %s
ORDER BY e.generation, array_position(ARRAY['redriven', 'failed', 'fixed', 'discarded'], e.event), e.happened_at
"""
