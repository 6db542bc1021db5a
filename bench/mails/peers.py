"""Reads mails from stdin with the libraries of an environment of its own, and writes what each answers to stdout."""

# mypy: disable-error-code="import-not-found,no-any-unimported"
import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

from email_reply_parser import EmailReplyParser
from mailparser_reply import EmailReplyParser as MailParserReply

#: All that mail-parser-reply has, apart from one of its author's own.
_LANGUAGES = ["en", "de", "cs", "da", "es", "fr", "it", "ja", "ko", "nl", "pl", "sv", "zh"]


def main() -> None:
    """Each library over all mails, one after the other."""
    texts: list[str] = json.load(sys.stdin)
    parser = MailParserReply(languages=_LANGUAGES)
    readers: dict[str, Callable[[str], str]] = {
        f"mail-parser-reply {version('mail-parser-reply')}, body": lambda text: _body(parser, text),
        f"mail-parser-reply {version('mail-parser-reply')}, latest": lambda text: parser.parse_reply(text) or "",
        f"email-reply-parser {version('email-reply-parser')}": EmailReplyParser.parse_reply,
    }
    told = {}
    for name, read in readers.items():
        began = time.process_time()
        answers = [read(text) for text in texts]
        told[name] = {"answers": answers, "seconds": time.process_time() - began}
    json.dump(told, sys.stdout)


def _body(parser: MailParserReply, text: str) -> str:
    """Without the signature and the disclaimer that it found."""
    replies = parser.read(text).replies
    return str(replies[0].body) if replies else ""


if __name__ == "__main__":
    main()
