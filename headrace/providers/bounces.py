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
#: Where the returned mail begins: what it says decides nothing.
_RETURNED = re.compile(
    r"^[ \t>*_=-]{0,40}(?:(?:begin |copy of the )?(?:original|returned|undelivered) (?:e-?mail|message|mail)\b"
    r"|forwarded message|urspr\u00fcngliche nachricht|message (?:d'origine|original)|mensa(?:je|gem) original"
    r"|messaggio originale|oorspronkelijk bericht)[^\n]{0,80}$"
    r"|^(?:content-type:\s{0,4}(?:message/rfc822|text/rfc822-headers)|return-path:|received: )"
    r"|below this line is a copy of the message|the (?:headers|text) of the (?:original|returned) message"
    r"|original message headers",
    re.IGNORECASE | re.MULTILINE,
)
_DELAYED = re.compile(r"^\s{0,4}action:\s{0,4}(?:delayed|expanded|relayed)\b", re.IGNORECASE | re.MULTILINE)
_FAILED = re.compile(r"^\s{0,4}action:\s{0,4}failed\b", re.IGNORECASE | re.MULTILINE)
_PERMANENT = re.compile(
    r"\b5\.\d{1,3}\.\d{1,3}\b|\b55\d[ -](?=\D)|permanent(?:ly)? (?:fail|err|fatal|reject|delivery)"
    r"|does ?n[o'\u2019]t exist|does not exist|user unknown|unknown user|no such (?:user|recipient|mailbox|address)"
    r"|address (?:not found|rejected)",
    re.IGNORECASE,
)
_TEMPORARY = re.compile(
    r"\b4\.\d{1,3}\.\d{1,3}\b|\b4[2-5]\d[ -](?=\D)|delivery (?:is |has been |was )?(?:delayed|incomplete|deferred)"
    r"|status notification \(delay|will (?:keep (?:on )?trying|retry|be retried|continue to (?:try|be attempted)"
    r"|be (?:re-?)?attempted)|still (?:being )?(?:trying|tried|retrying)|temporar(?:y|ily)"
    r"|mailbox (?:is )?full|over (?:its )?quota|not yet been delivered|not been delivered yet"
    r"|wird (?:weiterhin|erneut) versucht|verz\u00f6ger|retard(?:\u00e9|ad)|ritardat|vertraagd",
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
    """False when the report says only that delivery is delayed or failed for now.

    `Action` of a delivery status (RFC 3464) decides where there is one, then the codes and words of the notice itself.
    """
    notice = _without_returned(report[:_READ_LIMIT])
    if _DELAYED.search(notice) and not _FAILED.search(notice):
        return False
    return bool(_PERMANENT.search(notice)) or not _TEMPORARY.search(notice)


def _without_returned(report: str) -> str:
    """The notice without the mail it returns; all of it where nothing stands before that."""
    returned = _RETURNED.search(report)
    notice = report[: returned.start()] if returned else report
    return notice if notice.strip() else report
