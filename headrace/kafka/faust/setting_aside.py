"""Keeps one record that is too large from stopping those behind it: the record it follows from is set aside."""

from collections.abc import Awaitable, Callable

import structlog

from headrace.events.caps import TooLarge
from headrace.events.records import Record
from headrace.kafka.faust.dead_letters import dead_letter, without_value
from headrace.kafka.faust.following import Batch, Process
from headrace.kafka.faust.outbox import OutRecord
from headrace.kafka.faust.record_sizes import RecordTooLarge
from headrace.settings import Settings

log = structlog.get_logger()

Send = Callable[[list[OutRecord]], Awaitable[object]]


def setting_aside(settings: Settings, stage: str, process: Process, send: Send) -> Process:
    """The agent's `process`, which tries smaller batches until it has found the record that is too large.

    Agents send before they remember, and what they send twice has the same ids: a batch may be begun again.
    """

    async def process_or_set_aside(batch: Batch) -> None:
        try:
            await process(batch)
        except TooLarge as error:
            halves = _halves(batch)
            if halves is None:
                await _set_aside(settings, _only_record(batch), stage, error, send)
                return
            for half in halves:
                await process_or_set_aside(half)

    return process_or_set_aside


async def _set_aside(settings: Settings, record: Record, stage: str, error: TooLarge, send: Send) -> None:
    log.error(
        "agent.too_large",
        stage=stage,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        reason=str(error),
        hint="what follows from the record does not fit into the log: it is a dead letter, and the others go on",
    )
    letter = dead_letter(settings, record, stage, error)
    try:
        await send([letter])
    except RecordTooLarge:
        await send([without_value(letter)])


def _halves(batch: Batch) -> tuple[Batch, Batch] | None:
    """The batch in two, each partition in its order; None when it is one record."""
    if sum(map(len, batch.values())) <= 1:
        return None
    places = [place for place, records in batch.items() if records]
    if len(places) > 1:
        middle = len(places) // 2
        return {p: batch[p] for p in places[:middle]}, {p: batch[p] for p in places[middle:]}
    (place,) = places
    records = batch[place]
    middle = len(records) // 2
    return {place: records[:middle]}, {place: records[middle:]}


def _only_record(batch: Batch) -> Record:
    return next(record for records in batch.values() for record in records)
