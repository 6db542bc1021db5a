"""Reads the list of dead letters out of the read model: those of the workers, of the projections, and quarantine."""

from collections.abc import Sequence
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
from projections.named_sql import NamedSql
from projections.versions import bind, live_schemas

_SQL = NamedSql(__file__)

_headers = msgspec.json.Decoder(Headers)
#: Topic → the one provider whose webhooks stand there.
_PROVIDERS = {topic.name: topic.name.removeprefix("webhooks.") for topic in REPLY_TOPICS}


def find_letters(settings: Settings, wanted: LetterFilter) -> list[Letter]:
    """Every letter that fits, in the order in which their records are kept.

    A filter by provider may have to read records. Raises psycopg.Error, KafkaUnreachable.
    """
    letters = [_letter(settings, row) for row in _read_rows(settings, wanted)]
    if wanted.provider is not None:
        letters = [letter for letter in _with_providers(settings, letters) if letter.provider == wanted.provider]
    return [letter for letter in letters if _is_about(letter, wanted)][: wanted.limit]


def steps_of(settings: Settings, letter: Letter) -> list[LetterStep]:
    """What happened to a letter, in order. Those a projection refused have no more than their newest state."""
    with _connected(settings) as connection, connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(bind(_SQL["steps"], live_schemas(connection)), {"letter": letter.id}).fetchall()
    return [msgspec.convert(row, LetterStep) for row in rows]


def settled_since(settings: Settings, ids: Sequence[str]) -> dict[str, Letter]:
    """The letters of these ids as they stand now, whatever their state."""
    quarantined = tuple(id_ for id_ in ids if id_.endswith(f":{QUARANTINE}"))
    others = tuple(id_ for id_ in ids if not id_.endswith(f":{QUARANTINE}"))
    letters = find_letters(settings, LetterFilter(ids=others)) if others else []
    if quarantined:
        letters += find_letters(settings, LetterFilter(ids=quarantined, quarantine=True))
    return {letter.id: letter for letter in letters}


def _read_rows(settings: Settings, wanted: LetterFilter) -> list[dict[str, Any]]:
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
    query = _SQL["in_quarantine" if wanted.quarantine else "set_aside"]
    with _connected(settings) as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(bind(query, live_schemas(connection)), parameters).fetchall()


def _letter(settings: Settings, row: dict[str, Any]) -> Letter:
    headers = row.pop("headers")
    provider = row.pop("provider") or _PROVIDERS.get(row["origin_topic"].removeprefix(settings.topic_prefix), "")
    if headers is not None:
        kept = header_map(_headers.decode(headers))
        row |= {"workspace": kept.get("ce_workspace"), "receipt_id": kept.get("ce_receiptid")}
        provider = provider or kept.get("ce_provider", "")
    for name in ("run_id", "job_id"):
        row[name] = None if row[name] is None else str(row[name])
    return Letter(**row, provider=provider)


def _with_providers(settings: Settings, letters: Sequence[Letter]) -> list[Letter]:
    """The letters with their provider, which the records tell where no row does."""
    unknown = [letter for letter in letters if not letter.provider and letter.kept_topic is not None]
    by_id = {id_: header_map(record.headers).get("ce_provider", "") for id_, record in kept_in_log(settings, unknown)}
    return [msgspec.structs.replace(one, provider=one.provider or by_id.get(one.id, "")) for one in letters]


def _is_about(letter: Letter, wanted: LetterFilter) -> bool:
    """The conditions that the records of projections' letters answer, and no column."""
    return wanted.workspace in (None, letter.workspace) and wanted.receipt_id in (None, letter.receipt_id)


def _connected(settings: Settings) -> psycopg.Connection[Any]:
    return psycopg.connect(libpq_url(settings.database_url), autocommit=True, connect_timeout=5)
