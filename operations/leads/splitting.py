"""Carries a split out under a run: asks the resolver through its inbox, and waits for the row that tells of it.

The resolver alone decides who is who. Asked twice it does it once, so an interrupted run simply asks again.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
import psycopg

from headrace.events.codec import Codec
from headrace.events.envelope import Envelope
from headrace.events.ids import event_id
from headrace.events.inbox import Identity, InboxSplit
from headrace.events.topics import INBOX
from headrace.kafka.clients import KafkaUnreachable
from headrace.kafka.errors import KafkaError
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings
from operations.leads.split_plan import SplitPlan, SplitRefused
from operations.runs.runs import ActiveRun, Run
from projections.connection import libpq_url
from projections.versions import bind, live_schemas

VERB = "leads split"
_LOOK_SECONDS = 0.2

Say = Callable[[str], None]


def subjects_of(plan: SplitPlan) -> tuple[str, ...]:
    """Two people must not split one lead at once."""
    return (f"lead:{plan.lead_id}",)


def split_scope(plan: SplitPlan, reason: str, wait_seconds: float) -> dict[str, Any]:
    """What a run is told."""
    return {
        "workspace": plan.workspace,
        "lead_id": plan.lead_id,
        "new_lead_id": plan.new_lead_id,
        "identities": [msgspec.to_builtins(one) for one in plan.going],
        "message_ids": [one.message_id for one in plan.messages],
        "reason": reason,
        "wait": wait_seconds,
    }


def refuse_unfinished_work(plan: SplitPlan) -> None:
    """Raises SplitRefused while jobs of messages that go are open: they would draft from the old conversation."""
    if plan.open_jobs:
        raise SplitRefused(
            f"{len(plan.open_jobs)} job(s) of messages that go are open, and would go on as the old lead's. Wait for "
            f"them, or cancel them: `headrace jobs cancel {' '.join(plan.open_jobs[:5])} --execute`"
            f"{' …' if len(plan.open_jobs) > 5 else ''}. Then split."
        )


def run_split(settings: Settings, run: ActiveRun) -> None:
    """Ask for it and wait. Raises SplitRefused when nothing came of it in time, KafkaUnreachable, RunCancelled."""
    run.progress("asking")
    try:
        asyncio.run(_send(settings, _order(run.run), str(run.run.run_id)))
    except (KafkaError, OSError) as error:
        raise KafkaUnreachable(settings, type(error).__name__) from error
    _wait(settings, run)
    run.finish(new_lead_id=run.run.scope["new_lead_id"], messages=len(run.run.scope["message_ids"]))


def resume_run(settings: Settings, run: ActiveRun, say: Say) -> None:
    """Ask once more. Raises as `run_split`."""
    run_split(settings, run)
    say(f"Lead {run.run.scope['new_lead_id']} has its identities.")


def abandon_run(_settings: Settings, _run: Run) -> None:
    """Nothing is left behind: what was asked for is done or will be, by the resolver."""


def _order(run: Run) -> InboxSplit:
    scope = run.scope
    return InboxSplit(
        receipt_id=str(run.run_id),
        workspace=scope["workspace"],
        lead_id=scope["lead_id"],
        identities=msgspec.convert(scope["identities"], tuple[Identity, ...]),
        message_ids=tuple(scope["message_ids"]),
        received_at=run.started_at,
        by=run.started_by,
        reason=scope["reason"],
    )


async def _send(settings: Settings, order: InboxSplit, run_id: str) -> None:
    codec = Codec()
    type_ = codec.type_of(order)
    envelope = Envelope(
        id=event_id(type_, run_id),
        type=type_,
        source="/cli/leads",
        time=order.received_at,
        subject=order.workspace,
        receipt_id=run_id,
        workspace=order.workspace,
    )
    key = order.workspace.encode()
    partition = key_partition(key, settings.partitions)
    outbox = Outbox(settings)
    await outbox.start()
    try:
        await outbox.send([OutRecord(settings.topic(INBOX), partition, key, codec.encode(order), envelope.headers())])
    finally:
        await outbox.stop()


def _wait(settings: Settings, run: ActiveRun) -> None:
    scope = run.run.scope
    give_up = time.monotonic() + scope["wait"]
    with psycopg.connect(libpq_url(settings.database_url), autocommit=True, connect_timeout=5) as connection:
        where = [scope["workspace"], scope["lead_id"], scope["new_lead_id"]]
        while not connection.execute(bind(_DONE, live_schemas(connection)), where).fetchone():
            run.progress("waiting for the resolver")
            if time.monotonic() >= give_up:
                raise SplitRefused(
                    "The split was asked for, but is not in the rows yet. Are `headrace run pipeline` and the "
                    "projections running? If the lead changed meanwhile, `headrace dlq list --stage resolve` tells so; "
                    f"else go on waiting with `headrace runs resume {run.run.run_id} --execute`."
                )
            time.sleep(_LOOK_SECONDS)


_DONE = b"SELECT 1 FROM {proj}.lead_splits WHERE workspace_id = %s AND lead_id = %s AND new_lead_id = %s"
