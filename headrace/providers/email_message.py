"""Builds message facts out of e-mails, so that every e-mail provider treats body, text and addresses alike."""

from datetime import datetime

import msgspec

from headrace.events.ids import conversation_id, message_id
from headrace.events.inbox import Address, Direction, InboxFact, InboxMessage, Source
from headrace.providers.adapter import Payload
from headrace.providers.bounces import is_final
from headrace.providers.fields import at
from headrace.providers.html_text import html_to_text
from headrace.providers.identities import address
from headrace.providers.outcomes import Subject
from headrace.providers.reply_text import reply_text


class Email(msgspec.Struct, frozen=True, kw_only=True):
    """An e-mail as a provider tells it."""

    direction: Direction
    source: Source
    #: Identifies the message within provider and direction: its own id, or content and the time of receipt.
    key: str
    provider_message_id: str | None
    #: The provider's thread, or what stands for one.
    thread: str
    sent_at: datetime
    plain: str = ""
    html: str = ""
    subject: str | None = None
    account: str | None = None
    from_address: Address | None = None
    to_addresses: tuple[Address, ...] = ()
    cc_addresses: tuple[Address, ...] = ()
    bcc_addresses: tuple[Address, ...] = ()
    attachment_count: int = 0
    is_automated: bool = False
    reply_context: dict[str, str] = {}

    def id(self, subject: Subject) -> str:
        """The message's derived id."""
        return message_id(subject.receipt.workspace, subject.provider, self.direction, self.key)

    def message(self, subject: Subject) -> InboxMessage:
        """The fact. `body` is the plain text as sent, or what the HTML shows."""
        receipt = subject.receipt
        return InboxMessage(
            receipt_id=receipt.receipt_id,
            workspace=receipt.workspace,
            provider=subject.provider,
            message_id=self.id(subject),
            conversation_id=conversation_id(receipt.workspace, subject.provider, self.thread),
            channel="email",
            direction=self.direction,
            source=self.source,
            identities=subject.identities,
            provider_event=subject.provider_event,
            provider_message_id=self.provider_message_id,
            sent_at=self.sent_at,
            received_at=receipt.received_at,
            text=reply_text(self.plain, self.html),
            body=self.plain if self.plain.strip() else html_to_text(self.html),
            html=self.html or None,
            subject=self.subject,
            person=subject.person,
            campaign=subject.campaign,
            account=self.account,
            from_address=self.from_address,
            to_addresses=self.to_addresses,
            cc_addresses=self.cc_addresses,
            bcc_addresses=self.bcc_addresses,
            attachment_count=self.attachment_count,
            is_automated=self.is_automated,
            reply_context=self.reply_context,
        )

    def bounced(self, concerned: Subject, report: str) -> list[InboxFact]:
        """What a mail server's report means: a message, and a suppression unless delivery failed only for now."""
        bounce = msgspec.structs.replace(self, source="bounce", is_automated=True)
        facts: list[InboxFact] = [bounce.message(concerned)]
        if is_final(report):
            facts.append(concerned.suppression("bounced", self.sent_at))
        return facts


def first_address(payload: Payload, *paths: str) -> Address | None:
    """The first of the fields that holds an address. A path's parts are separated by dots."""
    return next((found for path in paths if (found := address(at(payload, *path.split("."))))), None)


def reply_context(**fields: str | None) -> dict[str, str]:
    """The known ones of the provider's fields that an answer needs."""
    return {name: value for name, value in fields.items() if value}
