"""Reads an e-mail's source, for providers that send it where they did not take it apart themselves."""

import re
from email import message_from_string
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import default
from itertools import islice

import msgspec

from headrace.providers.fields import content, text

#: Characters read of a source: attachments come after the words.
_READ_LIMIT = 262_144
_MOST_HEADERS = 32_768
_MOST_NAMES = 200
_BLANK_LINE = re.compile(r"\r?\n\r?\n")
_AUTOMATIC = re.compile(
    r"^(?:auto-submitted:[ \t]*(?!no\b)\S|x-auto-?(?:reply|respond|response-suppress)[a-z-]*:|x-autorespond(?:er)?:"
    r"|precedence:[ \t]*auto_reply|x-ms-exchange-inbox-rules-loop:|content-type:[ \t]*multipart/report)",
    re.IGNORECASE | re.MULTILINE,
)


class RawMail(msgspec.Struct, frozen=True):
    """What a source says that matters here."""

    plain: str = ""
    html: str = ""
    #: A machine wrote it: `Auto-Submitted` is anything but `no` (RFC 3834), or one of the older marks is there.
    is_automated: bool = False


def read_raw_mail(source: str) -> RawMail:
    """Bodies and marks of a source; what can't be read is missing, never an error."""
    source = source[:_READ_LIMIT]
    try:
        message = message_from_string(source, policy=default)
        plain, html = _content(message, "plain"), _content(message, "html")
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError):
        # The standard parser still trips over some hostile headers.
        plain = html = ""
    return RawMail(plain, html, says_automatic(source))


def says_automatic(headers: object) -> bool:
    """True when headers, as a mapping or at the beginning of a source, say that no person wrote this."""
    if isinstance(headers, dict):
        headers = "\n".join(f"{name}: {text(value)}" for name, value in islice(headers.items(), _MOST_NAMES))
    headers = content(headers)
    end = _BLANK_LINE.search(headers, 0, _MOST_HEADERS)
    return bool(_AUTOMATIC.search(headers[: end.start() if end else _MOST_HEADERS]))


def _content(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    content = part.get_content() if part else ""
    return content if isinstance(content, str) else ""
