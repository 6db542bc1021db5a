"""`--depth project`: the rows of everything that a window's webhooks caused, made anew from the log as it is.

The webhooks only choose: each record that names one of their receipts chooses its key, in every projection, and these
keys are repaired. Bodies are not read again, and nothing is written to Kafka.
"""

from typing import Any

from headrace.events.records import Record
from headrace.kafka.log_offsets import LogOffsets
from headrace.settings import Settings
from operations.replay.webhooks.recorded import receipt_of
from operations.replay.webhooks.resuming import scope_of, window_of
from operations.replay.webhooks.window import Window, derived_ranges, webhook_ranges, webhooks_of
from operations.runs.progress_lines import Say
from operations.runs.runs import ActiveRun
from operations.versions.repair import RepairPlan, RepairRefused, abandon_repair, plan_repair, run_repair
from operations.versions.repair_keys import MOST_KEYS, Wants
from projections.registry import ALL_PROJECTIONS

VERB = "replay webhooks --depth project"


def caused_by(settings: Settings, window: Window) -> Wants:
    """What tells the records that the window's webhooks caused. Reads the window. Raises RepairRefused."""
    receipts: set[str] = set()
    for _, meta in webhooks_of(settings, webhook_ranges(settings, LogOffsets(settings), window), window):
        receipts.add(meta.receipt_id)
        if len(receipts) > MOST_KEYS:
            raise RepairRefused(f"More than {MOST_KEYS:,} webhooks are in the window: choose a shorter one.")

    def wants(record: Record) -> bool:
        return receipt_of(record) in receipts

    return wants


def plan_projecting(settings: Settings, window: Window, wants: Wants) -> RepairPlan:
    """What would be done. Raises RepairRefused, TooManyKeys, KafkaUnreachable, TopicsMissing."""
    log = LogOffsets(settings)
    windows = {one.name: derived_ranges(settings, log, window, one.topic) for one in ALL_PROJECTIONS}
    return plan_repair(settings, windows, wants, strict=False)


def project_scope(window: Window) -> dict[str, Any]:
    """The window as the ledger keeps it."""
    return {**scope_of(window), "depth": "project"}


def resume_run(settings: Settings, run: ActiveRun, say: Say) -> None:
    """Go on with it. Raises RepairStopped, RunCancelled, KafkaUnreachable."""
    window = window_of(run.run.scope)
    run_repair(settings, run, lambda: caused_by(settings, window), say)


abandon_run = abandon_repair
