"""Marks dead letters as discarded: who decided it and why. Nothing is deleted, and a redrive by name takes it back."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from headrace.events.dead_letters import DeadLetterDiscarded
from headrace.events.records import Record
from headrace.kafka.clients import KafkaUnreachable
from headrace.kafka.errors import KafkaError
from headrace.kafka.faust.dead_letters import letter_event
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.settings import Settings
from operations.letters.kept_records import kept_records
from operations.letters.letter import FITTING, Letter, LetterFilter
from operations.letters.letter_list import find_letters
from operations.runs.runs import ActiveRun
from projections.connection import libpq_url
from projections.named_sql import NamedSql

_SQL = NamedSql(__file__)

VERB = "dlq discard"


def discardable(settings: Settings, wanted: LetterFilter) -> list[Letter]:
    """The letters of a filter that somebody would have to act on. Raises psycopg.Error, KafkaUnreachable."""
    found = find_letters(settings, msgspec.structs.replace(wanted, states=wanted.states or FITTING))
    return [one for one in found if one.state in FITTING]


def run_discard(settings: Settings, run: ActiveRun, letters: list[Letter], reason: str) -> int:
    """Discard them; how many were. Done again, it changes nothing. Raises KafkaUnreachable, RunCancelled."""
    try:
        done = asyncio.run(_discard(settings, run, letters, reason))
    except (KafkaError, OSError) as error:
        raise KafkaUnreachable(settings, type(error).__name__) from error
    run.finish(discarded=done)
    return done


async def _discard(settings: Settings, run: ActiveRun, letters: list[Letter], reason: str) -> int:
    outbox = Outbox(settings)
    await outbox.start()
    done = 0
    try:
        for piece in kept_records(settings, letters):
            run.progress("discarding", discarded=done)
            at = datetime.now(UTC)
            await outbox.send(
                _event(settings, run, letter, record, reason, at)
                for letter, record in piece
                if letter.projection is None and record is not None
            )
            refused = [letter for letter, _ in piece if letter.projection is not None]
            _mark(settings, refused, run.run.run_id, run.run.started_by, reason)
            done += len(piece)
    finally:
        await outbox.stop()
    return done


def _event(settings: Settings, run: ActiveRun, letter: Letter, record: Record, reason: str, at: datetime) -> OutRecord:
    event = DeadLetterDiscarded(
        letter_id=letter.id,
        generation=letter.generation,
        receipt_id=letter.receipt_id or "",
        workspace=letter.workspace or "",
        at=at,
        by=run.run.started_by,
        run_id=str(run.run.run_id),
        reason=reason,
    )
    return letter_event(settings, record.key, event, "/cli/dlq")


def _mark(settings: Settings, letters: Sequence[Letter], run_id: UUID, by: str, reason: str) -> None:
    """Records that a projection refused: their state stands beside them."""
    if not letters:
        return
    places: list[list[Any]] = [
        [one.projection for one in letters],
        [one.origin_topic for one in letters],
        [one.origin_partition for one in letters],
        [one.origin_offset for one in letters],
    ]
    with psycopg.connect(libpq_url(settings.database_url), connect_timeout=5) as connection:
        connection.execute(_SQL["mark_discarded"], [run_id, by, reason, *places])
