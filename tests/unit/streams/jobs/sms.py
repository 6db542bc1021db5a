"""The one message that tests of jobs are about: an SMS of a lead, of which a test names what it looks at."""

from datetime import datetime
from typing import Any

from headrace.events.messages import MessageReceived


def sms(at: datetime, text: str = "hi", **fields: Any) -> MessageReceived:
    """Received when it was sent. `fields` are those of MessageReceived."""
    shared: dict[str, Any] = {
        "receipt_id": "r",
        "workspace": "acme",
        "provider": "ghl",
        "lead_id": "lead",
        "message_id": "m",
        "conversation_id": "c",
        "channel": "sms",
        "direction": "inbound",
        "source": "direct",
        "provider_event": "sms",
        "provider_message_id": None,
        "sent_at": at,
        "received_at": at,
        "text": text,
        "body": text,
    }
    return MessageReceived(**(shared | fields))
