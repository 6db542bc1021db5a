"""`headrace leads …`: people that were taken for one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from headrace.events.inbox import Identity
from operations.cli.acting import Acting
from operations.cli.options import takes_groups

if TYPE_CHECKING:
    from operations.leads.split_plan import SplitPlan

app = typer.Typer(no_args_is_help=True, add_completion=False)

#: Messages that a plan names one by one.
_NAMED = 20


@app.callback()
def leads() -> None:
    """Leads: who is who."""


@app.command()
@takes_groups
def split(
    lead: Annotated[UUID, typer.Argument(help="The lead that is two people.")],
    identity: Annotated[
        list[str],
        typer.Option("--identity", help="One of its identities that is somebody else's, such as email:bob@x.example."),
    ],
    message: Annotated[
        list[UUID] | None,
        typer.Option("--message", help="A message that goes as well, where neither address nor first lead tell."),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever comes later.")] = "",
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait until it is in the rows.")] = 30.0,
    *,
    acting: Acting,
) -> None:
    """Take identities out of a lead and give them, with their messages and drafts, to a lead of their own for good.

    Both keep the suppression. Whatever names both later, they are not merged again.
    """
    from headrace.settings import Settings
    from operations.leads.split_plan import plan_split
    from operations.leads.splitting import VERB, refuse_unfinished_work, run_split, split_scope, subjects_of

    settings = Settings()
    plan = plan_split(settings, lead, identity, message or ())
    if acting.execute:
        refuse_unfinished_work(plan)
    with acting.run(settings, VERB, subjects_of(plan), split_scope(plan, reason, wait)) as run:
        if run is not None:
            run_split(settings, run)
    run_id = None if run is None else str(run.run.run_id)
    acting.report({"plan": plan, "run_id": run_id}, *_plan_lines(plan, run_id))


def _plan_lines(plan: "SplitPlan", run_id: str | None) -> list[str]:
    drafts = [message.draft_state for message in plan.messages if message.draft_state is not None]
    lines = [
        f"Lead {plan.lead_id} of {plan.workspace}",
        f"  keeps {_names(plan.staying)}, and {plan.messages_staying:,} message(s)",
        f"Lead {plan.new_lead_id}",
        f"  gets {_names(plan.going)}, {len(plan.messages):,} message(s), {len(drafts):,} draft(s)",
    ]
    lines += [
        f"    {message.message_id}  {message.sent_at:%Y-%m-%d %H:%M}  {message.direction} {message.channel}"
        + (f", draft {message.draft_state}" if message.draft_state else "")
        for message in plan.messages[:_NAMED]
    ]
    if len(plan.messages) > _NAMED:
        lines.append(f"    and {len(plan.messages) - _NAMED:,} more: see --json")
    if plan.suppressed_at is not None:
        lines.append(f"Both stay suppressed ({plan.suppression_reason}, {plan.suppressed_at:%Y-%m-%d %H:%M}).")
    if plan.open_jobs:
        lines.append(f"{len(plan.open_jobs):,} job(s) of messages that go are open: the split waits for their end.")
    lines.append(f"Done by run {run_id}." if run_id else "Nothing was done. Add --execute to split the lead.")
    return lines


def _names(identities: Sequence[Identity]) -> str:
    return ", ".join(f"{identity.kind}:{identity.value}" for identity in identities)
