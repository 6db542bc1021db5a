"""Reads delivery failures that arrive as e-mails: who sent them, whom they concern, and whether they are final."""

import re

from headrace.events.inbox import Address

_DAEMON_LOCAL_PARTS = ("mailer-daemon", "postmaster", "mail-daemon", "bounce", "bounces", "microsoftexchange")
_DAEMON_NAMES = ("mail delivery", "mailer-daemon", "delivery subsystem", "postmaster", "undeliverable")
#: Bounce reports name the recipient within their first pages; what follows is the returned mail.
_READ_LIMIT = 65_536
_ADDRESS = r"<?(?:rfc822;)?\s{0,4}<?([^\s@<>;,:\"'()\[\]]{1,64}+@[^\s@<>;,:\"'()\[\]]{1,255})"
_RECIPIENT_LINES = re.compile(
    r"(?:final-recipient|original-recipient|x-failed-recipients)\s{0,4}:\s{0,4}" + _ADDRESS, re.IGNORECASE
)
_RECIPIENT_PHRASES = re.compile(
    r"(?:delivered to|deliver(?:ed)? your message to|delivery to|message to|recipient|address(?:es)?)[\s:]{1,8}"
    + _ADDRESS,
    re.IGNORECASE,
)
_ANY_ADDRESS = re.compile(_ADDRESS)
_PERMANENT = re.compile(
    r"\b5\.\d{1,3}\.\d{1,3}\b|\b55\d\b|permanent|does ?n[o']t exist|user unknown|no such user", re.IGNORECASE
)
_TEMPORARY = re.compile(
    r"\b4\.\d{1,3}\.\d{1,3}\b|action:\s{0,4}delayed|delivery (?:is |has been |incomplete|status notification \(delay)"
    r"|will (?:keep trying|retry|be retried|continue to try)|temporar(?:y|ily)|mailbox (?:is )?full|over quota",
    re.IGNORECASE,
)


def is_daemon(sender: Address | None) -> bool:
    """True when a mail server wrote the message."""
    if sender is None:
        return False
    local_part = sender.address.partition("@")[0]
    name = (sender.name or "").lower()
    return local_part.startswith(_DAEMON_LOCAL_PARTS) or any(known in name for known in _DAEMON_NAMES)


def failed_recipient(report: str, own: frozenset[str] = frozenset()) -> str | None:
    """The lower-cased address a bounce report says could not be reached; never one of our `own`."""
    report = report[:_READ_LIMIT]
    for pattern in (_RECIPIENT_LINES, _RECIPIENT_PHRASES, _ANY_ADDRESS):
        for match in pattern.finditer(report):
            found = match.group(1).rstrip(".>").lower()
            if "." in found.partition("@")[2] and found not in own and not is_daemon(Address(address=found)):
                return found
    return None


def is_final(report: str) -> bool:
    """False when the report says only that delivery is delayed or failed for now."""
    report = report[:_READ_LIMIT]
    return bool(_PERMANENT.search(report)) or not _TEMPORARY.search(report)
