"""`--depth normalise`: raw bodies through today's adapters, what would change, and writing it under a run."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from headrace.kafka.faust.outbox import Outbox
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.log_records import in_pieces
from headrace.providers.adapter import Adapter
from headrace.settings import Settings
from operations.records.field_changes import DiffSummary
from operations.replay.webhooks.comparison import Comparison, compare
from operations.replay.webhooks.corrections import Correction, CorrectionRecords, corrections
from operations.replay.webhooks.reading import Reading, read
from operations.replay.webhooks.recorded import Progress, Recorded, recorded_of
from operations.replay.webhooks.window import Window, webhook_ranges, webhooks_of

#: Corrections whose records are acknowledged together.
_BATCH = 500
_STEP = 5000


class NormalisePlan(msgspec.Struct, kw_only=True):
    """What reading a window again would change. Counts are of webhooks unless they say otherwise."""

    webhooks: int
    duplicates: int
    unsettled: int
    superseded: int
    same: int
    #: Messages that read otherwise, and how.
    messages: DiffSummary
    new_messages: int = 0
    new_evidence: int = 0
    #: `ignored → fresh` and the like → how many.
    verdicts: dict[str, int] = {}
    #: Why differences are shown but not written → how many.
    held_back: dict[str, int] = {}
    #: Ids of messages that are recorded, but not read any more; the first ones.
    vanished: list[str] = []
    vanished_messages: int = 0
    vanished_evidence: int = 0
    #: Messages whose webhook now describes the lead otherwise: a message never changes its lead by a replay.
    about_lead: int = 0
    #: Records to write, and their bytes without headers.
    events: int = 0
    bytes: int = 0

    #: Webhooks for which something would be written.
    would_change: int = 0


class NormaliseWork(msgspec.Struct, kw_only=True):
    """A plan with what is needed to carry it out."""

    window: Window
    adapter: Adapter
    comparison: Comparison
    recorded: Recorded
    plan: NormalisePlan


def look(settings: Settings, window: Window, adapter: Adapter, show: int, progress: Progress) -> NormaliseWork:
    """Read the window, compare, and say what would change. Writes nothing. Raises KafkaUnreachable, TopicsMissing."""
    log = LogOffsets(settings)
    readings = _readings(settings, log, window, adapter, progress)
    recorded = recorded_of(settings, log, window, readings, progress)
    comparison = compare(readings.values(), recorded)
    found = corrections(
        settings, window, adapter, comparison.differences, recorded, CorrectionRecords(settings, "planned")
    )
    plan = planned(comparison, found, show)
    return NormaliseWork(window=window, adapter=adapter, comparison=comparison, recorded=recorded, plan=plan)


def _readings(
    settings: Settings, log: LogOffsets, window: Window, adapter: Adapter, progress: Progress
) -> dict[str, Reading]:
    readings: dict[str, Reading] = {}
    for number, (record, meta) in enumerate(webhooks_of(settings, webhook_ranges(settings, log, window), window), 1):
        readings[meta.receipt_id] = read(record, meta, adapter)
        if number % _STEP == 0:
            progress("webhooks", number)
    return readings


def planned(comparison: Comparison, found: Iterable[Correction], show: int) -> NormalisePlan:
    """The plan for a comparison. `show` is how many examples it keeps."""
    plan = NormalisePlan(
        webhooks=comparison.webhooks,
        duplicates=comparison.duplicates,
        unsettled=comparison.unsettled,
        superseded=comparison.superseded,
        same=comparison.same,
        messages=DiffSummary(),
    )
    verdicts: Counter[str] = Counter()
    held_back: Counter[str] = Counter()
    for correction in found:
        one = correction.difference
        plan.vanished_messages += len(one.vanished)
        plan.vanished += one.vanished[: max(0, show - len(plan.vanished))]
        plan.vanished_evidence += one.vanished_evidence
        plan.about_lead += len(one.about_lead)
        if one.held_back is not None:
            held_back[one.held_back] += 1
        if not one.is_written:
            continue
        plan.would_change += 1
        for id_, changes in correction.changes.items():
            plan.messages.add(id_, changes, show)
        plan.new_messages += len(one.new)
        plan.new_evidence += len(one.new_evidence)
        if one.is_verdict_changed:
            verdicts[_verdict_change(one.verdict.verdict, one.reading.verdict)] += 1
        out = [*correction.facts, *([correction.verdict] if correction.verdict else [])]
        plan.events += len(out)
        plan.bytes += sum(len(record.value or b"") for record in out)
    plan.verdicts, plan.held_back = dict(verdicts), dict(held_back)
    return plan


def _verdict_change(before: str, after: str) -> str:
    return f"{before} → {after}" if before != after else f"{before}, told otherwise"


def write(settings: Settings, work: NormaliseWork, run_id: str, progress: Callable[..., None]) -> dict[str, Any]:
    """Write the corrections. `progress(phase, **counts)` may raise to stop between two batches. Raises KafkaError."""
    return asyncio.run(_write(settings, work, run_id, progress))


async def _write(settings: Settings, work: NormaliseWork, run_id: str, progress: Callable[..., None]) -> dict[str, Any]:
    written = [one for one in work.comparison.differences if one.is_written]
    found = corrections(
        settings, work.window, work.adapter, written, work.recorded, CorrectionRecords(settings, run_id)
    )
    outbox = Outbox(settings)
    await outbox.start()
    webhooks = events = 0
    try:
        for batch in in_pieces(found, _BATCH):
            # Facts first: a verdict that names messages nobody will ever see would be a lie.
            await outbox.send(record for one in batch for record in one.facts)
            await outbox.send(one.verdict for one in batch if one.verdict is not None)
            webhooks += len(batch)
            events += sum(len(one.facts) + (one.verdict is not None) for one in batch)
            progress("correcting", webhooks=webhooks, events=events)
    finally:
        await outbox.stop()
    return {"webhooks": webhooks, "events": events}
