"""MessageReceived and MessageSent → `messages`, and the lead's first and last times in `lead_activity`."""

from typing import Any

import msgspec

from headrace.events.inbox import Address
from headrace.events.messages import Message
from headrace.events.records import Record
from projections.projection import RowOp


def project_message(_record: Record, event: Message) -> list[RowOp]:
    """The message's row, and its share in the lead's rollups. A repeat of a message is the same rows."""
    return [RowOp("messages", _message(event)), RowOp("lead_activity", _activity(event))]


def _message(event: Message) -> dict[str, Any]:
    campaign, sender = event.campaign, event.from_address
    return {
        "workspace_id": event.workspace,
        "message_id": event.message_id,
        "conversation_id": event.conversation_id,
        "lead_id": event.lead_id,
        "provider": event.provider,
        "channel": event.channel,
        "direction": event.direction,
        "source": event.source,
        "provider_event": event.provider_event,
        "provider_message_id": event.provider_message_id,
        "sent_at": event.sent_at,
        "received_at": event.received_at,
        "subject": event.subject,
        "text": event.text,
        "body": event.body,
        "html": event.html,
        "campaign_id": campaign.id if campaign else None,
        "campaign_name": campaign.name if campaign else None,
        "account": event.account,
        "from_email": sender.address if sender else None,
        "from_name": sender.name if sender else None,
        "attachment_count": event.attachment_count,
        "is_automated": event.is_automated,
        "attrs": _attributes(event),
        "receipt_id": event.receipt_id,
    }


def _attributes(event: Message) -> dict[str, Any]:
    """What is looked at, but not filtered by: left out where empty."""
    attributes = {
        "to": _addresses(event.to_addresses),
        "cc": _addresses(event.cc_addresses),
        "bcc": _addresses(event.bcc_addresses),
        "reply_context": event.reply_context,
    }
    return {name: value for name, value in attributes.items() if value}


def _addresses(addresses: tuple[Address, ...]) -> list[dict[str, Any]]:
    return [msgspec.structs.asdict(address) for address in addresses]


def _activity(event: Message) -> dict[str, Any]:
    inbound = event.sent_at if event.direction == "inbound" else None
    outbound = event.sent_at if event.direction == "outbound" else None
    return {
        "workspace_id": event.workspace,
        "lead_id": event.lead_id,
        "first_message_at": event.sent_at,
        "last_message_at": event.sent_at,
        "first_inbound_at": inbound,
        "last_inbound_at": inbound,
        "first_outbound_at": outbound,
        "last_outbound_at": outbound,
        "receipt_id": event.receipt_id,
    }
