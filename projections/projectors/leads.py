"""The lead itself → `leads`, `lead_identities`, and what became of it → `lead_merges`, `lead_splits`, `message_moves`.

The newest snapshot is the lead.
"""

from typing import Any

from headrace.events.messages import (
    LeadChanged,
    LeadMerged,
    LeadSignalled,
    LeadSplit,
    LeadSuppressed,
    MessageMoved,
    MessageReceived,
    MessageSent,
)
from headrace.events.records import Record
from headrace.events.topics import MESSAGES
from projections.projection import Projection, RowOp
from projections.projectors.evidence import project_signal, project_suppression
from projections.projectors.messages import project_message


def project_lead(_record: Record, event: LeadChanged) -> list[RowOp]:
    """The lead as it now is, and each of its identities at the same version."""
    identities = [
        RowOp(
            "lead_identities",
            {
                "workspace_id": event.workspace,
                "lead_id": event.lead_id,
                "kind": identity.kind,
                "value": identity.value,
                "is_alias": identity.alias,
                "receipt_id": event.receipt_id,
            },
        )
        for identity in event.identities
    ]
    return [RowOp("leads", _lead(event)), *identities]


def project_merge(_record: Record, event: LeadMerged) -> list[RowOp]:
    """The younger lead lives on in the older one; views follow."""
    row = {
        "workspace_id": event.workspace,
        "lead_id": event.lead_id,
        "into_lead_id": event.into_lead_id,
        "merged_at": event.merged_at,
        "receipt_id": event.receipt_id,
    }
    return [RowOp("lead_merges", row)]


def project_split(_record: Record, event: LeadSplit) -> list[RowOp]:
    """Some of the lead's identities are another's from now on."""
    row = {
        "workspace_id": event.workspace,
        "lead_id": event.lead_id,
        "new_lead_id": event.new_lead_id,
        "split_at": event.split_at,
        "split_by": event.by,
        "reason": event.reason,
        "identities": tuple(f"{identity.kind}:{identity.value}" for identity in event.identities),
        "run_id": event.receipt_id,
    }
    return [RowOp("lead_splits", row)]


def project_move(_record: Record, event: MessageMoved) -> list[RowOp]:
    """The message's row stays as it is; views show it at the lead it belongs to now."""
    row = {
        "workspace_id": event.workspace,
        "message_id": event.message_id,
        "lead_id": event.lead_id,
        "into_lead_id": event.into_lead_id,
        "moved_at": event.moved_at,
        "run_id": event.receipt_id,
    }
    return [RowOp("message_moves", row)]


def _lead(event: LeadChanged) -> dict[str, Any]:
    person, campaign, replier = event.person, event.campaign, event.current_replier
    return {
        "workspace_id": event.workspace,
        "lead_id": event.lead_id,
        "created_at": event.created_at,
        "changed_at": event.changed_at,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "company": person.company,
        "title": person.title,
        "linkedin_url": person.linkedin_url,
        "company_linkedin_url": person.company_linkedin_url,
        "email": event.email,
        "alternate_emails": event.alternate_emails,
        "phone": event.phone,
        "campaign_id": campaign.id if campaign else None,
        "campaign_name": campaign.name if campaign else None,
        "account": event.account,
        "current_replier_email": replier.address if replier else None,
        "current_replier_name": replier.name if replier else None,
        "current_replier_since_at": event.current_replier_since if replier else None,
        "receipt_id": event.receipt_id,
    }


PROJECTION = Projection(
    name="leads",
    topic=MESSAGES,
    rev=1,
    tables=(
        "messages",
        "leads",
        "lead_identities",
        "lead_merges",
        "lead_splits",
        "message_moves",
        "lead_activity",
        "lead_suppressions",
        "lead_signals",
    ),
    projectors={
        MessageReceived: project_message,
        MessageSent: project_message,
        LeadChanged: project_lead,
        LeadMerged: project_merge,
        LeadSplit: project_split,
        MessageMoved: project_move,
        LeadSuppressed: project_suppression,
        LeadSignalled: project_signal,
    },
)
