"""A reply as the clients send it: everything a provider needs to know, by the names under which its adapter kept it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from headrace.events.inbox import Address, Channel

#: A record of the provider may be ours when its time is within these of the claim.
BEFORE_CLAIM = timedelta(minutes=2)
AFTER_CLAIM = timedelta(minutes=10)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one lead, in answer to one of its own."""

    #: The action's id; no provider takes it, but logs and evidence name it.
    action_id: str
    workspace: str
    provider: str
    channel: Channel
    #: Our side, as the message it answers has it: mailbox, phone number or account.
    account: str | None
    #: The `reply_context` of the message it answers: ids of thread, contact, campaign, mailbox by the provider's names.
    context: Mapping[str, str]
    #: Whom an e-mail goes to: who wrote the message it answers, who need not be the lead.
    to: Address | None = None
    #: The lead's own address, by which some providers know it.
    lead_email: str | None = None
    #: Subject of the message it answers; e-mail only.
    subject: str | None = None
    #: Plain text, exactly as it was approved.
    text: str
    #: Hex SHA-256 of its UTF-8.
    text_sha256: str
    #: When the claim was written, aware; look-ups search around it.
    claimed_at: datetime
    #: Records of the provider that are other actions' own already: no look-up takes them for this one.
    known_ids: frozenset[str] = frozenset()
