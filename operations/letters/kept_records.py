"""Reads the records of dead letters where they are kept, as they were before anybody gave up on them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from headrace.events.dead_letters import OMITTED_HEADER, original_headers
from headrace.events.envelope import Headers
from headrace.events.records import Record
from headrace.kafka.log_offsets import spans_of
from headrace.kafka.log_records import in_pieces, read_ranges
from headrace.settings import Settings
from operations.letters.letter import Letter
from projections.connection import libpq_url
from projections.named_sql import NamedSql

_SQL = NamedSql(__file__)

#: Letters whose records are held in memory at a time.
CHUNK = 200
_headers = msgspec.json.Decoder(Headers)


def kept_records(settings: Settings, letters: Iterable[Letter]) -> Iterator[list[tuple[Letter, Record | None]]]:
    """The letters with their records, in pieces; None where it is not kept any more. Raises KafkaUnreachable."""
    for piece in in_pieces(letters, CHUNK):
        records = dict(kept_in_log(settings, [letter for letter in piece if letter.projection is None]))
        records |= _kept_in_postgres(settings, [letter for letter in piece if letter.projection is not None])
        yield [(letter, records.get(letter.id)) for letter in piece]


def kept_in_log(settings: Settings, letters: Sequence[Letter]) -> Iterator[tuple[str, Record]]:
    """Letter id → the record at its original place. Reads each partition from the first such record to the last.

    A record that was too large for the letters is read where it stood.
    """
    by_place = {_kept_place(one): one for one in letters if one.kept_topic is not None}
    omitted: dict[tuple[str, int, int], list[Letter]] = {}
    for record in read_ranges(settings, spans_of(by_place)):
        letter = by_place.get((record.topic, record.partition, record.offset))
        if letter is None:
            continue
        if any(name == OMITTED_HEADER for name, _ in record.headers):
            place = (letter.origin_topic, letter.origin_partition, letter.origin_offset)
            omitted.setdefault(place, []).append(letter)
        else:
            yield letter.id, _original(letter, record)
    for record in read_ranges(settings, spans_of(omitted)):
        for letter in omitted.get((record.topic, record.partition, record.offset), ()):
            yield letter.id, _original(letter, record)


def _kept_place(letter: Letter) -> tuple[str, int, int]:
    return letter.kept_topic or "", letter.kept_partition or 0, letter.kept_offset or 0


def _original(letter: Letter, record: Record) -> Record:
    return msgspec.structs.replace(
        record,
        topic=letter.origin_topic,
        partition=letter.origin_partition,
        offset=letter.origin_offset,
        headers=original_headers(record.headers),
    )


def _kept_in_postgres(settings: Settings, letters: Sequence[Letter]) -> dict[str, Record]:
    if not letters:
        return {}
    columns: list[list[Any]] = [
        [letter.id for letter in letters],
        [letter.projection for letter in letters],
        [letter.origin_topic for letter in letters],
        [letter.origin_partition for letter in letters],
        [letter.origin_offset for letter in letters],
    ]
    with psycopg.connect(libpq_url(settings.database_url), connect_timeout=5, row_factory=dict_row) as connection:
        return {row["id"]: kept_record(row) for row in connection.execute(_SQL["kept"], columns)}


def kept_record(row: dict[str, Any]) -> Record:
    """The record as `ctl.dead_letters` keeps it."""
    return Record(
        row["topic"],
        row["partition"],
        row["offset"],
        bytes(row["key"] or b""),
        None if row["value"] is None else bytes(row["value"]),
        _headers.decode(row["headers"]),
        round(row["record_at"].timestamp() * 1000),
    )
